"""The admin that all of ours are: that of the theme, which tells no secret by way of a filter."""

import re
from typing import Any, Final

from django.http import HttpRequest
from unfold import admin

# Columns that are never shown. A filter in the URL, such as ?digest__startswith=a, would tell them
# apart letter by letter, by the number of rows.
SECRET: Final = re.compile(r"password|secret|digest|session|(^|_)(key|mark)$|^data$")


class ModelAdmin(admin.ModelAdmin):  # type: ignore[misc]
    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Whether rows may be filtered by it; never by a secret, here or through a relation."""
        return not is_secret(lookup) and bool(super().lookup_allowed(lookup, value, request))


class ReadOnly:
    """Mixin, first in the list of bases: rows that the admin neither adds, changes nor deletes."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def is_secret(lookup: str) -> bool:
    return any(SECRET.search(part) for part in lookup.split("__"))
