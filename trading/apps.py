from django.apps import AppConfig


class TradingConfig(AppConfig):
    name = "trading"
    verbose_name = "Trading"

    def ready(self) -> None:
        from accounts.live.journals import journals
        from trading import events

        journals.extend([events.orders, events.versus])
