import json

import pytest

from accounts.live import frames
from accounts.live.frames import Ack, Refused, Watch

WATCH = {"type": "watch", "page": "fleet", "rows": [1, 2], "epoch": "e", "seq": 3}


def refused(text: str | bytes) -> Refused:
    with pytest.raises(Refused) as refusal:
        frames.decode(text)
    return refusal.value


def test_a_watch_says_what_is_on_screen() -> None:
    watch = frames.decode(json.dumps(WATCH))
    assert watch == Watch(page="fleet", rows=frozenset({1, 2}), epoch="e", seq=3)


def test_an_ack_names_its_beat() -> None:
    assert frames.decode('{"type":"ack","beat":7}') == Ack(beat=7)


def test_a_watch_of_a_hundred_rows_with_the_longest_numbers_is_small_enough() -> None:
    rows = list(range(2**63 - 100, 2**63))
    text = json.dumps(WATCH | {"rows": rows, "agents": rows, "query": "q" * 2000})
    assert isinstance(frames.decode(text), Watch)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        '{"type":"hello"}',
        '{"type":"ack"}',
        '{"type":"ack","beat":"1"}',
        '{"type":"ack","beat":1,"more":1}',
        json.dumps(WATCH | {"page": "admin"}),
        json.dumps(WATCH | {"rows": ["1"]}),
        json.dumps(WATCH | {"rows": [0]}),
        json.dumps(WATCH | {"rows": [-1]}),
        json.dumps(WATCH | {"rows": [1.5]}),
        json.dumps(WATCH | {"rows": [2**63]}),
        json.dumps(WATCH | {"rows": list(range(1, 1002))}),
        json.dumps(WATCH | {"seq": -1}),
        json.dumps(WATCH | {"query": "q" * 2001}),
        json.dumps(WATCH | {"epoch": "e" * 65}),
        b'{"type":"ack","beat":1}',
        "[" * 60_000,
        '{"more":' + "[" * 30_000 + "]" * 30_000 + ',"type":"ack","beat":1}',
        '{"type":"ack","beat":1e999}',
        '{"type":"watch","page":"fleet","query":"\ud800"}',
        '{"type":"watch","page":"fleet","query":"\\ud800"}',
    ],
)
def test_a_malformed_frame_is_refused(text: str | bytes) -> None:
    assert refused(text).code == Refused.MALFORMED


def test_a_frame_over_64_kb_is_refused_unread() -> None:
    assert refused(" " * (64 * 1024 + 1)).code == Refused.TOO_LARGE


def test_rows_too_large_for_one_frame_come_in_several() -> None:
    html = frames.json_string("x" * 300_000)
    texts = list(frames.rows(9, {1: html, 2: html}, {3: html}))
    shown = [json.loads(text) for text in texts]
    assert [(list(f["rows"]), list(f["agents"])) for f in shown] == [
        (["1"], []),
        (["2"], []),
        ([], ["3"]),
    ]
    assert all(len(text) < 1024 * 1024 for text in texts)


def test_a_refusal_is_told_in_words_before_the_close() -> None:
    said, close = frames.goodbye(Refused(Refused.BEHIND, "Too far behind."))
    assert json.loads(said["text"]) == {"type": "bye", "code": 4408, "reason": "Too far behind."}
    assert close["code"] == 4408
