"""What an answer makes of an order, and what follows from it."""

import logging

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts import polls
from accounts.models import Agent
from tests.trading.desk import Desk
from tests.valkey import PrivateValkey
from tests.waiting import eventually
from trading.diagram import State

pytestmark = pytest.mark.django_db


def waiting_tasks() -> int:
    return int(polls._connection().llen("celery"))  # type: ignore[arg-type]


def test_after_an_order_its_account_is_read_again_at_once_and_no_other(
    desk: Desk,
    valkey: PrivateValkey,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    others = Agent.objects.exclude(pk=desk.agent().pk).get().next_poll_at
    with django_capture_on_commit_callbacks(execute=True):
        assert desk.send().state == State.FILLED
    assert Agent.objects.get(pk=desk.agent().pk).next_poll_at <= timezone.now()
    assert Agent.objects.exclude(pk=desk.agent().pk).get().next_poll_at == others
    assert eventually(lambda: waiting_tasks() == 1)


def test_without_valkey_an_order_is_settled_all_the_same(
    desk: Desk,
    valkey: PrivateValkey,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    caplog: pytest.LogCaptureFixture,
) -> None:
    valkey.kill()
    try:
        with caplog.at_level(logging.WARNING), django_capture_on_commit_callbacks(execute=True):
            assert desk.send().state == State.FILLED
        assert eventually(lambda: "with the next tick only" in caplog.text)
    finally:
        valkey.start()
