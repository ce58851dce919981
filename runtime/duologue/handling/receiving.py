"""The called end of an upload on one connection: bytes go into the held upload, words about it go back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..drivers.port import wake
from ..errors import Aborted, CallError, Ran
from ..session.decisions import IncomingCall, UploadBroken, UploadPiece
from .answers import Claim
from .uploads import HeldUpload, HeldUploads, Upload

if TYPE_CHECKING:
    from ..connection.connection import Connection


class Receiving:
    """An upload as it comes with one call; when the connection is lost, the next attempt goes on with it.

    Args:
        keep: Whether it is held for a next attempt.

    Attributes:
        passed: Whether its handler may have started: this call's, or an earlier one's under the same key.
    """

    __slots__ = ("_call", "_connection", "_failure", "_held", "_keep", "_pieces", "_uploads", "_waiting", "passed")

    def __init__(self, connection: Connection, uploads: HeldUploads, call: IncomingCall, *, keep: bool) -> None:
        self.passed = False
        self._connection = connection
        self._uploads = uploads
        self._call = call
        self._keep = keep
        self._held: HeldUpload | None = None
        self._pieces: list[memoryview] = []
        self._failure: CallError | None = None
        self._waiting = connection.executor.future()

    async def receive(self, claim: Claim) -> None:
        """Ask for the bytes that are missing, and wait until they are there.

        Raises:
            CallError: They will not come, or are not what was declared; the handler did not start.
        """
        connection, call = self._connection, self._call
        assert call.upload is not None, "a call without an upload was refused"
        if self._failure is None:
            self._held = held = self._uploads.take(claim, call.upload, self)
            if not held.complete:
                connection.session.transfers.ack(call, held.received, connection.limits.bulk_window)
                connection.outlet.touch()
                await self._waiting
        if self._failure is not None:
            raise self._failure

    def take(self, decision: UploadPiece | UploadBroken) -> bool:
        """A piece came, or none will; whether `write` is to be called at the end of this pass."""
        if self.passed or self._failure is not None:
            return False
        if isinstance(decision, UploadPiece) and not decision.end:
            self._pieces.append(decision.data)
            return len(self._pieces) == 1
        self.write(decision)
        return False

    def write(self, end: UploadPiece | UploadBroken | None = None) -> None:
        """Hold what came in one read: a file that is opened for each piece costs a third more.

        Args:
            end: What came behind it: the last of it, or that no more will come.
        """
        try:
            self._write()
            if end is not None:
                self._end(end)
        except CallError as error:
            self.fail(error)
            self.drop()

    def _write(self) -> None:
        pieces, self._pieces = self._pieces, []
        if pieces:
            assert self._held is not None, "nothing comes before it was asked for"
            self._held.write(pieces)
            self._connection.session.transfers.hold(self._call, sum(map(len, pieces)))

    def _end(self, decision: UploadPiece | UploadBroken) -> None:
        if isinstance(decision, UploadBroken):
            raise Aborted(f"the upload was broken off: {decision.reason}", ran=Ran.NO)
        assert self._held is not None, "nothing comes before it was asked for"
        self._held.finish()
        wake(self._waiting)

    def fail(self, error: CallError) -> None:
        """It will not be complete, as far as this call is concerned."""
        self._failure = error
        wake(self._waiting)

    def start(self) -> None:
        """The handler is about to start."""
        if self._held is not None:
            self._held.started = True

    def opened(self) -> Upload:
        """What the handler is given.

        Raises:
            Aborted: There was an answer under this key, so nothing was received; now it is too old.
        """
        if self._held is None:
            raise Aborted("the answer under this key was forgotten just now", ran=Ran.NO)
        return self._held.opened()

    def release(self) -> None:
        """The call is over: what no handler was given is held for the next attempt, if there may be one."""
        held = self._held
        if held is None or held.started or held.holder is not self:
            return
        if self._keep and self._connection.closed is not None:
            self._uploads.abandon(held)
        else:
            self.drop()

    def drop(self) -> None:
        """It is done with: the handler has ended, or it is not wanted any more."""
        if self._held is not None:
            self._uploads.drop(self._held)
            self._held = None
