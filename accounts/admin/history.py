"""What all our admins share: a history with its users, and saves of the changed fields alone."""

from typing import Any

from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from simple_history.admin import SimpleHistoryAdmin
from simple_history.models import DeletedObject, HistoricalChanges
from simple_history.template_utils import HistoricalRecordContextHelper

from accounts.admin.base import ModelAdmin
from accounts.admin.stale import OpenedForm


class ChangesShown(HistoricalRecordContextHelper):  # type: ignore[misc]
    def prepare_delta_change_value(self, change: Any, value: Any) -> Any:
        # The library takes a relation that is empty for one to a deleted row.
        empty = isinstance(value, DeletedObject) and value.pk is None
        shown = None if empty else super().prepare_delta_change_value(change, value)
        return "nothing" if shown in (None, "") else shown


class EditAdmin(SimpleHistoryAdmin, ModelAdmin):  # type: ignore[misc]
    """Rows that people edit. Subclasses broadcast what they changed in `show`."""

    form = OpenedForm
    object_history_template = "admin/history.html"
    object_history_list_template = "admin/history_list.html"
    history_list_per_page = 50
    show_full_result_count = False
    empty_value_display = "–"
    list_per_page = 50  # the theme takes 3 ms and 12 KB for a row of accounts
    show_facets = 0  # ShowFacets.NEVER: counting each choice of each filter costs a query
    compressed_fields = True
    warn_unsaved_form = True
    list_filter_submit = True

    def show(self, obj: Any) -> None:
        """Tells open pages that a row changed."""

    def save_model(
        self, request: HttpRequest, obj: models.Model, form: OpenedForm, change: bool
    ) -> None:
        columns = self.changed_columns(obj, form)
        if not change:
            obj.save()
        elif columns:
            obj.save(update_fields=columns)
        else:
            return
        self.show(obj)

    def changed_columns(self, obj: models.Model, form: OpenedForm) -> list[str]:
        """The columns to write: what the user of the form changed."""
        names = {field.name for field in obj._meta.concrete_fields}
        return [name for name in form.changed_data if name in names]

    # A version is looked at in the list of changes. Going back to one would undo the edits that
    # others made to the same row since.
    def revert_disabled(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return True

    def get_historical_record_context_helper(
        self, request: HttpRequest, historical_record: HistoricalChanges
    ) -> ChangesShown:
        return ChangesShown(self.model, historical_record)

    def history_form_view(
        self,
        request: HttpRequest,
        object_id: str,
        version_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_history"
        return redirect(reverse(name, args=[object_id]))
