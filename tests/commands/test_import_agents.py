"""import_agents: the formats of the original system, all or nothing."""

import io
import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts.agent_import.imports import ImportRefused, Source, import_agents
from accounts.models import Agent
from tests.factories import make_account, make_agent, make_order

pytestmark = pytest.mark.django_db

LIST = [
    {"name": "one", "url": "http://10.0.0.5:8001"},
    {"name": "two", "url": "http://10.0.0.5:8002/"},
]
ORIGINAL = {
    "agents": [
        {
            "name": "one",
            "port": 8001,
            "display_name": "First",
            "account_holder": "Ana Ruiz",
            "prop_firm": "N/A",
            "initial_balance": 100000.5,
        },
        {"name": "two", "port": 8002, "account_holder": None, "initial_balance": 0},
    ]
}


@pytest.fixture
def run(tmp_path: Path) -> Any:
    def run(content: Any, *options: str) -> str:
        file = tmp_path / "agents.json"
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        out = io.StringIO()
        call_command("import_agents", str(file), *options, stdout=out)
        return out.getvalue()

    return run


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_is_read_as_an_editor_of_windows_saved_it(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "agents.json").write_bytes(json.dumps(LIST).encode(encoding))
    call_command("import_agents", str(tmp_path / "agents.json"), stdout=io.StringIO())
    assert Agent.objects.count() == 2


def test_a_list_of_names_and_urls_is_imported(run: Any) -> None:
    said = run(LIST)
    assert "Imported: 2 added, 0 changed, 0 left." in said
    assert dict(Agent.objects.values_list("name", "url")) == {
        "one": "http://10.0.0.5:8001",
        "two": "http://10.0.0.5:8002",
    }
    assert Agent.history.count() == 2


def test_the_original_format_takes_a_host_and_keeps_its_data_of_accounts(run: Any) -> None:
    run(ORIGINAL, "--host", "10.0.0.9", "--scheme", "https", "--contract", "2")
    one, two = Agent.objects.all()
    assert (one.url, one.contract) == ("https://10.0.0.9:8001", "2")
    assert (one.display_name, one.account_holder, one.prop_firm) == ("First", "Ana Ruiz", "")
    assert one.initial_balance == Decimal("100000.50")
    assert (two.account_holder, two.initial_balance) == ("", None), "unknown is not zero"


@pytest.mark.both_databases
def test_a_second_import_of_the_same_file_leaves_everything(run: Any) -> None:
    run(ORIGINAL, "--host", "10.0.0.9")
    assert "Imported: 0 added, 0 changed, 2 left." in run(ORIGINAL, "--host", "10.0.0.9")
    assert Agent.history.count() == 2


def test_what_differs_is_changed_and_what_the_file_does_not_tell_stays(run: Any) -> None:
    agent = make_agent(name="one", url="http://10.0.0.5:8001", display_name="Kept", enabled=False)
    other = make_agent()

    said = run([{"name": "one", "url": "http://10.0.0.5:8001/", "account_holder": "Eva"}])

    assert "0 added, 1 changed, 0 left." in said
    assert "changed: account holder" in said
    agent.refresh_from_db()
    assert (agent.account_holder, agent.display_name, agent.enabled) == ("Eva", "Kept", False)
    assert agent.history.latest("history_date").account_holder == "Eva"
    assert Agent.objects.filter(pk=other.pk).exists()


def test_another_url_clears_the_secret_and_says_so(run: Any) -> None:
    agent = make_agent(name="one", etag='"1"')
    agent.set_secret("a-secret-of-many-letters")
    agent.save_changed(secret_encrypted=agent.secret_encrypted)

    said = run(LIST)

    assert "its secret is cleared" in " ".join(said.split())
    agent.refresh_from_db()
    assert (agent.url, agent.secret, agent.etag) == ("http://10.0.0.5:8001", None, "")


def test_an_agent_that_an_order_waits_for_stays_where_it_is(run: Any) -> None:
    agent = make_agent(name="one")
    make_order(make_account(agent=agent), state="unknown")
    for options in ([], ["--dry-run"]):
        with pytest.raises(CommandError, match="agent one: An order through this agent"):
            run(LIST, *options)
    assert [left.url for left in Agent.objects.all()] == [agent.url]


def test_a_dry_run_says_the_same_and_writes_nothing(run: Any) -> None:
    said = run(LIST, "--dry-run")
    assert "Nothing was imported. It would be: 2 added, 0 changed, 0 left." in said
    assert not Agent.objects.exists()


def test_the_file_may_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO(json.dumps(LIST).encode())

    monkeypatch.setattr("sys.stdin", Stdin)
    call_command("import_agents", "-", stdout=io.StringIO())
    assert Agent.objects.count() == 2


