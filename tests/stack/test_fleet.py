import socket
from pathlib import Path

from mt5monitor.stack.environment import Environment
from mt5monitor.stack.fleet import Fleet, plan_fleet, program, read_fleet


def environment(state_dir: Path, accounts: int = 4) -> Environment:
    return Environment(state_dir, 8000, "127.0.0.1", accounts, 1, False)


def test_the_port_and_the_secrets_outlive_a_stop(tmp_path: Path) -> None:
    first = plan_fleet(environment(tmp_path))
    again = plan_fleet(environment(tmp_path, accounts=9))
    assert (again.port, again.secret_seed, again.agents) == (first.port, first.secret_seed, 9)
    assert (tmp_path / "fleet.json").stat().st_mode & 0o077 == 0


def test_a_port_that_somebody_took_is_given_up(tmp_path: Path) -> None:
    first = plan_fleet(environment(tmp_path))
    with socket.create_server(("127.0.0.1", first.port)):
        again = plan_fleet(environment(tmp_path))
    assert again.port != first.port
    assert again.secret_seed == first.secret_seed


def test_a_broken_note_is_no_fleet(tmp_path: Path) -> None:
    (tmp_path / "fleet.json").write_text("{")
    assert read_fleet(tmp_path) is None
    assert plan_fleet(environment(tmp_path)).agents == 4


def test_the_secrets_do_not_stand_in_the_list_of_processes(tmp_path: Path) -> None:
    fleet = plan_fleet(environment(tmp_path))
    started = program(fleet, 1, tmp_path)
    assert fleet.secret_seed not in " ".join(started.argv)
    assert started.env == {"FLEET_SECRET_SEED": fleet.secret_seed}


def test_what_was_ordered_is_kept_for_each_seed(tmp_path: Path) -> None:
    fleet = plan_fleet(environment(tmp_path))
    argv = [program(fleet, seed, tmp_path).argv for seed in (1, 2)]
    folders = sorted(tmp_path.glob("fleet/*"))
    assert [folder.name for folder in folders] == ["seed-1", "seed-2"]
    assert all({"--ledger", "--journal-dir"} < set(one) for one in argv)
    assert all(folder.stat().st_mode & 0o077 == 0 for folder in folders)


def test_a_secret_differs_by_agent_and_by_seed() -> None:
    fleet = Fleet(port=1, secret_seed="a", agents=4)
    other = Fleet(port=1, secret_seed="b", agents=4)
    assert len({fleet.secret(2), fleet.secret(4), other.secret(2)}) == 3
    assert fleet.secret(1) == ""
