"""What API clients say on a socket, validated on input."""

from typing import Annotated

import msgspec

from accounts.live.frames import Id, decoded

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


def decode(said: str | bytes) -> Any_:
    """Raise Refused for what is not exactly one of the frames above."""
    return decoded(said, _decoder, MAX_FRAME_IN)
