"""Telling a person what came of asking many agents."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join

from accounts.polling import Outcome

FAILURES_SHOWN = 5


def tell_outcomes(
    modeladmin: Any, request: HttpRequest, what: str, outcomes: Sequence[Outcome]
) -> None:
    """One message of what went well and one of what failed, agent by agent."""
    failed = [outcome for outcome in outcomes if not outcome.ok]
    if len(failed) < len(outcomes):
        modeladmin.message_user(request, f"{what}.", messages.SUCCESS)
    if not failed:
        return
    shown = [f"{outcome.agent_name}: {outcome.sentence}" for outcome in failed[:FAILURES_SHOWN]]
    if more := len(failed) - len(shown):
        shown.append(f"and {more} more.")
    lines = [f"{len(failed)} of {len(outcomes)} agents failed.", *shown]
    text = format_html_join(format_html("<br>"), "{}", ((line,) for line in lines))
    modeladmin.message_user(request, text, messages.ERROR)
