"""The called end of an upload on one connection: bytes go into the held upload, words about it go back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .decisions import IncomingCall, UploadBroken, UploadPiece
from .drivers.port import wake
from .errors import Aborted, CallError, Ran
from .keyed import Claim
from .uploads import HeldUpload, HeldUploads, Upload

if TYPE_CHECKING:
    from .connection import Connection


class Receiving:
    """An upload as it comes with one call; when the connection is lost, the next attempt goes on with it.

    Args:
        keep: Whether it is held for a next attempt.
    """

    __slots__ = ("_call", "_claim", "_connection", "_failure", "_held", "_keep", "_uploads", "_waiting", "begun")

    def __init__(
        self, connection: Connection, uploads: HeldUploads, call: IncomingCall, claim: Claim, *, keep: bool
    ) -> None:
        self.begun = False
        self._connection = connection
        self._uploads = uploads
        self._call = call
        self._claim = claim
        self._keep = keep
        self._held: HeldUpload | None = None
        self._failure: CallError | None = None
        self._waiting = connection.executor.future()

    async def receive(self) -> None:
        """Ask for the bytes that are missing, and wait until they are there.

        Raises:
            CallError: They will not come, or are not what was declared; the handler did not start.
        """
        connection, call, claim = self._connection, self._call, self._claim
        assert call.upload is not None, "a call without an upload was refused"
        held = self._uploads.take(claim.identity, claim.key, claim.mark, call.upload, self)
        self._held = held
        if not held.complete:
            connection.session.ack(call, held.received, connection.limits.bulk_window)
            connection.touch()
            await self._waiting
        if self._failure is not None:
            raise self._failure

    def take(self, decision: UploadPiece | UploadBroken) -> None:
        """A piece came, or none will."""
        held = self._held
        if held is None or held.holder is not self or self._failure is not None:
            return
        try:
            if isinstance(decision, UploadBroken):
                raise Aborted(f"the upload was broken off: {decision.reason}", ran=Ran.NO)
            held.write(decision.data)
            if decision.end:
                held.finish()
                wake(self._waiting)
            else:
                self._connection.session.hold(self._call, len(decision.data))
        except CallError as error:
            self.fail(error)

    def fail(self, error: CallError) -> None:
        """It will not be complete, as far as this call is concerned."""
        self._failure = error
        wake(self._waiting)

    def begin(self) -> Upload:
        """The handler starts, and is given it."""
        assert self._held is not None, "it was received"
        self.begun = True
        return self._held.opened()

    def finish(self) -> None:
        """The handler has ended."""
        if self._held is not None:
            self._uploads.drop(self._claim.identity, self._claim.key, self._held)

    def release(self) -> None:
        """The call is over: what no handler was given is held for the next attempt, if there may be one."""
        held = self._held
        if held is None or self.begun or held.holder is not self:
            return
        held.holder = None
        if self._keep and self._connection.closed is not None:
            executor = self._connection.executor
            executor.call_at(executor.now() + self._uploads.keep, self._forget)
        else:
            self.finish()

    def _forget(self) -> None:
        if self._held is not None and self._held.holder is None:
            self.finish()
