"""How the admin looks and what its sidebar leads to (settings.UNFOLD)."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy

ICON = "mt5monitor/icon.svg"


def may(permission: str) -> Callable[[HttpRequest], bool]:
    return lambda request: request.user.has_perm(permission)


def never(request: HttpRequest) -> bool:
    """The pages outside of the admin are never the current one in it, though "/" begins all."""
    return False


def _link(title: str, icon: str, url: str, permission: str) -> dict[str, Any]:
    link = {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(url),
        "permission": may(permission),
    }
    return link if url.startswith("admin:") else link | {"active": never}


def _section(title: str, *links: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "separator": True, "items": list(links)}


SIDEBAR = [
    _section(
        "Watch",
        _link("Fleet", "monitoring", "fleet", "accounts.view_account"),
        _link("Agents, live", "lan", "agents", "accounts.view_agent"),
        _link("Orders, live", "receipt_long", "orders", "accounts.view_account"),
        _link("Positions, live", "stacked_line_chart", "positions", "accounts.view_account"),
    ),
    _section(
        "Fleet",
        _link(
            "Accounts",
            "account_balance_wallet",
            "admin:accounts_account_changelist",
            "accounts.view_account",
        ),
        _link("Agents", "dns", "admin:accounts_agent_changelist", "accounts.view_agent"),
        _link(
            "Conflicts", "warning", "admin:accounts_conflict_changelist", "accounts.view_conflict"
        ),
    ),
    _section(
        "Trading",
        _link(
            "Switch",
            "power_settings_new",
            "admin:trading_tradingswitch_changelist",
            "trading.view_tradingswitch",
        ),
        _link("Limits", "speed", "admin:trading_tradelimit_changelist", "trading.view_tradelimit"),
        _link(
            "Closed trades",
            "history",
            "admin:trading_closedtrade_changelist",
            "trading.view_closedtrade",
        ),
        _link("Deals", "payments", "admin:trading_deal_changelist", "trading.view_deal"),
        _link("Orders", "receipt_long", "admin:trading_order_changelist", "trading.view_order"),
        _link("Versus", "swap_horiz", "admin:trading_versus_changelist", "trading.view_versus"),
        _link(
            "Standing acknowledgements",
            "handshake",
            "admin:trading_standingacknowledgement_changelist",
            "trading.view_standingacknowledgement",
        ),
    ),
    _section(
        "Labels",
        _link("Phases", "flag", "admin:accounts_phase_changelist", "accounts.view_phase"),
        _link("VS groups", "link", "admin:accounts_vsgroup_changelist", "accounts.view_vsgroup"),
        _link("Firms", "apartment", "admin:accounts_firm_changelist", "accounts.view_firm"),
    ),
    _section(
        "People",
        _link("Users", "person", "admin:auth_user_changelist", "auth.view_user"),
        _link("Groups", "group", "admin:auth_group_changelist", "auth.view_group"),
        _link("API tokens", "key", "admin:accounts_apitoken_changelist", "accounts.view_apitoken"),
        _link("Sign-ins", "login", "admin:accounts_signin_changelist", "accounts.view_signin"),
    ),
]

# One quiet blue: colour belongs to states and figures.
PRIMARY = {
    "50": "oklch(97% .012 245)",
    "100": "oklch(94% .025 245)",
    "200": "oklch(88% .05 245)",
    "300": "oklch(80% .08 245)",
    "400": "oklch(70% .11 247)",
    "500": "oklch(66% .12 248)",
    "600": "oklch(51% .115 251)",
    "700": "oklch(44% .1 252)",
    "800": "oklch(37% .08 253)",
    "900": "oklch(31% .06 254)",
    "950": "oklch(23% .045 255)",
}

# Of the theme's greys this one is too faint for icons that one has to find.
BASE = {"400": "oklch(63% .022 261.325)"}

UNFOLD = {
    "SITE_TITLE": "MT5 Monitor",
    "SITE_HEADER": "MT5 Monitor",
    "SITE_SUBHEADER": "Administration",
    "SITE_SYMBOL": "monitoring",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static(ICON)},
    ],
    "SITE_URL": reverse_lazy("fleet"),
    "SHOW_BACK_BUTTON": True,
    "ACCOUNT": {"navigation": [{"title": "Security", "link": reverse_lazy("security")}]},
    "DASHBOARD_CALLBACK": "accounts.admin.dashboard.summary",
    "COLORS": {"base": BASE, "primary": PRIMARY},
    "BORDER_RADIUS": "4px",
    "SIDEBAR": {"navigation": SIDEBAR},
    "STYLES": [lambda request: static("accounts/admin.css")],
}
