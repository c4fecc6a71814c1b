"""The form of one agent. Its secret goes in and never comes out."""

from typing import Any, ClassVar

from django import forms
from unfold.widgets import UnfoldAdminPasswordWidget

from accounts.admin.stale import OpenedForm
from accounts.agent_import import normal_url
from accounts.approvals import NEEDS_PERMISSION
from accounts.models import Agent
from accounts.models.agent import AWAITS_ORDERS

# Orders were approved for the program at this URL, by this version, that knows this secret.
APPROVED_FOR = ("url", "contract", "secret")
MOVED_MEANWHILE = (
    "The URL or the contract was changed while this form was open. Open it again, and look where "
    "orders would go."
)


class AgentForm(OpenedForm):
    may_approve: ClassVar[bool] = False
    """Whether its user can switch trading on; set by the admin on the class of each request."""

    secret = forms.CharField(
        required=False,
        strip=True,
        min_length=16,
        max_length=200,
        label="New secret",
        help_text="For contract 2, as in the agent's own settings; 16 characters or more. Never "
        "shown again. Empty: stays as it is, unless the URL or the contract changes, which clears "
        "it.",
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if field := self.fields.get("fixed_interval_s"):
            field.label = "Poll every … seconds"
            field.help_text = "From 1 to 3600. Empty: by urgency of its accounts."
        if field := self.fields.get("trading_enabled"):
            field.help_text = (
                "Whether orders may be sent through this agent. Switching it on approves the URL "
                "and the contract above; another URL, contract or secret switches it off."
            )
            if not self.may_approve:
                field.help_text += " You can only switch it off."

    def write_only(self) -> tuple[str, ...]:
        return ("secret",)

    def clean_secret(self) -> str:
        """Without the byte-order mark that may come along when all of a file is copied."""
        return str(self.cleaned_data["secret"]).strip("\ufeff")

    def clean_url(self) -> str:
        return normal_url(self.cleaned_data["url"])

    def apply_address(self) -> None:
        """Another URL or contract loses the secret and the trading of the old one, and another
        secret its trading; a secret that was typed is for this URL."""
        agent, typed = self.instance, self.cleaned_data
        if agent.pk is not None:
            url, contract = typed.get("url"), typed.get("contract")
            agent.url, agent.contract = self.initial["url"], self.initial["contract"]
            agent.move_to(url or agent.url, contract or agent.contract)
        if secret := typed.get("secret"):
            agent.set_secret(secret)
            agent.trading_enabled = agent.pk is None and agent.trading_enabled

    @property
    def stops_trading(self) -> bool:
        """Whether what it changes needs another approval, of an agent that was there before."""
        return bool({*APPROVED_FOR} & {*self.changed_data}) and not self.instance.trading_enabled

    @property
    def approves(self) -> bool:
        """Whether its user lets orders go to the agent, as it is once the address is applied."""
        return "trading_enabled" in self.changed_data and self.instance.trading_enabled

    def entailed_columns(self) -> list[str]:
        """Columns that changed because others did."""
        changed = {*APPROVED_FOR} & {*self.changed_data}
        if not changed:
            return []
        # What it said under its old address or contract is no ground for "nothing changed".
        self.instance.etag = ""
        columns = {"etag"}
        if changed - {"secret"}:
            columns |= {*Agent.OF_THE_ADDRESS}
        if "secret" in changed:
            columns |= {"secret_encrypted", "trading_enabled"}
        # Never on by a row that was read a moment ago: it may have been switched off since.
        return sorted(columns - ({"trading_enabled"} if self.instance.trading_enabled else set()))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("contract") == Agent.Contract.V2 and not cleaned.get("secret"):
            self.add_error("secret", "Contract 2 needs the secret that the agent was given.")
        for name in ("url", "contract"):
            if name in self.changed_data and self.instance.awaits_orders():
                self.add_error(name, AWAITS_ORDERS)
        if cleaned.get("trading_enabled"):
            self._check_approval()
        return cleaned

    def _check_approval(self) -> None:
        """Adds an error unless its user can let orders go to where the form says that they go."""
        if not self.may_approve:
            self.add_error("trading_enabled", NEEDS_PERMISSION)
        elif self.instance.pk is not None and not all(map(self._is_as_shown, ("url", "contract"))):
            self.add_error("trading_enabled", MOVED_MEANWHILE)

    def _is_as_shown(self, name: str) -> bool:
        """Whether the row has what its user saw and left as it was, or typed."""
        typed = name in self.changed_data
        return typed or not self._differ(name, self[name].initial, self[name].data)
