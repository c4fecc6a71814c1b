"""The internals of django-allauth that are used here are where they were, and take what they took.

Its public forms do not serve: they count attempts by user alone, so that whoever has a password
locks its user out, keep the secret of an app in the session in the clear, and send messages. When a
new minor version makes this fail, read its changes, adapt what uses the internals, and raise the
bound in pyproject.toml.
"""

import ast
import inspect
import re
import tomllib
from collections.abc import Iterator
from importlib import import_module, metadata
from operator import attrgetter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SIGNATURES = {
    "allauth.mfa.totp.internal.auth": {
        "generate_totp_secret": "(length: 'int' = 20) -> 'str'",
        "validate_totp_code": "(secret: 'str', code: 'str') -> 'bool'",
        "TOTP.activate": "(user: 'AbstractBaseUser', secret: 'str') -> 'TOTP'",
        "TOTP.validate_code": "(self, code: 'str') -> 'bool'",
    },
    "allauth.mfa.recovery_codes.internal.auth": {
        "RecoveryCodes.activate": "(user: 'AbstractBaseUser') -> 'RecoveryCodes'",
        "RecoveryCodes.generate_codes": "(self) -> 'list[str]'",
        "RecoveryCodes.get_unused_codes": "(self) -> 'list[str]'",
        "RecoveryCodes.mark_as_viewed": "(self) -> 'None'",
        "RecoveryCodes.validate_code": "(self, code: 'str') -> 'bool'",
    },
    "allauth.mfa.webauthn.internal.auth": {
        "begin_authentication": "(user: 'AbstractBaseUser | None' = None) -> 'dict'",
        "begin_registration": "(user: 'AbstractBaseUser', passwordless: 'bool') -> 'dict'",
        "clear_state": "() -> 'None'",
        "complete_authentication": (
            "(user: 'AbstractBaseUser', response: 'dict') -> 'Authenticator'"
        ),
        "complete_registration": "(credential: 'dict') -> 'AuthenticatorData'",
        "parse_authentication_response": "(response: 'Any') -> 'AuthenticationResponse'",
        "parse_registration_response": "(response: 'Any') -> 'RegistrationResponse'",
        "WebAuthn.add": (
            "(user: 'AbstractBaseUser', name: 'str', credential: 'dict') -> 'WebAuthn'"
        ),
    },
}
INTERNALS = [(module, name) for module, names in SIGNATURES.items() for name in names]


@pytest.mark.parametrize(("module", "name"), INTERNALS)
def test_an_internal_takes_what_it_took(module: str, name: str) -> None:
    found = attrgetter(name)(import_module(module))
    assert str(inspect.signature(found)) == SIGNATURES[module][name]


def test_every_internal_that_the_code_uses_is_in_this_list() -> None:
    """A method counts by its class."""
    listed = {(module, name.partition(".")[0]) for module, name in INTERNALS}
    files = [file for app in ("accounts", "mt5monitor", "trading") for file in python_of(app)]
    used = {use for file in files for use in internals_in(ast.parse(file.read_text()))}
    assert used == listed


def python_of(app: str) -> list[Path]:
    return sorted((ROOT / app).rglob("*.py"))


def internals_in(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Each internal module of allauth with a name that is used of it."""
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or "allauth" not in (node.module or ""):
            continue
        for alias in node.names:
            full = f"{node.module}.{alias.name}"
            if full in SIGNATURES:
                modules[alias.asname or alias.name] = full
            elif ".internal" in full:
                yield node.module or "", alias.name
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=name)) if name in modules:
                yield modules[name], node.attr


def test_the_minor_version_is_the_one_whose_internals_are_listed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [text for text in project["dependencies"] if text.startswith("django-allauth")]
    bounds = re.fullmatch(r"django-allauth\[mfa\]>=(\d+)\.(\d+),<(\d+)\.(\d+)", *wanted)
    assert bounds is not None, wanted
    major, minor, next_major, next_minor = map(int, bounds.groups())
    assert (next_major, next_minor) == (major, minor + 1)
    pinned = re.findall(r"^django-allauth==(\S+)", (ROOT / "requirements.txt").read_text(), re.M)
    for version in (*pinned, metadata.version("django-allauth")):
        assert version.startswith(f"{major}.{minor}.")
