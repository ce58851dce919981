"""The calling end of an upload: one attempt after the other, each from where the called end says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import anyio.lowlevel

from ..descriptors import UploadAction
from ..errors import Aborted, CallError, Ran
from ..models import Params
from ..session.decisions import OutgoingCall
from ..session.flow import Pace
from ..session.outcomes import result_of
from .attempts import Attempts
from .bodies import Source
from .calls import Arrivals

if TYPE_CHECKING:
    from ..connection.connection import Connection

R = TypeVar("R")


async def upload(attempts: Attempts, action: UploadAction[Any, R], params: Params, source: Source) -> R:
    """Place the call and send the bytes that the called end asks for, until it answers.

    Raises:
        CallError: As for any call. Until all was sent the handler cannot have started.
    """
    while True:
        connection = await attempts.connect()
        arrivals = Arrivals()
        try:
            call = await connection.calls.begin(
                action,
                params,
                arrivals,
                attempts.time_left(),
                attempts.options,
                upload=source.form,
                shared=attempts.shares_key,
            )
            await _send(connection, call, arrivals, source)
            assert arrivals.outcome is not None, "it is sent until there is one"
            return result_of(action, arrivals.outcome)
        except CallError as error:
            attempts.failed(error, connection)


async def _send(connection: Connection, call: OutgoingCall, arrivals: Arrivals, source: Source) -> None:
    """Send what is granted, a piece at a time, whenever little else waits to leave."""
    pace = Pace(connection.executor.now())
    try:
        while not arrivals.done():
            flow = call.outflow
            if flow is None or call.complete or not connection.outlet.link.is_clear:
                await _wait(connection, arrivals)
            elif flow.sent == source.form.size:
                connection.session.transfers.upload(call, b"")
                connection.outlet.flush()
            elif flow.room:
                most = min(flow.room, connection.session.piece_size)
                amount = pace.next(connection.executor.now(), most)
                connection.session.transfers.upload(call, _read(connection, call, source, flow.sent, amount))
                connection.outlet.flush()
                await anyio.lowlevel.checkpoint()  # calls go first
            else:
                await _wait(connection, arrivals)
    except BaseException:  # the caller was cancelled, or has nothing more to send
        connection.calls.abandon(call)
        raise


async def _wait(connection: Connection, arrivals: Arrivals) -> None:
    """Wait for a grant, for the outcome or, where that is what is missing, for room."""
    waiting = arrivals.waiting = connection.executor.future()
    if not connection.outlet.link.is_clear:
        connection.outlet.waiters[waiting] = None
    try:
        await waiting
    finally:
        connection.outlet.waiters.pop(waiting, None)


def _read(connection: Connection, call: OutgoingCall, source: Source, offset: int, amount: int) -> bytes | memoryview:
    try:
        return source.read(offset, amount)
    except OSError as error:
        connection.session.transfers.stop_upload(call)
        raise Aborted(f"the body cannot be read: {error}", ran=Ran.NO) from error
