from django.apps import AppConfig


class TradingConfig(AppConfig):
    name = "trading"
    verbose_name = "Trading"

    def ready(self) -> None:
        from accounts.events.journals import journals
        from trading import told

        journals.extend([told.orders, told.versus])
