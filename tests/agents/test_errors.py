import re

from accounts.agents import errors
from accounts.agents.errors import AgentError


def tree(error, depth=0):
    yield depth, error
    for child in error.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from tree(child, depth + 1)


def drawn():
    """The names drawn at the head of the module, with their depth and status."""
    for line in errors.__doc__.splitlines():
        if match := re.fullmatch(r"    ([ |]*)(\+ )?([A-Z]\w+)(?: {2,}(\w+) {2,}.*)?", line):
            depth = 0 if not match[2] else 1 + len(match[1]) // 4
            yield depth, match[3], match[4]


def test_the_tree_at_the_head_of_the_module_is_complete_and_in_order():
    real = [(depth, error.__name__) for depth, error in tree(AgentError)]
    assert [(depth, name) for depth, name, _ in drawn()] == real
    assert len(real) > 15


def test_the_statuses_in_the_tree_are_those_of_the_errors():
    for _, name, status in drawn():
        if status:
            assert getattr(errors, name).status == status


def test_every_error_has_a_code_of_its_own_in_kebab_case():
    codes = [error.code for _, error in tree(AgentError)]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)
    assert max(map(len, codes)) <= 40


def test_a_sentence_is_clipped_and_cleaned_whatever_was_put_into_it():
    error = AgentError("said \x00\x1b[31m\u202e" + "x" * 10_000_000)
    assert len(error.sentence) == 300
    assert error.sentence.startswith("said [31mxxx")
    assert str(error) == error.sentence
