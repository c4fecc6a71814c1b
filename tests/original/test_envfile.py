"""The .env of the original, in every way in which people write one."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.original.envfile import variables
from trading.original.files import read_all
from trading.original.report import Report
from trading.original.strict import Stopped

ONE = '[{"name": "VPS #1", "url": "http://10.0.0.1:8000"}]'
LINES = '[\n  {"name": "VPS #1",\n   "url": "http://10.0.0.1:8000"}\n]'
ESCAPED = ONE.replace('"', '\\"')


def told(text: str) -> dict[str, str]:
    return {variable.name: variable.value for variable in variables(text)}


@pytest.mark.parametrize(
    "text",
    [
        f"VPS_AGENTS_JSON={ONE}",
        f"VPS_AGENTS_JSON = {ONE}  # all of them\n",
        f"  export VPS_AGENTS_JSON='{ONE}' # all\nLOG_LEVEL=INFO",
        f'VPS_AGENTS_JSON="{ESCAPED}"\n',
        f"VPS_AGENTS_JSON={LINES}\nLOG_LEVEL=INFO\n",
        f"VPS_AGENTS_JSON='{LINES}'\n",
        f"# VPS_AGENTS_JSON=[]\nAPP_PASSWORD=it's a secret\nVPS_AGENTS_JSON={ONE}",
        f"VPS_AGENTS_JSON=[]\nVPS_AGENTS_JSON={LINES}",
        f"APP_PASSWORD='never closed\nVPS_AGENTS_JSON={ONE}\n",
        f"ALLOWED_ORIGINS=[http://a, http://b]\nnot an assignment\nVPS_AGENTS_JSON={ONE}",
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_the_list_of_agents_is_found_however_it_is_written(text: str, line_end: str) -> None:
    value = told(text.replace("\n", line_end))["VPS_AGENTS_JSON"]
    assert json.loads(value) == [{"name": "VPS #1", "url": "http://10.0.0.1:8000"}]


def test_values_end_where_their_comment_begins_and_lose_their_quotes() -> None:
    text = 'A=one two # three\nB="x # y"\nC=\nD=\'a\\\'b\'\nE=a#b\nexport F = "l\\nm"\nG-H.i=1'
    assert told(text) == {
        "A": "one two",
        "B": "x # y",
        "C": "",
        "D": "a'b",
        "E": "a#b",
        "F": "l\nm",
        "G-H.i": "1",
    }


def test_a_byte_order_mark_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(f"\ufeffVPS_AGENTS_JSON={ONE}\r\n".encode())
    (item,) = read_all(tmp_path / ".env", tmp_path, Report()).agents
    assert (item.name, item.url) == ("VPS #1", "http://10.0.0.1:8000")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("LOG_LEVEL=INFO", "VPS_AGENTS_JSON is not set there"),
        ('\nVPS_AGENTS_JSON="[{"name": 1}]"', r"\(line 2\): its quotes do not close"),
        ("A=1\nVPS_AGENTS_JSON='[", r"\(line 2\): its quotes do not close"),
        ('A=1\nVPS_AGENTS_JSON=[\n{"name": "a",,}\n]', "line 3, column 14: not JSON"),
        ("VPS_AGENTS_JSON=nothing", "line 1, column 1: not JSON"),
        ('VPS_AGENTS_JSON=[{"name": "a", "name": "b"}]', "“name” stands twice"),
        ('VPS_AGENTS_JSON=[{"name": "a", "url": 7}]', "item 1: url must be text, not a number"),
        ("VPS_AGENTS_JSON={}", "must be a list of agents"),
    ],
)
def test_what_cannot_be_used_is_named_by_file_line_and_field(
    tmp_path: Path, text: str, sentence: str
) -> None:
    (tmp_path / ".env").write_text(text)
    with pytest.raises(Stopped, match=sentence) as stopped:
        read_all(tmp_path / ".env", tmp_path, Report())
    assert str(tmp_path / ".env") in str(stopped.value)


@pytest.mark.parametrize("text", ["VPS_AGENTS_JSON=", "VPS_AGENTS_JSON=[]", "VPS_AGENTS_JSON=''"])
def test_no_agents_are_no_mistake(tmp_path: Path, text: str) -> None:
    (tmp_path / ".env").write_text(text)
    report = Report()
    assert read_all(tmp_path / ".env", tmp_path, report).agents == []
    assert "there are no agents to take" in report.text()


PIECES = st.sampled_from(["A", "=", "'", '"', "\\", "[", "]", "{", "}", "\n", "\r", " ", "#", "1"])


@given(st.lists(PIECES, max_size=30).map("".join))
def test_any_text_is_read_to_its_end(text: str) -> None:
    for variable in variables(text):
        assert variable.line <= text.count("\n") + text.count("\r") + 1
