"""What publishers send to the hubs over the channel layer."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

GROUP = "live"
MAX_MESSAGE = 400 * 1024  # bytes of rows in one message


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that changed, rendered; or, with `reread`, that some could not be sent.

    `source` is random for each publishing process and `seq` counts its messages from 1, so that
    a hub notices a lost one. `at`, unix seconds, is when the rows began to be read. `rows` are by
    Account.row, `added` and `gone` are numbers.
    """

    source: str
    seq: int
    at: float
    rows: dict[int, str] = {}
    agents: dict[int, str] = {}
    added: list[int] = []
    gone: list[int] = []
    notes: list[str] = []
    """Names of what is no row and was changed, such as the switch of trading."""
    reread: bool = False


def packed(message: Message) -> dict[str, Any]:
    """For the layer: plain values, text keys (it refuses to unpack others)."""
    plain = msgspec.to_builtins(message, str_keys=True)
    return {"type": "live", **plain}


def unpacked(packet: object) -> Message:
    """Raises msgspec.ValidationError."""
    return msgspec.convert(packet, Message, str_keys=True)


Part = tuple[dict[int, str], dict[int, str]]


def parts(rows: Mapping[int, str], agents: Mapping[int, str]) -> Iterator[Part]:
    """Splits rows so that each part stays under MAX_MESSAGE; at least one part."""
    part: Part = ({}, {})
    size = 0
    for index, source in enumerate((rows, agents)):
        for key, html in source.items():
            length = len(html.encode())
            if size and size + length > MAX_MESSAGE:
                yield part
                part, size = ({}, {}), 0
            part[index][key] = str.__str__(html)  # msgspec knows no subclasses of str
            size += length
    yield part
