"""Whatever agents say and people type is data: no page and no frame shows it as markup."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.test import Client
from django.utils import timezone

from accounts.fleet import fragments
from accounts.models import Account, Agent, Conflict, Firm, Phase, VSGroup
from tests.factories import (
    make_account,
    make_online_agent,
    make_order,
    make_position,
    make_user,
    make_versus,
)
from trading.models import OrderEvent, Versus
from trading.versus.changes import append

pytestmark = pytest.mark.django_db

MARKUP = "\"'><img src=x onerror=alert(1)>{{7*7}}"
TAG = re.compile(r"<img src=x", re.IGNORECASE)
COLUMNS = 120


def spoil(row: models.Model) -> Any:
    """The row with markup in all its texts, as much as they hold."""
    for field in row._meta.concrete_fields:
        if isinstance(field, models.CharField | models.TextField) and not field.choices:
            value = MARKUP[: field.max_length] if field.max_length else MARKUP
            if field.max_length is None or field.max_length >= 20:
                setattr(row, field.attname, value)
    row.save()
    return row


@pytest.fixture
def rows(db: None) -> list[models.Model]:
    group, firm = spoil(VSGroup(name="x")), spoil(Firm(name="x"))
    phase = spoil(Phase(name="x", color="#112233", order=9))
    agent = make_online_agent(status="error", status_code="bad-answer")
    account = make_account(agent=agent, vs_group=group, vs_slot="A", firm=firm, phase=phase)
    spoil(make_position(account))
    url = agent.url
    for row in (agent, account):
        spoil(row)
    Agent.objects.update(url=url, contract="2", status="error", etag="")
    conflict = Conflict.objects.create(
        agent=agent, number=account.number, kind=Conflict.Kind.TWO_AGENTS, since=timezone.now()
    )
    texts = dict.fromkeys(("reason", "override_reason", "username", "agent_name"), MARKUP)
    order = make_order(account, state="needs-attention", **texts, symbol=MARKUP[:32])
    shown = [{"ticket": MARKUP, "side": MARKUP}]
    for state in ("queued", "needs-attention"):
        event = {"state": state, "text": MARKUP, "actor": MARKUP, "data": shown}
        OrderEvent.objects.create(order=order, at=timezone.now(), **event)
    user = make_user(first_name=MARKUP, last_name=MARKUP)
    versus = make_versus(user, account_a=account, state="diverged", reason=MARKUP, zone=MARKUP)
    append(spoil(versus), MARKUP, step=MARKUP[:24], actor=MARKUP)
    labels = [account, agent, conflict, phase, firm, group, versus]
    return [*labels, user, Group.objects.create(name=MARKUP), order]


def pages(rows: list[models.Model]) -> Iterator[str]:
    account = rows[0]
    assert isinstance(account, Account)
    own = f"/accounts/{account.number}/"
    yield from ("/", "/agents/", "/suggestions/", own, f"{own}phase/", f"{own}vs/", "/admin/")
    yield from (f"/?q={MARKUP}", f"/?phase={MARKUP}&sort={MARKUP}&page={MARKUP}&state={MARKUP}")
    yield f"/agents/?q={MARKUP}&state={MARKUP}"
    yield from ("/orders/", f"/orders/{rows[-1].pk}/", f"/orders/{rows[-1].pk}/outcome/")
    yield f"/orders/?state={MARKUP}&account={MARKUP}&user={MARKUP}&day={MARKUP}&page={MARKUP}"
    ticket = account.positions.get().ticket
    yield from ("/positions/", f"/positions/?symbol={MARKUP}", f"{own}open/", f"{own}close/")
    yield f"{own}open/?symbol={MARKUP}&side={MARKUP}&sl={MARKUP}&volume={MARKUP}"
    yield f"{own}open/quote/?symbol=X&side={MARKUP}&sl={MARKUP}&volume={MARKUP}"
    held = f"{own}positions/{ticket}/"
    yield from (f"{held}close/", f"{held}close/?part=1", f"{held}modify/", f"{held}levels/")
    versus = Versus.objects.get()
    own = f"/versus/{versus.code}/"
    yield from ("/versus/", f"/versus/?page={MARKUP}", own, f"{own}close/", "/versus/new/")
    for row in rows:
        base = f"/admin/{row._meta.app_label}/{row._meta.model_name}/"
        yield from (base, f"{base}?q={MARKUP}", f"{base}add/")
        yield from (f"{base}{row.pk}/{page}/" for page in ("change", "history", "delete"))
    yield f"/admin/accounts/account/cells/?ids={account.pk}"  # which a script shows as it is


def test_no_page_shows_markup(rows: list[models.Model]) -> None:
    client = Client()
    client.force_login(make_user(is_staff=True, is_superuser=True))
    shown = 0
    for page in pages(rows):
        answer = client.get(page, follow=True)
        assert answer.status_code in (200, 403), page
        text = answer.content.decode()
        assert not TAG.search(text), page
        shown += "&lt;img src=x" in text
    assert shown > 30


def test_the_page_to_sign_in_shows_no_markup() -> None:
    sent = {"next": MARKUP, "ended": MARKUP, "username": MARKUP, "password": MARKUP}
    for page in ("/login/", "/admin/login/"):
        for answer in (Client().get(page, sent), Client().post(page, sent)):
            assert not TAG.search(answer.content.decode())


def test_no_frame_shows_markup(rows: list[models.Model]) -> None:
    account, agent = rows[0], rows[1]
    assert isinstance(account, Account)
    texts = [
        *fragments.account_rows([account.number]).values(),
        *fragments.agent_rows([agent.pk]).values(),
        fragments.account_panel(account.number),
        fragments.totals(f"?q={MARKUP}&phase={MARKUP}"),
    ]
    assert not [text for text in texts if TAG.search(text)]
    assert sum("&lt;img src=x" in text for text in texts) >= 3


@pytest.mark.parametrize("action", ["set_firm", "delete_selected", "set_phase"])
def test_no_message_shows_markup(rows: list[models.Model], action: str) -> None:
    client = Client()
    client.force_login(make_user(is_staff=True, is_superuser=True))
    account, phase = rows[0], rows[3]
    name = f"set_phase_{phase.pk}" if action == "set_phase" else action
    model, row = ("account", account)
    if action == "delete_selected":  # an account that has orders cannot be deleted
        model, row = ("firm", rows[4])
    sent = {"action": name, "_selected_action": row.pk, "index": "0"}
    if action == "set_firm":
        sent["firm"] = rows[4].pk
    page = client.post(f"/admin/accounts/{model}/", sent, follow=True).content.decode()
    assert not TAG.search(page)
    assert "&lt;img src=x" in page


def test_no_line_of_a_template_is_wider_than_120_columns() -> None:
    files = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
    assert files
    wide = [
        f"{file.name}:{number}"
        for file in files
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if len(line) > COLUMNS
    ]
    assert not wide
