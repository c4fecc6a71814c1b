"""From the exceptions of aiohttp, asyncio and the system to the names that we give them.

The httpx transport wraps what aiohttp raises and loses distinctions on the way (a disconnect
becomes a connect timeout), so the cause is what is looked at.
"""

from __future__ import annotations

import errno
import os
import ssl

import aiohttp
import httpx
from aiohttp.http_exceptions import LineTooLong

from accounts.agents import errors
from accounts.agents.pool import Dial, Disconnected

NO_WAY_THERE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ENETDOWN})
TOO_MUCH = ("Got more than", "Too many headers")
OUT_OF_FILES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.EADDRNOTAVAIL})


def named(error: BaseException, dial: Dial, base: str) -> errors.AgentError:
    """The AgentError that `error` is. Raise `error` itself when it is none of the network's."""
    if isinstance(error, errors.AgentError):
        return error
    wrapped = isinstance(error, httpx.TransportError)
    cause = error.__cause__ if wrapped and error.__cause__ is not None else error
    if isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ClientConnectorCertificateError):
        return _not_connected(cause, dial, base)
    if isinstance(cause, aiohttp.ConnectionTimeoutError):
        return errors.ConnectTimedOut(
            f"Nothing took the connection to {base} in time: machine off, firewall or wrong port?"
        )
    if isinstance(cause, aiohttp.ServerTimeoutError):
        return errors.ReadTimedOut(
            f"{base} took the request and then sent nothing: is the terminal hanging?"
        )
    if isinstance(cause, Disconnected | aiohttp.ClientOSError | aiohttp.ClientPayloadError):
        return errors.ConnectionLost(f"{base} closed the connection before it had answered.")
    if isinstance(cause, aiohttp.ClientResponseError):
        return _not_http(cause, base)
    if isinstance(cause, aiohttp.ClientConnectionError):
        return errors.ConnectionLost(f"The connection to {base} was lost.")
    raise error


def _not_connected(
    cause: aiohttp.ClientConnectorError | aiohttp.ClientConnectorCertificateError,
    dial: Dial,
    base: str,
) -> errors.AgentError:
    if dial.refused is not None:
        return dial.refused
    if isinstance(cause, aiohttp.ClientConnectorCertificateError):
        why = getattr(cause.certificate_error, "verify_message", "") or cause.certificate_error
        return errors.BadCertificate(f"The certificate of {base} does not fit: {why}.")
    reason = cause.os_error
    if isinstance(reason, ssl.SSLError):
        why = (reason.reason or "no TLS there").replace("_", " ").lower()
        return errors.BadCertificate(f"No secure connection to {base}: {why}. Is it plain http?")
    if isinstance(cause, aiohttp.ClientConnectorDNSError):
        return errors.NameNotResolved(f"The name in {base} is unknown to DNS: spelled right?")
    return _system(reason, base)


def _system(reason: OSError, base: str) -> errors.AgentError:
    number = reason.errno
    if number == errno.ECONNREFUSED:
        return errors.ConnectionRefused(f"Nothing listens at {base}: is the agent running?")
    if number == errno.ETIMEDOUT:
        return errors.ConnectTimedOut(f"Nothing at {base} took the connection in time.")
    if number in (errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED):
        return errors.ConnectionLost(f"{base} closed the connection while it was being opened.")
    why = os.strerror(number).lower() if number and number > 0 else "no connection"
    if number in OUT_OF_FILES:
        why += ", on the monitor's own machine: raise its limit of open files"
    elif number in NO_WAY_THERE:
        why += ": is the network or the VPN up?"
    return errors.NetworkUnreachable(f"No way to {base}: {why}.")


def _not_http(cause: aiohttp.ClientResponseError, base: str) -> errors.AgentError:
    if isinstance(cause.__cause__, LineTooLong) or cause.message.startswith(TOO_MUCH):
        return errors.TooLarge(f"The headers of the answer of {base} are too large.")
    return errors.Malformed(f"{base} answered with something that is not HTTP.")
