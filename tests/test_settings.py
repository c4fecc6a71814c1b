"""What the settings make of the environment."""

import json
import os
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from mt5monitor.secrets import kept_key
from tests.prepared import OURS


def settings(state_dir: Path, *names: str, **env: str) -> dict[str, Any]:
    """These settings, as a process with this environment has them."""
    own = {key: value for key, value in os.environ.items() if key not in OURS}
    show = f"import json; from mt5monitor import settings as s; names = {names!r}; "
    show += "print(json.dumps({name: getattr(s, name) for name in names}))"
    program = [sys.executable, "-c", show]
    env = own | {"STATE_DIR": str(state_dir)} | env
    told = subprocess.run(program, env=env, capture_output=True, check=True, text=True).stdout
    found: dict[str, Any] = json.loads(told)
    return found


def of_each_valkey_client(found: dict[str, Any]) -> list[dict[str, Any]]:
    layer = found["CHANNEL_LAYERS"]["default"]["CONFIG"]["hosts"][0]
    cache = found["CACHES"]["default"]["OPTIONS"]
    return [layer, cache, found["CELERY_BROKER_TRANSPORT_OPTIONS"], found["VALKEY_OPTIONS"]]


CLIENTS = ("CHANNEL_LAYERS", "CACHES", "CELERY_BROKER_TRANSPORT_OPTIONS", "VALKEY_OPTIONS")


def test_every_client_of_valkey_gives_up_in_time_and_so_does_the_kernel(tmp_path: Path) -> None:
    url = "redis://:password@127.0.0.1:6379/0"
    found = settings(tmp_path, *CLIENTS, REDIS_URL=url, VALKEY_TIMEOUT="3")
    for options in of_each_valkey_client(found):
        assert options["socket_timeout"] == options["socket_connect_timeout"] == 3
        assert options["health_check_interval"] > 0
        assert options["socket_keepalive"]
        idle = getattr(socket, "TCP_KEEPIDLE", None) or getattr(socket, "TCP_KEEPALIVE", None)
        assert options["socket_keepalive_options"][str(idle)] <= 10


def test_a_valkey_on_a_socket_has_no_options_of_tcp(tmp_path: Path) -> None:
    for options in of_each_valkey_client(settings(tmp_path, *CLIENTS)):
        assert options["socket_timeout"] == 2
        assert "socket_keepalive" not in options


def test_a_wait_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        settings(tmp_path, "VALKEY_OPTIONS", VALKEY_TIMEOUT="0")
    assert b"VALKEY_TIMEOUT must be 0.1 seconds or more." in str(refused.value.stderr).encode()


def test_behind_tls_no_page_of_a_visitors_own_machine_is_trusted(tmp_path: Path) -> None:
    names = ("TRUSTED_ORIGINS", "CSRF_TRUSTED_ORIGINS")
    public = settings(tmp_path, *names, PUBLIC_URL="https://monitor.example.com", PORT="8000")
    assert public == dict.fromkeys(names, ["https://monitor.example.com"])


def test_without_tls_all_names_of_this_machine_are_the_site(tmp_path: Path) -> None:
    origins = settings(tmp_path, "TRUSTED_ORIGINS", PORT="8123")["TRUSTED_ORIGINS"]
    assert set(origins) == {f"http://{host}:8123" for host in ("127.0.0.1", "localhost", "[::1]")}


def test_behind_tls_cookies_are_bound_to_the_host_and_hsts_is_on(tmp_path: Path) -> None:
    names = ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "SESSION_COOKIE_SECURE", "DEBUG")
    found = settings(tmp_path, *names, "SECURE_HSTS_SECONDS", PUBLIC_URL="https://m.example.com")
    assert [found[name] for name in names] == ["__Host-session", "__Host-csrf", True, False]
    assert found["SECURE_HSTS_SECONDS"] >= 31_536_000


def test_the_certificate_of_another_machines_valkey_is_checked(tmp_path: Path) -> None:
    url = "rediss://:word@valkey.example.com/0"
    found = settings(tmp_path, "CELERY_BROKER_URL", "CELERY_BROKER_USE_SSL", REDIS_URL=url)
    assert found["CELERY_BROKER_URL"] == url
    assert found["CELERY_BROKER_USE_SSL"] == {"ssl_cert_reqs": ssl.CERT_REQUIRED}


def test_processes_with_the_same_id_make_one_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process of a container is number 1 there, and two may share a folder at a first start."""
    link, path = os.link, tmp_path / "secret_key"
    others = []

    def link_after_another(*files: Path) -> None:
        monkeypatch.setattr(os, "link", link)
        others.append(kept_key(path))
        link(*files)

    monkeypatch.setattr(os, "link", link_after_another)
    assert [kept_key(path)] == others
    assert [file.name for file in tmp_path.iterdir()] == ["secret_key"]


def test_an_empty_file_of_a_key_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("\n")
    with pytest.raises(ImproperlyConfigured, match="secret_key is empty. Restore it from a backup"):
        kept_key(tmp_path / "secret_key")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_key_is_the_same_however_an_editor_saved_it(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "secret_key").write_bytes("a-key-of-many-letters\r\n".encode(encoding))
    assert kept_key(tmp_path / "secret_key") == "a-key-of-many-letters"
