"""What API clients say on a socket, validated on input."""

from typing import Annotated, Any

import msgspec

from accounts.live.frames import Id, Refused

MAX_FRAME_IN = 4096  # bytes

Epoch = Annotated[str, msgspec.Meta(max_length=64)]
Seq = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Auth(msgspec.Struct, frozen=True, tag="auth", forbid_unknown_fields=True):
    """For those who cannot set headers: the first frame."""

    token: Annotated[str, msgspec.Meta(max_length=200)]


class Subscribe(msgspec.Struct, frozen=True, tag="subscribe", forbid_unknown_fields=True):
    """To all accounts, or to one more."""

    account_number: Id | None = None


class Unsubscribe(msgspec.Struct, frozen=True, tag="unsubscribe", forbid_unknown_fields=True):
    account_number: Id | None = None


class Resume(msgspec.Struct, frozen=True, tag="resume", forbid_unknown_fields=True):
    epoch: Epoch
    seq: Seq


class Ping(msgspec.Struct, frozen=True, tag="ping", forbid_unknown_fields=True):
    pass


Any_ = Auth | Subscribe | Unsubscribe | Resume | Ping
_decoder: msgspec.json.Decoder[Any_] = msgspec.json.Decoder(Any_)
_encoder = msgspec.json.Encoder()


def decode(said: str | bytes) -> Any_:
    """Raise Refused for what is not exactly one of the frames above."""
    if len(said) > MAX_FRAME_IN:
        raise Refused(Refused.TOO_LARGE, f"A frame may have {MAX_FRAME_IN} bytes at most.")
    if isinstance(said, bytes):
        raise Refused(Refused.MALFORMED, "Frames are texts.")
    try:
        return _decoder.decode(said)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Refused(Refused.MALFORMED, f"Malformed frame: {error}"[:120]) from error


def text(kind: str, **fields: Any) -> str:
    return _encoder.encode({"type": kind, **fields}).decode()
