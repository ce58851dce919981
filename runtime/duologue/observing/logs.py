"""What happens to connections and calls, written to the log."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from typing_extensions import override

from ..errors import ConnectFailed, ConnectionClosed
from .lines import Line
from .observer import ObservedCall, Observer, Outcome

if TYPE_CHECKING:
    from ..connection.connection import Connection

_LOGGERS: Final[Mapping[str, logging.Logger]] = {
    role: logging.getLogger(f"duologue.{role}") for role in ("server", "client")
}


class LogObserver(Observer):
    """Writes a line for each connection and each call to the loggers `duologue.server` and `duologue.client`.

    Connections, and calls that failed, are `INFO`; what was refused is a `WARNING`; calls that succeed are `DEBUG`.
    Params, results, `meta` and tokens are in none of them.
    """

    @override
    def connection_opened(self, connection: Connection) -> None:
        _log(connection, logging.INFO, "connection opened", peer=connection.peer_address, who=connection.identity.name)

    @override
    def connection_closed(self, connection: Connection, closed: ConnectionClosed) -> None:
        _log(connection, logging.INFO, "connection closed", code=int(closed.close_code), reason=closed.reason or None)

    @override
    def refused(self, limit: str, peer: str, connection: Connection | None) -> None:
        if connection is None:
            _LOGGERS["server"].warning("%s", Line("refused", limit=limit, peer=peer))
        else:
            _log(connection, logging.WARNING, "refused", limit=limit, peer=peer)

    @override
    def call_ended(self, call: ObservedCall, outcome: Outcome) -> None:
        _log(
            call.connection,
            logging.DEBUG if outcome.status is None else logging.INFO,
            "call ended",
            call=call.id,
            direction=call.direction,
            action=call.action,
            status=outcome.status or "ok",
            code=outcome.code if outcome.code != outcome.status else None,
            seconds=outcome.duration,
            incident=outcome.incident,
        )

    @override
    def reset(self, events: Sequence[str], reason: str) -> None:
        _LOGGERS["client"].warning("%s", Line("events reset", events=",".join(events), reason=reason))

    @override
    def reconnecting(self, error: ConnectionClosed | ConnectFailed, delay: float) -> None:
        _LOGGERS["client"].info("%s", Line("reconnecting", seconds=delay, reason=str(error)))


def _log(connection: Connection, level: int, what: str, **fields: object) -> None:
    logger = _LOGGERS[connection.session.role]
    if logger.isEnabledFor(level):
        logger.log(level, "%s", Line(what, connection=connection.id, **fields))
