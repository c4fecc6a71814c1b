"""The settings that only the stack and the demo read; mt5monitor/settings declares all others."""

from mt5monitor.declared import Group, Setting, declare


def _whole(name: str, default: int, least: int, most: int, help: str) -> tuple[int, int, int]:
    """Return what the setting is read with: its default, the least and the greatest value."""
    accepts = f"whole number from {least} to {most}"
    declare(Setting(name, Group.DEMO, accepts, str(default), help))
    return default, least, most


def _text(name: str, group: Group, accepts: str, shown: str, help: str) -> None:
    declare(Setting(name, group, accepts, shown, help))


_text("BIND", Group.SITE, "address", "127.0.0.1", "Address on which pages are served.")
ACCOUNTS = _whole("ACCOUNTS", 69, 1, 10_000, "Simulated accounts of the demo.")
SEED = _whole("SEED", 1, 0, 2**63, "Seed of the simulated accounts; the same seed gives the same.")
_text(
    "DEMO_PASSWORD",
    Group.DEMO,
    "text of 12 characters or more",
    "made once",
    "Password of the demo's user.",
)
