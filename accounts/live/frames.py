"""What travels over a live page's socket: frames in, validated at the door, and frames out.

Frames are JSON texts. Rows arrive here as JSON strings already (encoded once, however many
browsers show them) and are only put together.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import msgspec

MAX_FRAME_IN = 64 * 1024  # bytes; a watch of a thousand rows is some 20 KB
MAX_FRAME_OUT = 512 * 1024  # bytes of rows; Daphne refuses to send more than 1 MB at once
MAX_ROWS = 1000  # on one screen

Id = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
Ids = Annotated[frozenset[Id], msgspec.Meta(max_length=MAX_ROWS)]


class Watch(msgspec.Struct, frozen=True, tag="watch", forbid_unknown_fields=True):
    """What a browser has on screen, by Account.row, and up to which (epoch, seq) it has it."""

    page: Literal["fleet", "account", "agents", "versus"]
    rows: Ids = frozenset()
    agents: Ids = frozenset()
    account: Id | None = None
    query: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    epoch: Annotated[str, msgspec.Meta(max_length=64)] = ""
    seq: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 0


class Ack(msgspec.Struct, frozen=True, tag="ack", forbid_unknown_fields=True):
    """The browser has read everything up to this beat."""

    beat: int


class Refused(Exception):
    """Why a socket is closed; the code is in the range that is free for applications."""

    MALFORMED, SIGNED_OUT, FORBIDDEN = 4400, 4401, 4403
    NOT_FOUND, BEHIND, TOO_LARGE, TOO_MANY = 4404, 4408, 4413, 4429

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


_decoder: msgspec.json.Decoder[Watch | Ack] = msgspec.json.Decoder(Watch | Ack)


def decode(text: str | bytes) -> Watch | Ack:
    """Raises Refused for what is not exactly one of the frames above."""
    # Characters are at least a byte each, so this bounds the work whatever the encoding.
    if len(text) > MAX_FRAME_IN:
        raise Refused(Refused.TOO_LARGE, f"A frame may have {MAX_FRAME_IN} bytes at most.")
    if isinstance(text, bytes):
        raise Refused(Refused.MALFORMED, "Frames are texts.")
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Refused(Refused.MALFORMED, f"Malformed frame: {error}"[:120]) from error


def _plain(value: object) -> str:
    """Templates render to a subclass of str, which msgspec does not know."""
    if isinstance(value, str):
        return str.__str__(value)
    raise NotImplementedError(f"{type(value)} in a frame")


_encoder = msgspec.json.Encoder(enc_hook=_plain)


def text(kind: str, **fields: Any) -> str:
    return _encoder.encode({"type": kind, **fields}).decode()


def json_string(value: str) -> msgspec.Raw:
    return msgspec.Raw(_encoder.encode(value))


Rows = Mapping[int, msgspec.Raw]


def rows(seq: int, accounts: Rows, agents: Rows) -> Iterator[str]:
    """Frames of rows; more than one only when they would be too large for one."""
    part: dict[str, dict[int, msgspec.Raw]] = {"rows": {}, "agents": {}}
    size = 0
    for name, source in (("rows", accounts), ("agents", agents)):
        for key, html in source.items():
            length = len(memoryview(html))
            if size and size + length > MAX_FRAME_OUT:
                yield text("rows", seq=seq, **part)
                part, size = {"rows": {}, "agents": {}}, 0
            part[name][key] = html
            size += length
    yield text("rows", seq=seq, **part)


def goodbye(refusal: Refused) -> list[dict[str, Any]]:
    """ASGI messages that end a socket. Daphne sends no reason with the code, so a frame does."""
    said = text("bye", code=refusal.code, reason=refusal.reason)
    close = {"type": "websocket.close", "code": refusal.code, "reason": refusal.reason}
    return [{"type": "websocket.send", "text": said}, close]
