from django.apps import AppConfig


class TradingConfig(AppConfig):
    name = "trading"
    verbose_name = "Trading"

    def ready(self) -> None:
        from accounts.live.journals import journals
        from mt5monitor.hosts import watch
        from trading import events, restored

        journals.extend([events.orders, events.versus])
        watch.guards.append(restored)
