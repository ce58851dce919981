"""Uploads and downloads of one session: which stream belongs to which call, and whose turn it is."""

from __future__ import annotations

from ..errors import DataLoss, Ran
from ..wire import Ack, Piece, PieceKind, encode_piece
from .decisions import (
    Decision,
    DownloadEnd,
    Expiring,
    Granted,
    IncomingCall,
    Item,
    OutgoingCall,
    Settle,
    UploadBroken,
    UploadPiece,
)
from .flow import Inflow, Outflow
from .outbox import Outbox


class Transfers:
    """The streams that are open: a client's have odd numbers, a server's even ones.

    What is to be sent for a call that has ended meanwhile is dropped.

    Args:
        incoming: The peer's calls that are under way, by id; `outgoing` ours.
    """

    __slots__ = ("_calls", "_incoming", "_last", "_outbox", "_outgoing")

    def __init__(
        self, incoming: dict[str, IncomingCall], outgoing: dict[str, OutgoingCall], outbox: Outbox, *, client: bool
    ) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._outbox = outbox
        self._last = -1 if client else 0
        self._calls: dict[int, Expiring] = {}

    def number(self) -> int:
        """A stream for a call of ours."""
        self._last += 2
        return self._last

    def may_open(self, stream: int) -> bool:
        """Whether the peer may use this number now."""
        return stream not in self._calls and stream % 2 != self._last % 2

    def open(self, call: Expiring) -> None:
        """Expect pieces for a call that has a stream."""
        assert call.stream is not None, "whoever has none is not opened"
        self._calls[call.stream] = call

    def close(self, call: Expiring) -> None:
        """Pieces that still come are late, and ignored; the stream may be another call's by now."""
        if call.stream is not None and self._calls.get(call.stream) is call:
            del self._calls[call.stream]

    def clear(self) -> None:
        """The connection is gone."""
        self._calls.clear()

    # ------------------------------------------------------------------------------------------------------- to send
    def upload(self, call: OutgoingCall, data: bytes | memoryview) -> None:
        """Send the next bytes of an upload, which the caller has seen to be granted; none of them ends it."""
        if self._outgoing.get(call.id) is call and not call.abandoned:
            call.complete = not data
            self._send(call, PieceKind.DATA if data else PieceKind.END, data)

    def stop_upload(self, call: OutgoingCall) -> None:
        """Say that the rest of an upload cannot be had."""
        if self._outgoing.get(call.id) is call and call.outflow is not None:
            self._send(call, PieceKind.ABORT)

    def download(self, call: IncomingCall, data: bytes | memoryview) -> None:
        """Send the next bytes of a download; the handler has waited for credit."""
        if self._incoming.get(call.id) is call:
            self._send(call, PieceKind.DATA, data)

    def end_download(self, call: IncomingCall, sha256: bytes) -> None:
        """Say that all was sent, and its digest."""
        if self._incoming.get(call.id) is call:
            self._send(call, PieceKind.END, sha256)

    def ack(self, call: IncomingCall, offset: int, window: int) -> None:
        """Let the caller upload: so much is held, and so much more may come. The first time tells where to begin."""
        if self._incoming.get(call.id) is not call:
            return
        if call.inflow is None:
            call.inflow = Inflow(window, offset)
        self._outbox.send(self._outbox.codec.ack(call.id, Ack(offset, window)))

    def hold(self, call: IncomingCall, amount: int) -> None:
        """So many more bytes of an upload are held: say so when it is time."""
        flow = call.inflow
        if flow is not None and flow.advance(amount):
            self.ack(call, flow.read, flow.window)

    def _send(self, call: Expiring, kind: PieceKind, data: bytes | memoryview = b"") -> None:
        flow = call.outflow
        assert call.stream is not None, "who sends bytes has a stream"
        assert flow is not None, "and was told to begin"
        self._outbox.send_binary(encode_piece(kind, call.stream, flow.sent, data))
        if kind is PieceKind.DATA:
            flow.sent += len(data)

    # ----------------------------------------------------------------------------------------------------- to receive
    def receive_ack(self, call: OutgoingCall, ack: Ack) -> Decision | None:
        """The peer holds so much of an upload. Raises `ValueError` when that cannot be."""
        first = call.outflow is None
        flow = call.outflow or Outflow(ack.offset, ack.offset)
        if call.upload is None or ack.offset > (call.upload.size if first else flow.sent):
            raise ValueError(f"an ack of {ack.offset} bytes for call {call.id}")
        call.outflow = flow
        more = flow.raise_to(min(ack.offset + ack.window, call.upload.size))
        return Granted(call) if first or more else None

    def receive(self, piece: Piece) -> Decision | None:
        """A piece came; None when nobody waits for it."""
        call = self._calls.get(piece.stream)
        if isinstance(call, IncomingCall):
            return self._receive_upload(call, piece)
        if call is not None and not call.abandoned:
            return self._receive_download(call, piece)
        return None

    def _receive_upload(self, call: IncomingCall, piece: Piece) -> Decision:
        flow, end, amount = call.inflow, piece.kind is PieceKind.END, len(piece.data)
        size = call.upload.size if call.upload is not None else 0
        if piece.kind is PieceKind.ABORT:
            reason = "its sender stopped"
        elif flow is None or piece.offset != flow.received or (end and amount) or not flow.take(amount):
            reason = f"{amount} bytes at {piece.offset} are out of turn"
        elif flow.received > size:
            reason = f"{flow.received} bytes came, and {size} were declared"
        else:
            if end:
                self.close(call)
            return UploadPiece(call, piece.data, end)
        self.close(call)
        return UploadBroken(call, reason)

    def _receive_download(self, call: OutgoingCall, piece: Piece) -> Decision | None:
        flow, end = call.inflow, piece.kind is PieceKind.END
        if piece.kind is PieceKind.ABORT:  # the response says why
            self.close(call)
            return None
        if flow is None or piece.offset != flow.received or not flow.take(0 if end else len(piece.data)):
            reason = f"{len(piece.data)} bytes at {piece.offset} are out of turn"
            return Settle(call, DataLoss(reason, ran=Ran.UNKNOWN))
        if end:
            self.close(call)
            return DownloadEnd(call, bytes(piece.data))
        return Item(call, piece.data)
