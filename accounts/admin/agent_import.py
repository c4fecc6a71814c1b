"""The page that imports agents: a file or pasted text, a preview, then the import itself."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.validators import RegexValidator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.agent_import import ImportRefused, Plan, Source, import_agents, preview
from accounts.models import Agent
from mt5monitor.text_file import NotText, decoded

FILE_MOST = 2 * 1024 * 1024


class ImportForm(forms.Form):
    file = forms.FileField(required=False, widget=UnfoldAdminFileFieldWidget)
    text = forms.CharField(
        required=False,
        strip=False,
        max_length=FILE_MOST,
        label="or paste it here",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 12, "spellcheck": "false"}),
    )
    host = forms.CharField(
        required=False,
        max_length=253,
        validators=[RegexValidator(r"^[A-Za-z0-9_.:\[\]-]+$", "This is not a host.")],
        help_text="Where the ports of the file are, such as 10.0.0.5. Not needed with URLs.",
        widget=UnfoldAdminTextInputWidget,
    )
    scheme = forms.ChoiceField(
        choices=[("http", "http"), ("https", "https")], widget=UnfoldAdminSelectWidget
    )
    contract = forms.ChoiceField(
        choices=Agent.Contract.choices,
        help_text="What new agents of this file speak.",
        widget=UnfoldAdminSelectWidget,
    )

    def clean_file(self) -> str:
        """The text of the file."""
        file = self.cleaned_data["file"]
        if file is None:
            return ""
        if file.size > FILE_MOST:
            raise forms.ValidationError("The file is larger than 2 MB.")
        try:
            return decoded(file.read())
        except NotText as error:
            raise forms.ValidationError(f"The file {error}") from error

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and not self.given():
            self.add_error("file", "Choose a file, or paste its text below.")
        return cleaned

    def given(self) -> str:
        """The text to import, from the file or as pasted."""
        given: str = self.cleaned_data.get("file") or self.cleaned_data.get("text", "").strip()
        return given

    def source(self) -> Source:
        given = self.cleaned_data
        return Source(given["host"], given["scheme"], given["contract"])


def import_page(modeladmin: Any, request: HttpRequest) -> HttpResponse:
    """Shows the form, then what would be done, then does it."""
    if not modeladmin.has_import_permission(request):
        raise PermissionDenied
    if request.method != "POST":
        return _page(modeladmin, request, ImportForm(initial={"contract": "1"}))
    form = ImportForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(modeladmin, request, form)
    confirmed = "confirm" in request.POST
    try:
        plan = (import_agents if confirmed else preview)(form.given(), form.source())
    except ImportRefused as error:
        return _page(modeladmin, request, form, problems=str(error).splitlines())
    if not confirmed:
        return _page(modeladmin, request, form, plan=plan)
    modeladmin.message_user(request, f"Imported: {plan.counts()}", messages.SUCCESS)
    return HttpResponseRedirect(reverse("admin:accounts_agent_changelist"))


def _page(
    modeladmin: Any,
    request: HttpRequest,
    form: ImportForm,
    *,
    plan: Plan | None = None,
    problems: list[str] | None = None,
) -> HttpResponse:
    context = {
        **modeladmin.admin_site.each_context(request),
        "title": "Import agents",
        "opts": modeladmin.opts,
        "form": form,
        "plan": plan,
        "table": {"headers": ["Name", "URL", "What"], "rows": list(plan.rows())} if plan else None,
        "problems": problems,
        "text": form.given() if plan else "",
    }
    return TemplateResponse(request, "admin/accounts/agent/import.html", context)