GOOD = {"name": "good", "url": "http://10.0.0.5:1"}


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ({"url": "http://10.0.0.5:2"}, "item 2: name is missing."),
        ({"name": 7, "url": "http://10.0.0.5:2"}, "item 2: name must be text, not a number."),
        ({"name": "x" * 65, "url": "http://10.0.0.5:2"}, "item 2: name is longer than 64"),
        ({"name": "a\u202eb", "url": "http://10.0.0.5:2"}, "item 2: name holds characters"),
        ({"name": "good", "url": "http://10.0.0.5:2"}, "item 2: name 'good' is that of item 1"),
        ({"name": "b", "url": "http://10.0.0.5:1/"}, "is that of item 1 too."),
        ({"name": "b", "url": "http://taken:80"}, "is that of agent taken."),
        ({"name": "b"}, "item 2: url is missing, and there is no port either."),
        ({"name": "b", "port": 80}, "item 2: url is missing: to use the port, the host"),
        ({"name": "b", "port": 70000}, "item 2: port must be between 1 and 65535."),
        ({"name": "b", "port": "80"}, "item 2: port must be a whole number, not text."),
        ({"name": "b", "port": True}, "item 2: port must be a whole number, not true or false."),
        ({"name": "b", "url": "http://169.254.169.254"}, "item 2: url 'http://169.254.169.254':"),
        ({"name": "b", "url": "http://10.0.0.5:2", "initial_balance": "5"}, "must be a number"),
        ({"name": "b", "url": "http://10.0.0.5:2", "initial_balance": -1}, "between 0 and"),
        ({"name": "b", "url": "http://10.0.0.5:2", "prop_firm": []}, "prop_firm must be text"),
        ("b", "item 2: must be an object, not text."),
        (None, "item 2: must be an object, not nothing."),
    ],
)
def test_one_bad_item_refuses_the_whole_file_and_names_item_and_field(
    run: Any, bad: Any, sentence: str
) -> None:
    make_agent(name="taken", url="http://taken:80")
    with pytest.raises(CommandError) as refused:
        run([GOOD, bad])
    assert "Nothing was imported." in str(refused.value)
    assert sentence in str(refused.value)
    assert Agent.objects.count() == 1


def test_all_that_is_wrong_is_said_at_once(run: Any) -> None:
    with pytest.raises(CommandError) as refused:
        run([{"name": 1}, {"port": 0}])
    assert len(str(refused.value).splitlines()) == 5


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", "7", '{"agents": {}}', "[NaN]", "[" * 100_000, "[1e99999999999]"]
)
def test_what_is_no_list_of_agents_is_refused(run: Any, text: str) -> None:
    with pytest.raises(CommandError):
        run(text)


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_agents", str(tmp_path / "none.json"))
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CommandError, match="not text in UTF-8"):
        call_command("import_agents", str(tmp_path / "binary"))


@pytest.mark.both_databases
def test_many_agents_are_imported_at_once(run: Any) -> None:
    many = [{"name": f"a{n}", "url": f"http://10.0.0.5/{n}"} for n in range(1500)]
    assert "1500 added" in run(many)
    for item in many:
        item["display_name"] = "x"
    assert "1500 changed" in run(many)
    assert Agent.objects.filter(display_name="x").count() == 1500


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=90),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
ITEM = st.fixed_dictionaries(
    {"name": st.text(min_size=1, max_size=70) | JSON},
    optional={
        "url": st.sampled_from(["http://10.0.0.5:1", "http://10.0.0.6/x", "HTTPS://h/"]) | JSON,
        "port": st.integers(-1, 70_000) | JSON,
        "display_name": JSON,
        "account_holder": JSON,
        "prop_firm": JSON,
        "initial_balance": st.decimals(allow_nan=False).map(float) | JSON,
    },
)
FILES = (
    JSON
    | st.lists(ITEM | JSON, max_size=4)
    | st.builds(lambda items: {"agents": items}, st.lists(ITEM, max_size=4))
)


POLLED = ["secret_encrypted", "last_seen_at", "polled_at", "recovered_at", "quota_at", "claim"]


@pytest.mark.both_databases
@settings(
    max_examples=int(os.environ.get("IMPORT_EXAMPLES", "100")),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
)
@given(content=FILES)
@example(content={"agents": [{"name": "vps-01", "url": "http://10.0.0.5:1"}]})
def test_any_json_is_imported_whole_or_refused_without_a_trace(content: Any) -> None:
    Agent.objects.all().delete()
    source = Source(host="10.0.0.9")
    text = json.dumps(content)
    try:
        plan = import_agents(text, source)
    except ImportRefused:
        assert not Agent.objects.exists()
        return
    assert Agent.objects.count() == len(plan.added) > 0
    for agent in Agent.objects.all():
        agent.full_clean(exclude=POLLED)
    again = import_agents(text, source)
    assert not again.added
    assert not again.changed
