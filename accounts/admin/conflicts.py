"""Conflicts in the admin: a person says which agent an account belongs to."""

from collections.abc import Callable, Iterable

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from accounts import conflicts
from accounts.admin.base import ModelAdmin
from accounts.fleet import formatting
from accounts.models import Account, Agent, Conflict


@admin.register(Conflict)
class ConflictAdmin(ModelAdmin):
    list_display = ("number", "server", "what", "kind", "reported_by", "belongs_to", "open_for")
    list_filter = (("kind", ChoicesDropdownFilter),)
    list_filter_submit = True
    list_display_links = None
    list_select_related = ("agent",)
    search_fields = ("number", "server", "agent__name", "agent__display_name")
    search_help_text = "Account, server or agent"
    show_full_result_count = False
    empty_says = "Each account is reported by its own agent only, and none waits to be added."
    show_facets = 0
    actions = ("give_to_agent", "add_another", "rename_server", "dismiss")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # conflicts come from polls

    def has_delete_permission(self, request: HttpRequest, obj: Conflict | None = None) -> bool:
        return False  # settle or dismiss

    def get_readonly_fields(self, request: HttpRequest, obj: object = None) -> list[str]:
        return [field.name for field in self.opts.fields]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conflict]:
        # Of several accounts of that number, the one at that server is meant, else any.
        rows = Account.objects.filter(number=OuterRef("number")).order_by("pk")
        owner = rows.values("agent__name")
        exact = owner.filter(server=OuterRef("server"))
        return Conflict.objects.annotate(
            owner=Coalesce(Subquery(exact[:1]), Subquery(owner[:1])),
            known=Subquery(rows.values("number")[:1]),
        )

    @admin.display(description="what")
    def what(self, conflict: Conflict) -> str:
        return f"{conflict.sentence}."

    @admin.display(description="account belongs to", ordering="owner")
    def belongs_to(self, conflict: Conflict) -> str:
        owner: str | None = conflict.owner  # type: ignore[attr-defined]
        if owner:
            return owner
        return "no agent" if conflict.known else "not known yet"  # type: ignore[attr-defined]

    @admin.display(description="reported by", ordering="agent__name")
    def reported_by(self, conflict: Conflict) -> str:
        return conflict.agent.name

    @admin.display(description="open for", ordering="-since")
    def open_for(self, conflict: Conflict) -> str:
        return formatting.age(conflict.since, timezone.now())

    @admin.action(description="Give the account to this agent", permissions=["change"])
    def give_to_agent(self, request: HttpRequest, queryset: QuerySet[Conflict]) -> None:
        chosen = list(queryset.select_related("agent"))
        if twice := _repeated((conflict.number, conflict.server) for conflict in chosen):
            text = f"Account {twice[0]} was chosen for two agents; choose one of them."
            self.message_user(request, text, messages.ERROR)
            return
        note = "Account {0.number} given to {0.agent}."
        if not self._settled(request, chosen, conflicts.settle_for, note):
            return
        text = (
            f"{_accounts(len(chosen))} given to the agent that reports "
            f"{'it' if len(chosen) == 1 else 'them'}. An agent that still reports an account of "
            "another one is flagged again: log it in elsewhere, or disable it."
        )
        self.message_user(request, text, messages.SUCCESS)

    @admin.action(
        description="It is another account, of another broker: add it", permissions=["change"]
    )
    def add_another(self, request: HttpRequest, queryset: QuerySet[Conflict]) -> None:
        chosen = list(queryset.select_related("agent"))
        note = "Account {0.number} of {0.agent} added as another account."
        if self._settled(request, chosen, conflicts.settle_as_another, note):
            text = f"{_accounts(len(chosen))} added. The next poll fills in the figures."
            self.message_user(request, text, messages.SUCCESS)

    @admin.action(
        description="It is the same account, its server has a new name", permissions=["change"]
    )
    def rename_server(self, request: HttpRequest, queryset: QuerySet[Conflict]) -> None:
        chosen = list(queryset.select_related("agent"))
        note = "The server of account {0.number} is now {0.server}."
        if self._settled(request, chosen, conflicts.settle_as_renamed, note):
            text = f"{_accounts(len(chosen))} kept, with the new name of the server."
            self.message_user(request, text, messages.SUCCESS)

    def _settled(
        self,
        request: HttpRequest,
        chosen: list[Conflict],
        settle: Callable[[Conflict], object],
        note: str,
    ) -> bool:
        """All or none of them; says why when it cannot be done."""
        try:
            with transaction.atomic():
                for conflict in chosen:
                    self._note(request, conflict, note.format(conflict))
                    settle(conflict)
        except conflicts.Unsettled as error:
            self.message_user(request, str(error), messages.ERROR)
            return False
        return True

    @admin.action(description="Keep as it is, dismiss", permissions=["change"])
    def dismiss(self, request: HttpRequest, queryset: QuerySet[Conflict]) -> None:
        chosen = list(queryset.select_related("agent"))
        with transaction.atomic():
            for conflict in chosen:
                self._note(request, conflict, f"Dismissed: {conflict.sentence}.")
                conflicts.dismiss(conflict)
        text = (
            f"{len(chosen)} conflict{'' if len(chosen) == 1 else 's'} dismissed; the next poll "
            "flags again what is still so."
        )
        self.message_user(request, text, messages.SUCCESS)

    def _concerned(self, conflict: Conflict) -> Account | None:
        own = Account.objects.filter(agent=conflict.agent_id, number=conflict.number).first()
        try:
            return own or conflicts.account_of(conflict)
        except conflicts.Unsettled:
            return None

    def _note(self, request: HttpRequest, conflict: Conflict, text: str) -> None:
        """Kept in the log of the admin and in the history of what it concerns."""
        agent = conflict.agent
        account = self._concerned(conflict)
        self.log_change(request, account or agent, text)
        rows: tuple[type[Account] | type[Agent], Account | Agent]
        rows = (Account, account) if account else (Agent, agent)
        rows[0].history.bulk_history_create(
            [rows[1]], update=True, default_change_reason=text[:100]
        )


Login = tuple[int, str]


def _repeated(logins: Iterable[Login]) -> Login | None:
    seen: set[Login] = set()
    for login in logins:
        if login in seen:
            return login
        seen.add(login)
    return None


def _accounts(count: int) -> str:
    return f"{count} account{'' if count == 1 else 's'}"
