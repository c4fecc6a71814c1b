"""Packages: each has a face, and no other package reaches past it.

A face is `__all__` in the package's `__init__`: names, and modules that are open as a whole. Models
are open to all. Tests may import what is inside, for they mirror the modules.
"""

import ast
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("accounts", "trading", "mt5monitor", "agent", "benchmarks")
# Django and the process finders look into these by their names, and so may anybody.
OPEN = ("models", "management", "migrations", "templatetags", "settings", "formats")
# Who puts the parts together: pages, API and processes of the whole site.
COMPOSE = ("mt5monitor.asgi", "mt5monitor.celery", "mt5monitor.api.site")

Import = tuple[str, str, str]  # the module that imports, the module it imports from, the name


def modules(*tops: str) -> dict[str, Path]:
    """All modules below these packages, by their dotted names."""
    listed = subprocess.run(
        ["git", "ls-files", *(f"{name}/*.py" for name in tops)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    found = {}
    for path in listed:
        if (ROOT / path).exists():
            found[path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")] = (
                ROOT / path
            )
    return found


MODULES = modules(*OURS)
TESTS = modules("tests")
PACKAGES = {
    name
    for name, path in MODULES.items()
    if path.name == "__init__.py" and "." in name and not set(name.split(".")) & set(OPEN)
}


def imports(modules: Mapping[str, Path] = MODULES) -> Iterator[Import]:
    for module, path in modules.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    yield module, node.module, alias.name
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    yield module, alias.name, ""


def face(package: str) -> set[str]:
    """What `__all__` of the package lists; all of it is text in the source."""
    for node in ast.parse(MODULES[package].read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


FACES = {package: face(package) for package in PACKAGES}


def is_inside(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def used(modules: Mapping[str, Path] = MODULES) -> Iterator[tuple[Import, str, str]]:
    """Each import that crosses into a package, that package, and what of its face is used."""
    for module, source, name in imports(modules):
        for package in PACKAGES:
            if is_inside(source, package) and not is_inside(module, package):
                inner = source[len(package) + 1 :].partition(".")[0] or name
                yield (module, source, name), package, inner


def composes(module: str) -> bool:
    return module in COMPOSE or module.endswith(".urls")


def test_what_others_use_of_a_package_is_in_its_face() -> None:
    past = [
        f"{module} imports {source}.{name}"
        for (module, source, name), package, inner in used()
        if inner not in FACES[package] and not composes(module)
    ]
    assert past == []


def test_what_is_in_a_face_is_used_outside_the_package() -> None:
    wanted: dict[str, set[str]] = defaultdict(set)
    for _, package, inner in used(MODULES | TESTS):
        wanted[package].add(inner)
    # Importing a package of the admin registers its modules.
    idle = {
        f"{package}.{name}"
        for package, names in FACES.items()
        for name in names - wanted[package]
        if not package.endswith(".admin") and not is_used_by_name(package, name)
    }
    assert idle == set()


def is_used_by_name(package: str, name: str) -> bool:
    """Whether somebody who imports the package as a module, or Django's settings, name it."""
    last = package.rpartition(".")[2]
    spelled = (f"{last}.{name}", f"{package}.{name}")
    return any(
        any(text in path.read_text() for text in spelled)
        for module, path in MODULES.items()
        if not is_inside(module, package)
    )


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_a_package_says_what_it_is_for(package: str) -> None:
    assert ast.get_docstring(ast.parse(MODULES[package].read_text()))


# Their modules are found by Django, or are named for what they are about in their app.
OBVIOUS = ("accounts.admin", "accounts.views", "trading.admin", "trading.views")


@pytest.mark.parametrize("package", sorted(PACKAGES - set(OBVIOUS)))
def test_a_package_lists_its_modules(package: str) -> None:
    listed = ast.get_docstring(ast.parse(MODULES[package].read_text())) or ""
    inside = {
        path.name
        for module, path in MODULES.items()
        if module.rpartition(".")[0] == package
        and path.name not in ("__init__.py", "__main__.py", "apps.py")
    }
    assert {name for name in inside if name not in listed} == set()


def test_trading_imports_accounts_and_the_project_imports_neither() -> None:
    wrong = [
        f"{module} imports {source}"
        for module, source, _ in imports()
        if (is_inside(module, "accounts") and is_inside(source, "trading"))
        or (is_inside(module, "agent") != is_inside(source, "agent") and is_agent(module, source))
        or (is_project(module) and is_app(source))
    ]
    assert wrong == []


def is_agent(module: str, source: str) -> bool:
    """The agent and the monitor meet over HTTP only. Benchmarks may start agents."""
    if is_inside(module, "benchmarks"):
        return False
    return is_inside(source, "agent") or any(is_inside(source, ours) for ours in OURS)


def is_project(module: str) -> bool:
    if composes(module) or is_inside(module, "mt5monitor.stack"):
        return False  # the stack prepares the demo's rows
    return is_inside(module, "mt5monitor")


def is_app(source: str) -> bool:
    return is_inside(source, "accounts") or is_inside(source, "trading")


def test_no_module_is_longer_than_300_lines() -> None:
    long = {
        module: lines
        for module, path in MODULES.items()
        if "migrations" not in module and (lines := path.read_text().count("\n")) > 300
    }
    assert long == {}
