"""The operations log: what all processes say, filtered, live, and without secrets."""

import faulthandler
import logging
import multiprocessing
import subprocess
import sys

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.agents import AgentError
from accounts.models import Agent
from accounts.polling.poll_result import Result
from accounts.polling.recorder import Recorder
from mt5monitor.operations import reading
from mt5monitor.operations.entry import LEVELS, Entry, Wanted
from mt5monitor.operations.keeping import Keeping
from mt5monitor.operations.redaction import redacted
from tests.factories import make_agent, make_online_agent, make_user
from tests.pages.reading import text, words
from tests.threads import held_elsewhere
from tests.valkey import PrivateValkey
from tests.waiting import eventually

pytestmark = pytest.mark.django_db
ALL = Wanted(level=LEVELS["debug"])
log = logging.getLogger("operations")


def said(count: int, wanted: Wanted = ALL) -> list[str]:
    """Once so many lines are there, the newest first."""
    assert eventually(lambda: len(reading.last(wanted, 100)) >= count)
    return [entry.text for _, entry in reading.last(wanted, 100)]


def browser() -> Client:
    client = Client()
    client.force_login(make_user("accounts.view_logs"))
    return client


def page(query: str = "") -> str:
    return words(text(browser().get(f"/logs/{query}")))


def test_what_is_logged_in_any_process_is_on_the_page_the_newest_first(kept: Keeping) -> None:
    log.info("from the parent")
    assert said(1)
    child = multiprocessing.get_context("fork").Process(target=_speak)
    with held_elsewhere(kept._client.connection_pool._lock):  # as while it sends
        child.start()
    child.join(10)
    assert child.exitcode == 0
    assert set(said(2)) == {"from the parent", "from the child"}
    shown = page()
    assert "from the parent" in shown
    assert "from the child" in shown


def _speak() -> None:
    faulthandler.dump_traceback_later(8, exit=True)  # says where it waits
    handler = next(one for one in logging.getLogger().handlers if isinstance(one, Keeping))
    log.info("from the child")
    handler.close()


FILTERS: dict[str, tuple[str, set[str]]] = {
    "all": ("", {"fine", "bad", "of 4711", "names 4711 too", "of vps-1"}),
    "level": ("?level=warning", {"bad"}),
    "account": ("?account=4711", {"of 4711", "names 4711 too"}),
    "agent": ("?agent=vps-1", {"of vps-1"}),
    "text": ("?q=TOO", {"names 4711 too"}),
    "none": ("?q=nothing+like+this", set()),
}


@pytest.mark.parametrize("by", FILTERS)
def test_lines_are_filtered_by_level_account_agent_and_text(kept: Keeping, by: str) -> None:
    log.info("fine")
    log.warning("bad")
    log.info("of %s", 4711, extra={"account": 4711})
    log.info("names 4711 too")
    log.info("14711 is another")
    log.info("of vps-1", extra={"agent": "vps-1"})
    said(6)
    query, expected = FILTERS[by]
    html = text(browser().get(f"/logs/{query}"))
    every = {"fine", "bad", "of 4711", "names 4711 too", "of vps-1"}
    assert {line for line in every if f">{line}<" in html} == expected
    assert ("No line fits." in html.split('id="log-empty" hidden')[0]) is (not expected)


def test_what_cannot_be_read_of_a_filter_is_said(kept: Keeping) -> None:
    shown = page("?level=loud&account=4711x")
    assert "There is no level “loud”" in shown
    assert "“4711x” is not an account number" in shown


