"""The pages of trading."""

from django.urls import path

from accounts import keys  # noqa: F401, the converter "account"
from accounts.views.exports import FORMATS
from trading.views import (
    events,
    exports,
    fleet,
    history,
    journal,
    new_versus,
    order_forms,
    switch,
    versus,
)

urlpatterns = [
    path("trading/switch/", switch.switch, name="trading-switch"),
    path("trading/state/", switch.state, name="trading-state"),
    path("orders/", journal.journal, name="orders"),
    path("orders/<int:pk>/", journal.order, name="order"),
    path("orders/<int:pk>/outcome/", journal.outcome, name="order-outcome"),
    path("orders/<int:pk>/settle/", journal.settle, name="order-settle"),
    path("orders/<int:pk>/cancel/", journal.cancel, name="order-cancel"),
    path("positions/", fleet.positions, name="positions"),
    path("events/positions", events.positions, name="events-positions"),
    path("versus/", versus.overview, name="versus-all"),
    path("versus/new/", new_versus.new, name="versus-new"),
    path("versus/<str:code>/", versus.one, name="versus"),
    *[
        path(f"versus/<str:code>/{action}/", versus.act, {"action": action}, f"versus-{action}")
        for action in versus.ACTIONS
    ],
    path("accounts/<account:number>/history/", history.trades, name="history"),
    path("accounts/<account:number>/history/sync/", history.sync, name="history-sync"),
    *[
        path(f"{page}/export.{kind}", view, {"kind": kind}, f"{name}-{kind}")
        for name, page, view in (
            ("positions", "positions", exports.positions),
            ("orders", "orders", exports.orders),
            ("trades", "accounts/<account:number>/history", exports.trades),
        )
        for kind in FORMATS
    ],
    path("sheets/", exports.all_to_sheets, name="sheets"),
    path(
        "accounts/<account:number>/history/sheets/", exports.trades_to_sheets, name="trades-sheets"
    ),
    path("close/", fleet.close_selected, name="close-selected"),
    path("accounts/<account:number>/open/", order_forms.opening, name="open"),
    path("accounts/<account:number>/open/quote/", order_forms.quote, name="open-quote"),
    path("accounts/<account:number>/close/", order_forms.close_all, name="close-all"),
    path(
        "accounts/<account:number>/positions/<int:ticket>/close/", order_forms.close, name="close"
    ),
    path(
        "accounts/<account:number>/positions/<int:ticket>/modify/",
        order_forms.modify,
        name="modify",
    ),
    path(
        "accounts/<account:number>/positions/<int:ticket>/levels/",
        order_forms.levels,
        name="levels",
    ),
]
