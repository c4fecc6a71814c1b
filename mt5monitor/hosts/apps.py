from django.apps import AppConfig


class HostsConfig(AppConfig):
    name = "mt5monitor.hosts"
    label = "hosts"
