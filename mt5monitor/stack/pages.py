"""Whether pages answer, asked as a browser asks: over the network, of the real server."""

import http.client

from mt5monitor.stack.environment import Environment

TIMEOUT_S = 3.0
EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


def answer(environment: Environment) -> bool:
    """Whether the health page says ok and a stranger at the front page is sent to sign in."""
    try:
        if _get(environment, "/healthz")[0] != 200:
            return False
        status, location = _get(environment, "/")
        return status == 302 and "login" in location
    except (OSError, http.client.HTTPException):
        return False


def _get(environment: Environment, path: str) -> tuple[int, str]:
    host = EVERYWHERE.get(environment.bind, environment.bind)
    connection = http.client.HTTPConnection(host, environment.port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", path, headers={"Host": f"127.0.0.1:{environment.port}"})
        response = connection.getresponse()
        response.read()
        return response.status, response.getheader("Location") or ""
    finally:
        connection.close()
