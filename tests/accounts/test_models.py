"""What the rows hold to by themselves."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from pytest_django import Settings

from accounts.models import Account, Agent, Phase, VSGroup
from tests.factories import make_account, make_agent

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def test_the_phases_of_the_desk_are_there_and_f1_is_the_default() -> None:
    assert list(Phase.objects.values_list("name", flat=True)) == ["F1", "F2", "R", "Q"]
    assert Phase.default_id() == Phase.objects.get(name="F1").pk


def test_there_is_one_default_phase_only() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Phase.objects.filter(name="R").update(is_default=True)


def test_the_database_holds_a_vs_group_to_two_members() -> None:
    group = VSGroup.objects.create(name="VS1")
    make_account(vs_group=group, vs_slot="A")
    make_account(vs_group=group, vs_slot="B")
    for slot in ("A", "B", "C", ""):
        with pytest.raises(IntegrityError), transaction.atomic():
            make_account(vs_group=group, vs_slot=slot)
    assert group.free_slot() is None


def test_a_slot_without_a_group_is_refused() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make_account(vs_slot="A")


def test_an_account_number_is_a_login() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make_account(number=0)


def test_the_secret_of_an_agent_is_encrypted_and_comes_back() -> None:
    agent = make_agent()
    agent.set_secret("a shared secret")
    agent.save(update_fields=["secret_encrypted"])
    stored = Agent.objects.get()
    assert b"a shared secret" not in bytes(stored.secret_encrypted)
    assert stored.secret == b"a shared secret"
    assert "secret_encrypted" not in {f.name for f in Agent.history.model._meta.get_fields()}


def test_a_secret_that_no_key_opens_is_no_secret(settings: Settings) -> None:
    agent = make_agent()
    agent.set_secret("a shared secret")
    settings.AGENT_SECRETS_KEYS = ["another key"]
    assert agent.secret is None


def test_an_older_key_still_opens_after_a_new_one_came(settings: Settings) -> None:
    agent = make_agent()
    settings.AGENT_SECRETS_KEYS = ["old"]
    agent.set_secret("a shared secret")
    settings.AGENT_SECRETS_KEYS = ["new", "old"]
    assert agent.secret == b"a shared secret"


def test_another_url_never_gets_the_old_secret() -> None:
    agent = make_agent()
    agent.set_secret("a shared secret")
    agent.move_to(agent.url)
    assert agent.secret
    agent.move_to("http://127.0.0.1:9/elsewhere")
    assert agent.secret is None


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "http://[fe80::1]:80",
        "ftp://10.0.0.5",
        "http://user:pass@10.0.0.5:8000",
        "not a url",
    ],
)
def test_a_url_outside_the_allowed_networks_is_refused(url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Agent(name="x", url=url).full_clean()
    assert "url" in refused.value.message_dict


def test_saving_changed_columns_writes_them_alone() -> None:
    agent = make_agent(display_name="Before")
    Agent.objects.filter(pk=agent.pk).update(display_name="Edited meanwhile")
    agent.save_changed(enabled=False)
    agent.refresh_from_db()
    assert (agent.display_name, agent.enabled) == ("Edited meanwhile", False)


def test_the_history_keeps_what_people_change_and_nothing_that_is_polled() -> None:
    account = make_account()
    account.note = "Seen"
    account.save(update_fields=["note"])
    columns = {field.name for field in Account.history.model._meta.get_fields()}
    assert not columns & set(Account.POLLED)
    assert account.history.first().note == "Seen"


def test_an_account_names_itself_by_number_and_holder() -> None:
    assert str(make_account(number=77, holder="Ana")) == "77 Ana"
    assert str(make_account(number=78, balance=Decimal(1))) == "78"
