"""What travels over a live page's socket: frames in, validated at the door, and frames out.

Frames are JSON texts. Rows arrive here as JSON strings already (encoded once, however many
browsers show them) and are only put together.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal, TypeVar

import msgspec

T = TypeVar("T")
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
    return decoded(text, _decoder, MAX_FRAME_IN)


def decoded(text: str | bytes, decoder: msgspec.json.Decoder[T], most: int) -> T:
    """Return the frame, of `most` bytes. Raise Refused."""
    # Characters are at least a byte each, so this bounds the work whatever the encoding.
    if len(text) > most:
        raise Refused(Refused.TOO_LARGE, f"A frame may have {most} bytes at most.")
    if isinstance(text, bytes):
        raise Refused(Refused.MALFORMED, "Frames are texts.")
    try:
        return decoder.decode(text)
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
    for part in split(accounts, agents, MAX_FRAME_OUT, lambda html: len(memoryview(html))):
        yield text("rows", seq=seq, rows=part[0], agents=part[1])


def split(
    accounts: Mapping[int, T], agents: Mapping[int, T], most: int, size: Callable[[T], int]
) -> Iterator[tuple[dict[int, T], dict[int, T]]]:
    """Return parts of these rows that are no larger than `most`, unless one row is; at least one
    part."""
    part: tuple[dict[int, T], dict[int, T]] = ({}, {})
    total = 0
    for index, source in enumerate((accounts, agents)):
        for key, html in source.items():
            length = size(html)
            if total and total + length > most:
                yield part
                part, total = ({}, {}), 0
            part[index][key] = html
            total += length
    yield part


def goodbye(refusal: Refused) -> list[dict[str, Any]]:
    """ASGI messages that end a socket. Daphne sends no reason with the code, so a frame does."""
    said = text("bye", code=refusal.code, reason=refusal.reason)
    close = {"type": "websocket.close", "code": refusal.code, "reason": refusal.reason}
    return [{"type": "websocket.send", "text": said}, close]
