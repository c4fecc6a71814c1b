"""The table of who may do what, at every address of the site; test_access.py holds it to that."""

from typing import NamedTuple

from tests.cast import ROLES

Roles = frozenset[str]
NOBODY: Roles = frozenset()
BOSS = frozenset({"boss"})
AUDITORS = BOSS | {"auditor"}
STAFF = AUDITORS | {"staff"}
EDITORS = BOSS | {"editor"}
VIEWERS = AUDITORS | {"viewer", "editor", "trader"}
TRADERS = BOSS | {"trader"}
SIGNED_IN = frozenset(ROLES) - {"anonymous"}
ANYBODY = frozenset(ROLES)


class May(NamedTuple):
    """Who may GET and who may POST there; nobody may do anything else but what GET does."""

    get: Roles
    post: Roles


PAGES = {
    "": May(VIEWERS, NOBODY),
    **{
        f"{page}export.{kind}": May(VIEWERS, NOBODY)
        for page in ("", "positions/", "orders/", "accounts/<account:number>/history/")
        for kind in ("csv", "xlsx")
    },
    "sheets/": May(NOBODY, BOSS),
    "accounts/<account:number>/history/sheets/": May(NOBODY, BOSS),
    "edit/": May(NOBODY, VIEWERS),  # and more for each action: see below
    "refresh/": May(NOBODY, VIEWERS),
    "suggestions/": May(VIEWERS, NOBODY),
    "suggestions/accept/": May(NOBODY, EDITORS),
    "accounts/<account:number>/": May(VIEWERS, NOBODY),
    "accounts/<account:number>/phase/": May(EDITORS, EDITORS),
    "accounts/<account:number>/vs/": May(EDITORS, EDITORS),
    "accounts/<account:number>/refresh/": May(NOBODY, VIEWERS),
    "accounts/<account:number>/open/": May(TRADERS, TRADERS),
    "accounts/<account:number>/open/quote/": May(TRADERS, NOBODY),
    "accounts/<account:number>/close/": May(TRADERS, TRADERS),
    "accounts/<account:number>/positions/<int:ticket>/close/": May(TRADERS, TRADERS),
    "accounts/<account:number>/positions/<int:ticket>/modify/": May(TRADERS, TRADERS),
    "accounts/<account:number>/positions/<int:ticket>/levels/": May(TRADERS, NOBODY),
    "accounts/<account:number>/history/": May(VIEWERS, NOBODY),
    "accounts/<account:number>/history/sync/": May(NOBODY, VIEWERS),
    "close/": May(NOBODY, TRADERS),
    "orders/": May(VIEWERS, NOBODY),
    "orders/<int:pk>/": May(VIEWERS, NOBODY),
    "orders/<int:pk>/outcome/": May(VIEWERS, NOBODY),
    "orders/<int:pk>/settle/": May(NOBODY, BOSS),
    "orders/<int:pk>/cancel/": May(NOBODY, TRADERS),
    "positions/": May(VIEWERS, NOBODY),
    "versus/": May(AUDITORS, NOBODY),
    "versus/new/": May(BOSS, BOSS),
    "versus/<str:code>/": May(AUDITORS, NOBODY),
    "versus/<str:code>/freeze/": May(BOSS, BOSS),
    "versus/<str:code>/transfer/": May(BOSS, BOSS),
    "versus/<str:code>/schedule/": May(BOSS, BOSS),
    "versus/<str:code>/cancel/": May(BOSS, BOSS),
    "versus/<str:code>/close/": May(BOSS, BOSS),
    "versus/<str:code>/take/": May(BOSS, BOSS),
    "versus/<str:code>/archive/": May(BOSS, BOSS),
    "versus/<str:code>/restore/": May(BOSS, BOSS),
    "trading/switch/": May(BOSS, BOSS),
    "trading/state/": May(TRADERS, NOBODY),
    "agents/": May(VIEWERS, NOBODY),
    "agents/<int:pk>/refresh/": May(NOBODY, VIEWERS),
    "logs/": May(AUDITORS, NOBODY),
    "events/accounts": May(VIEWERS, NOBODY),
    "events/positions": May(VIEWERS, NOBODY),
    "events/logs": May(AUDITORS, NOBODY),
    "login/": May(ANYBODY, ANYBODY),
    "login/code/": May(ANYBODY, ANYBODY),  # leads to sign in whoever has shown no password
    "security/": May(SIGNED_IN, NOBODY),
    "security/app/": May(SIGNED_IN, SIGNED_IN),
    "security/codes/": May(NOBODY, SIGNED_IN),
    "security/passkey/": May(SIGNED_IN, SIGNED_IN),
    "security/passkey/<int:pk>/": May(NOBODY, NOBODY),  # but for those whose passkey it is
    "security/off/": May(NOBODY, SIGNED_IN),
    "security/password/": May(SIGNED_IN, SIGNED_IN),
    "security/sign-out/": May(NOBODY, SIGNED_IN),
    "tokens/": May(SIGNED_IN, BOSS),
    "tokens/<int:pk>/revoke/": May(NOBODY, NOBODY),  # but for those whose token it is
    "logout/": May(NOBODY, SIGNED_IN),
    "healthz": May(ANYBODY, NOBODY),
    "favicon.ico": May(ANYBODY, NOBODY),
}
ADMIN = {
    "": May(STAFF, STAFF),
    "login/": May(STAFF, STAFF),  # leads the others to the one page to sign in
    "logout/": May(SIGNED_IN - STAFF, SIGNED_IN),  # leads those who are not staff to sign in
    "password_change/": May(STAFF, STAFF),
    "password_change/done/": May(STAFF, NOBODY),
    "search/": May(STAFF, STAFF),
    "autocomplete/": May(AUDITORS, NOBODY),
    "jsi18n/": May(STAFF, NOBODY),
    "r/<path:content_type_id>/<path:object_id>/": May(NOBODY, NOBODY),
    "accounts/account/cells/": May(AUDITORS, AUDITORS),
    "accounts/agent/import/": May(BOSS, BOSS),
    "auth/user/<id>/password/": May(BOSS, BOSS),
    "^(?P<app_label>accounts|auth|trading)/$": May(AUDITORS, AUDITORS),
    "(?P<url>.*)$": May(NOBODY, NOBODY),
}
MODEL = {
    "": May(AUDITORS, AUDITORS),  # a POST without an action; for actions see below
    "add/": May(BOSS, BOSS),
    "<path:object_id>/change/": May(AUDITORS, BOSS),
    "<path:object_id>/delete/": May(BOSS, BOSS),
    "<path:object_id>/history/": May(AUDITORS, AUDITORS),
    "<path:object_id>/": May(STAFF, STAFF),  # leads to the change page
}
VERSION = {"^([^/]+)/history/([^/]+)/$": May(STAFF, STAFF)}  # leads to the history
FROM_AGENTS = {"add/": May(NOBODY, NOBODY)}
TOLD_ONCE = {
    "<path:object_id>/change/": May(AUDITORS, NOBODY),
    "<path:object_id>/delete/": May(NOBODY, NOBODY),
}
SETTLED_ONLY = {"<path:object_id>/delete/": May(NOBODY, NOBODY)}
READ_ONLY = {
    "": May(AUDITORS, AUDITORS),
    "add/": May(NOBODY, NOBODY),
    "<path:object_id>/change/": May(AUDITORS, NOBODY),
    "<path:object_id>/delete/": May(NOBODY, NOBODY),
}
MODELS: dict[str, dict[str, May]] = {
    "accounts/account/": MODEL | VERSION | FROM_AGENTS,
    "accounts/agent/": MODEL | VERSION,
    "accounts/conflict/": MODEL | FROM_AGENTS | SETTLED_ONLY,
    "accounts/apitoken/": MODEL | TOLD_ONCE,
    "accounts/signin/": MODEL | READ_ONLY,
    "accounts/phase/": MODEL | VERSION,
    "accounts/firm/": MODEL | VERSION,
    "accounts/vsgroup/": MODEL | VERSION,
    "trading/tradingswitch/": MODEL | FROM_AGENTS | SETTLED_ONLY,
    "trading/tradelimit/": MODEL,
    "trading/standingacknowledgement/": MODEL | TOLD_ONCE,
    "trading/order/": MODEL | READ_ONLY,
    "trading/orderevent/": MODEL | READ_ONLY,
    "trading/closedtrade/": MODEL | READ_ONLY,
    "trading/deal/": MODEL | READ_ONLY,
    "trading/versus/": MODEL | READ_ONLY,
    "trading/versusevent/": MODEL | READ_ONLY,
    "auth/user/": MODEL,
    "auth/group/": MODEL,
}
TABLE: dict[str, May] = {
    **PAGES,
    **{f"admin/{route}": may for route, may in ADMIN.items()},
    **{
        f"admin/{model}{route}": may
        for model, routes in MODELS.items()
        for route, may in routes.items()
    },
}
QUERIES = {"admin/autocomplete/": "app_label=accounts&model_name=account&field_name=firm"}
