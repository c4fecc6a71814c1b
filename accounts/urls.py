"""The pages of accounts and agents."""

from django.urls import path

from accounts import keys  # noqa: F401, the converter "account"
from accounts.views import (
    account,
    agents,
    edits,
    events,
    exports,
    fleet,
    health,
    logs,
    passkeys,
    refreshing,
    security,
    selection,
    sessions,
    suggestions,
    tokens,
)

urlpatterns = [
    path("", fleet.fleet, name="fleet"),
    *[
        path(f"export.{kind}", exports.fleet, {"kind": kind}, f"fleet-{kind}")
        for kind in exports.FORMATS
    ],
    path("edit/", selection.selection, name="fleet-edit"),
    path("refresh/", refreshing.fleet, name="fleet-refresh"),
    path("suggestions/", suggestions.suggested, name="suggestions"),
    path("suggestions/accept/", suggestions.accept, name="suggestion-accept"),
    path("accounts/<account:number>/", account.account, name="account"),
    path("accounts/<account:number>/phase/", edits.phase, name="account-phase"),
    path("accounts/<account:number>/vs/", edits.vs, name="account-vs"),
    path("accounts/<account:number>/refresh/", refreshing.account, name="account-refresh"),
    path("agents/", agents.agents, name="agents"),
    path("agents/<int:pk>/refresh/", refreshing.agent, name="agent-refresh"),
    path("logs/", logs.logs, name="logs"),
    path("events/accounts", events.accounts, name="events-accounts"),
    path("events/logs", logs.coming, name="events-logs"),
    path("login/", sessions.SignIn.as_view(), name="login"),
    path("login/code/", sessions.code, name="login-code"),
    path("security/", security.security, name="security"),
    path("security/app/", security.app, name="security-app"),
    path("security/codes/", security.codes, name="security-codes"),
    path("security/passkey/", passkeys.add, name="security-passkey"),
    path("security/passkey/<int:pk>/", passkeys.remove, name="security-passkey-remove"),
    path("security/off/", security.off, name="security-off"),
    path("security/password/", security.password, name="security-password"),
    path("security/sign-out/", security.sign_out_everywhere, name="security-sign-out"),
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/<int:pk>/revoke/", tokens.revoke, name="token-revoke"),
    path("logout/", sessions.SignOut.as_view(), name="logout"),
    path("healthz", health.health, name="health"),
]
