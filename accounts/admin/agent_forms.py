"""The form of one agent. Its secret goes in and never comes out."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminPasswordWidget

from accounts.admin.stale import OpenedForm
from accounts.imports import normal_url
from accounts.models import Agent
from accounts.models.agent import AWAITS_ORDERS


class AgentForm(OpenedForm):
    secret = forms.CharField(
        required=False,
        strip=True,
        min_length=16,
        max_length=200,
        label="New secret",
        help_text="For contract 2, as in the agent's own settings; 16 characters or more. "
        "Never shown again. Empty: stays as it is, unless the URL changes, which clears it.",
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if field := self.fields.get("fixed_interval_s"):
            field.label = "Poll every … seconds"
            field.help_text = "From 1 to 3600. Empty: by urgency of its accounts."

    def write_only(self) -> tuple[str, ...]:
        return ("secret",)

    def clean_secret(self) -> str:
        """Without the byte-order mark that may come along when all of a file is copied."""
        return str(self.cleaned_data["secret"]).strip("\ufeff")

    def clean_url(self) -> str:
        return normal_url(self.cleaned_data["url"])

    def apply_secret(self) -> None:
        """Another URL loses the secret of the old one; a secret that was typed is for this URL."""
        agent, url = self.instance, self.cleaned_data.get("url")
        if url is not None and agent.pk is not None:
            agent.url = self.initial["url"]
            agent.move_to(url)
        if secret := self.cleaned_data.get("secret"):
            agent.set_secret(secret)

    def entailed_columns(self) -> list[str]:
        """Columns that changed because others did."""
        if not {"url", "secret", "contract"} & {*self.changed_data}:
            return []
        # What it said under its old address or contract is no ground for "nothing changed".
        self.instance.etag = ""
        if "url" in self.changed_data:
            return [*Agent.OF_THE_ADDRESS]
        return ["etag", "secret_encrypted"] if "secret" in self.changed_data else ["etag"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        has_secret = self.instance.secret_encrypted is not None or bool(cleaned.get("secret"))
        if cleaned.get("contract") == Agent.Contract.V2 and not has_secret:
            self.add_error("secret", "Contract 2 needs the secret that the agent was given.")
        for name in ("url", "contract"):
            if name in self.changed_data and self.instance.awaits_orders():
                self.add_error(name, AWAITS_ORDERS)
        return cleaned
