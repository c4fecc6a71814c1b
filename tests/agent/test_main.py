"""The command line of one agent."""

import sys
from pathlib import Path

import pytest

from agent import __main__ as command
from agent.terminal import DirectTerminal, ThreadedTerminal
from tests.agent.parts import TurnedClock, client_of
from tests.agent.test_real_terminal import FakeModule


async def test_a_simulated_agent_serves_its_account() -> None:
    options = command.parse(["--terminal", "simulated", "--seed", "4", "--name", "one"])
    agent = command.build_agent(options, b"x" * 32)
    assert isinstance(agent.terminal, DirectTerminal)
    account = (await client_of(agent, "both").get("/accounts")).json()
    assert account["account_number"] > 0
    again = command.build_agent(options, None)
    assert (await client_of(again, "1").get("/accounts")).json()["account_number"] == (
        account["account_number"]
    )


async def test_a_real_agent_calls_the_module_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "MetaTrader5", FakeModule(TurnedClock()))
    arguments = ["--terminal", "metatrader5", "--firm", "F", "--deadline", "3"]
    agent = command.build_agent(command.parse(arguments), b"x" * 32)
    assert isinstance(agent.terminal, ThreadedTerminal)
    assert agent.terminal.deadline == 3
    account = (await client_of(agent, "1").get("/accounts")).json()
    assert account["prop_firm"] == "F"
    assert account["initial_balance"] is None
    agent.terminal.close()


def test_a_portable_terminal_is_named_by_its_path(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = FakeModule(TurnedClock())
    monkeypatch.setitem(sys.modules, "MetaTrader5", module)
    with pytest.raises(SystemExit):
        command.parse(["--portable"])
    assert "--portable needs --terminal-path" in capsys.readouterr().err
    options = command.parse(["--portable", "--terminal-path", "D:\\mt5\\terminal64.exe"])
    terminal = command.build_agent(options, b"x" * 32).terminal
    assert isinstance(terminal, ThreadedTerminal)
    terminal.connect()
    assert module.started_with == [("D:\\mt5\\terminal64.exe", ("portable", True))]
    terminal.close()


@pytest.mark.skipif(sys.platform == "win32", reason="the package exists on Windows")
def test_without_the_package_a_real_agent_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "agent.secret"
    assert command.main(["--terminal", "metatrader5", "--secret-file", str(secret)]) == 1
    out, err = capsys.readouterr()
    journal = secret.with_suffix(".journal")
    assert out == f"New secret in {secret}\nNew journal of orders in {journal}\n"
    assert secret.read_text().strip() not in out + err
    assert "MetaTrader5" in err


def test_an_unusable_secret_file_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = tmp_path / "short"
    short.write_text("short")
    for path in (short, tmp_path / "no" / "folder"):
        arguments = ["--terminal", "simulated", "--secret-file", str(path)]
        assert command.main(arguments) == 1
        assert capsys.readouterr().err.startswith(f"{path}: ")


def test_v1_alone_needs_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    served: list[object] = []
    monkeypatch.setattr(command, "serve", lambda app, **options: served.append(app))
    assert command.main(["--terminal", "simulated", "--contract", "1"]) == 0
    assert len(served) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--journal", "--ledger"])
def test_a_file_that_cannot_be_used_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    bad = tmp_path / "bad"
    bad.write_text("neither a database nor a ledger\n" * 40)
    secret = tmp_path / "agent.secret"
    arguments = ["--terminal", "simulated", "--secret-file", str(secret), option, str(bad)]
    assert command.main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"{bad}: ")
    assert error.count("\n") == 1