SECRETS = [
    "Authorization: Bearer abcdefgh12345678",
    "redis://user:hunter2hunter2@10.0.0.1/0",
    'got {"password": "hunter2hunter2"}',
    "token=hunter2hunter2&x=1",
    "mt5m_hunter2hunter2hunter2hunter2",
    "agent_secret: hunter2hunter2",
    "Cookie: csrf=x; session=hunter2hunter2",
    "__Host-session=hunter2hunter2",
    "{b'password': b'hunter2hunter2'}",
    r'"{\"password\": \"hunter2hunter2\"}"',
    "{'password': 'abc hunter2, hunter2'}",
    "password=abc,hunter2hunter2",
    "redis://:ab@hunter2@host/0",
    "redis://:ab/hunter2@host/0",
    "('X-Agent-Secret', 'hunter2hunter2')",
    "(b'x-api-key', b'hunter2hunter2')",
    "pwd=hunter2hunter2",
    "AGENT_SECRETS_KEYS=hunter2hunter2",
    "Authorization: Token hunter2hunter2",
    "-----BEGIN PRIVATE KEY----- hunter2hunter2 -----END PRIVATE KEY-----",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_is_ever_shown(kept: Keeping, secret: str) -> None:
    log.info("it said %s", secret)
    (line,) = said(1)
    assert "hunter2" not in line
    assert "abcdefgh" not in line
    assert line.startswith("it said")


def test_the_keys_of_this_installation_are_blotted_out_by_value(settings: Settings) -> None:
    assert settings.SECRET_KEY not in redacted(f"odd {settings.SECRET_KEY} end")


LONG = ["a-", "a", "-", "://a", "token-", "token ", "token:'", "-----BEGIN A-----", "bearer "]


def test_a_line_that_anybody_may_have_written_takes_no_longer_than_it_is_long() -> None:
    """As an address that is not there does. In a process of its own: nothing else could end it."""
    work = "import sys; from mt5monitor.operations.redaction import redacted; "
    work += "[redacted(part * (1_000_000 // len(part))) for part in sys.argv[1:]]"
    argv = [sys.executable, "-c", work, *LONG]
    subprocess.run(argv, timeout=60, check=True)  # noqa: S603


def test_markup_in_a_line_is_text(kept: Keeping) -> None:
    log.info("<script>alert(1)</script>")
    said(1)
    assert "<script>alert" not in text(browser().get("/logs/"))


def test_a_line_that_cannot_be_written_as_it_is_does_not_end_the_log(kept: Keeping) -> None:
    # Not through the loggers: what pytest captures could not be written either.
    kept.emit(logging.LogRecord("x", logging.INFO, "", 0, "odd \ud800 text", None, None))
    log.info("after it")
    assert said(2) == ["after it", "odd ? text"]


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise KeyError("nothing to say")


def test_whoever_logs_what_cannot_be_told_goes_on(kept: Keeping) -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "%s", (Unspeakable(),), None)
    kept.emit(record)
    log.info("after it")
    assert said(1) == ["after it"]


def test_while_valkey_is_away_nobody_waits_and_the_newest_lines_are_kept(
    kept: Keeping, valkey: PrivateValkey
) -> None:
    with valkey.away():
        for n in range(2500):
            log.info("line %d", n)
        assert "Valkey does not answer" in page()
    assert eventually(lambda: "line 2499" in said(100))


def test_no_more_lines_are_kept_than_was_said(kept: Keeping, settings: Settings) -> None:
    settings.OPERATIONS_LINES = 100
    for n in range(1500):
        log.info("line %d", n)
    assert eventually(lambda: reading.last(ALL, 1)[0][1].text == "line 1499")
    assert len(reading.last(ALL, 1500)) < 400  # it is cut by whole blocks


def test_an_agent_that_goes_and_comes_is_told(kept: Keeping) -> None:
    agent = make_online_agent(name="vps-1")
    error = AgentError("No answer within 10 s.")
    for found in (error, error):
        agent.refresh_from_db()
        now = timezone.now()
        result = Result(agent.pk, agent.url, now, now, 1.0, reading=None, error=found)
        Recorder(1.0).record([result])
    told = said(1, Wanted(agent="vps-1"))
    assert told == ["Agent vps-1 is error: No answer within 10 s."]


def test_a_sign_in_is_told_and_a_refused_one_without_its_name(kept: Keeping) -> None:
    user = make_user()
    user.set_password("a long password")
    user.save(update_fields=["password"])
    Client().post("/login/", {"username": "my-password", "password": "x"})
    Client().post("/login/", {"username": user.username, "password": "a long password"})
    assert f"{user.username} signed in" in said(2)
    assert "my-password" not in str(said(2))


def test_agents_to_choose_from_are_those_there_are(kept: Keeping) -> None:
    make_agent(name="vps-7")
    assert "vps-7" in text(browser().get("/logs/"))
    assert Agent.objects.count() == 1


def test_each_program_has_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "said", None, None)
    for argv, name in (
        (["/v/daphne/__main__.py", "-p", "8000"], "web"),
        (["/v/mt5monitor/web/__main__.py", "-p", "8000"], "web"),
        (["/v/celery/__main__.py", "-A", "mt5monitor", "worker", "-Q", "celery"], "worker"),
        (["/v/bin/celery", "-A", "mt5monitor", "beat"], "beat"),
        (["manage.py", "sync_history", "--all"], "sync_history"),
    ):
        monkeypatch.setattr("sys.argv", argv)
        assert Entry.of(record).process.split()[0] == name


def test_what_was_refused_is_no_line(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    assert client.get("/api/no/such/thing").status_code == 404
    assert client.post("/api/auth/login", "{", "application/json").status_code >= 400
    assert [record for record in caplog.records if record.name == "django.request"] == []
