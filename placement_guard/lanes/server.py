"""One Redis server, asked in little time or not at all.

redis-py brings the protocol, TLS and authentication; its client and its pool are left: they send a
request again by themselves, take half as long again, and have locks that a fork may leave locked.
"""

import os
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from redis.connection import Connection, parse_url
from redis.exceptions import NoScriptError, RedisError

from placement_guard.lanes.scripts import Script

CONNECT_SECONDS: Final = 0.2
"""How long a connection may take (seconds). Each step of its greeting may take as long."""

ANSWER_SECONDS: Final = 0.2
"""How long an answer may take (seconds)."""

WANTED: Final = "redis://[[user]:password@]host[:port][/db], rediss://..., unix://[...@]/path[?db=]"
"""What an address looks like."""

_parse: Callable[[str], dict[str, Any]] = parse_url  # untyped

_ALLOWED: Final = frozenset(
    {
        *("connection_class", "host", "port", "path", "db", "username", "password"),
        *("client_name", "socket_keepalive"),
    }
)
"""What an address may say. The rest of redis-py's options would undo the bounds of this module."""


class Address(Exception):  # noqa: N818  # a reason, as text for whoever configured it
    """The address cannot be used. The text quotes nothing of it: it may hold a password."""


class Server:
    """The server at ``url``; Address if that says no server."""

    def __init__(self, url: str) -> None:
        self._options = _options(url)
        self._kind = self._options.pop("connection_class", Connection)
        self.where = _where(url, self._options)
        self._password = str(self._options.get("password") or "")
        self._idle: dict[int, list[Any]] = {}
        """Connections that nobody uses, by process: those of a parent are not a child's."""
        self._connection()  # made, not connected: what the options say wrong is found here

    def run(self, script: Script, keys: Sequence[str], arguments: Sequence[object]) -> Any:
        """What the script returns. RedisError or OSError if there is no answer in time."""
        idle = self._idle.setdefault(os.getpid(), [])
        try:
            connection = idle.pop()
        except IndexError:
            connection = self._connection()
        rest = (len(keys), *keys, *arguments)
        try:
            _ready(connection)
            try:
                answer = _ask(connection, "EVALSHA", script.digest, *rest)
            except NoScriptError:  # it is new to the server, or the server has been restarted
                answer = _ask(connection, "EVAL", script.text, *rest)
        except BaseException:
            connection.disconnect()  # or the answer would be read as that of the next request
            raise
        idle.append(connection)
        return answer

    def why(self, error: Exception) -> str:
        """What an error says, without the password."""
        text = f"{type(error).__name__}: {error}"
        return text.replace(self._password, "***") if self._password else text

    def close(self) -> None:
        """Close the connections that nobody uses."""
        idle = self._idle.pop(os.getpid(), [])
        while idle:
            idle.pop().disconnect()

    def _connection(self) -> Any:
        try:
            return self._kind(**self._options)
        except (TypeError, ValueError, RedisError) as error:
            raise Address(f"its options are not those of redis-py; wanted: {WANTED}") from error


def _ready(connection: Any) -> None:
    """Connect, if it is not connected, or if the server has closed it meanwhile."""
    connection.connect()
    try:
        idle = not connection.can_read(0)
    except (RedisError, OSError):
        idle = False
    if not idle:
        connection.disconnect()
        connection.connect()


def _ask(connection: Any, *command: object) -> Any:
    connection.send_command(*command)
    return connection.read_response()


def _options(url: str) -> dict[str, Any]:
    """The arguments of a connection."""
    scheme, _, rest = url.partition("://")
    if scheme not in {"redis", "rediss", "unix"} or not rest:
        raise Address(f"it is no address of a Redis server; wanted: {WANTED}")
    if "@" in rest[len(re.split("[/?#]", rest, maxsplit=1)[0]) :]:
        # Such a password would end early, and its beginning would be taken for the host.
        raise Address(f"in a password, write / ? # and @ percent-encoded; wanted: {WANTED}")
    try:
        options = _parse(url)
    except ValueError as error:
        raise Address(f"it cannot be read; wanted: {WANTED}") from error
    if any(name not in _ALLOWED and not name.startswith("ssl_") for name in options):
        allowed = ", ".join(sorted(_ALLOWED - {"connection_class"}))
        raise Address(f"of options only {allowed} and those of TLS (ssl_...) are taken")
    return {
        **options,
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": ANSWER_SECONDS,
        "protocol": 2,
    }


def _where(url: str, options: dict[str, Any]) -> str:
    """The address without the user and the password."""
    scheme, database = url.partition("://")[0], options.get("db", 0)
    if scheme == "unix":
        return f"unix://{options.get('path', '')}?db={database}"
    return f"{scheme}://{options.get('host', 'localhost')}:{options.get('port', 6379)}/{database}"
