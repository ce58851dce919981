"""Answers that are given a piece at a time, as the caller takes them: items of a stream, bytes of a download."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio.lowlevel

from ..drivers.port import wake
from ..session.decisions import IncomingCall
from ..session.flow import Pace
from .running import Running

if TYPE_CHECKING:
    from ..connection.connection import Connection


async def send_item(connection: Connection, call: IncomingCall, item: bytes) -> bool:
    """Send an item of a stream once its caller takes it; False when the connection is gone."""
    if not await connection.outlet.room() or not await _room_for(connection, call):  # credit last: tasks share it
        return False
    connection.session.answering.send_item(call, item)
    connection.outlet.touch()
    return True


async def send_bytes(connection: Connection, call: IncomingCall, data: memoryview) -> bool:
    """Send bytes of a download as its caller takes them; False when the connection is gone."""
    while data:
        if not await _room_for(connection, call) or not await connection.outlet.clear():
            return False
        assert call.outflow is not None, "a download is only started for a caller that takes bytes"
        now = connection.executor.now()
        running: Running = call.owner
        if running.pace is None:
            running.pace = Pace(now)
        most = min(len(data), call.outflow.room, connection.session.piece_size)
        piece = data[: running.pace.next(now, most)]
        connection.session.transfers.download(call, piece)
        connection.outlet.flush()
        data = data[len(piece) :]
        await anyio.lowlevel.checkpoint()  # calls go first
    return connection.closed is None


def granted(call: IncomingCall) -> None:
    """The caller takes more, or nothing any more."""
    running: Running | None = call.owner
    if running is None:  # what is built in gives nothing a piece at a time
        return
    for waiting in list(running.credit or ()):  # several tasks of the handler may wait
        wake(waiting)


async def _room_for(connection: Connection, call: IncomingCall) -> bool:
    """Wait until the caller takes more; False when the connection is gone."""
    running: Running = call.owner
    flow, credit = call.outflow, running.credit
    if credit is None:
        credit = running.credit = {}
    while connection.closed is None and (flow is None or flow.room <= 0):
        waiting = connection.executor.future()
        credit[waiting] = None
        try:
            await waiting
        finally:
            credit.pop(waiting, None)
    return connection.closed is None
