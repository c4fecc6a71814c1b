"""Django's cache in Valkey, as JSON: whoever can write to Valkey must not run code here.

Django's own serializer unpickles what it finds, which is running it.
"""

import logging
from typing import Any, Final

import msgspec
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from django.utils.functional import Promise

log = logging.getLogger(__name__)
MISSING: Final = object()


class Json:
    """Text, numbers, lists and dicts come back as they were; tuples as lists, records as dicts.
    Anything else is refused with TypeError."""

    def dumps(self, value: Any) -> int | bytes:
        if type(value) is int:
            return value  # as it is, or Valkey could not count it up
        return msgspec.json.encode(value, enc_hook=_plain)

    def loads(self, data: bytes) -> Any:
        """MISSING for what is not JSON: an older release wrote it, or somebody else did."""
        try:
            return msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            log.warning("An entry of the cache was not read: it is not JSON")
            return MISSING


def _plain(value: Any) -> str:
    """Text that is translated, or an address that is found, only when somebody looks at it."""
    if isinstance(value, Promise):
        return str(value)
    raise TypeError(f"The cache cannot keep a {type(value).__name__}")


class _Client(RedisCacheClient):
    def get(self, key: Any, default: Any) -> Any:
        found = super().get(key, default)
        return default if found is MISSING else found

    def get_many(self, keys: Any) -> dict[Any, Any]:
        found = super().get_many(keys)
        return {key: value for key, value in found.items() if value is not MISSING}


class JsonCache(RedisCache):
    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        options = {**params.get("OPTIONS", {}), "serializer": Json}
        super().__init__(server, {**params, "OPTIONS": options})
        self._class = _Client
