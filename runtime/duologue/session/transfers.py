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
from .flow import Outflow


class Transfers:
    """The streams that are open: a client's have odd numbers, a server's even ones."""

    def __init__(self, *, client: bool) -> None:
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
    def piece(self, call: Expiring, kind: PieceKind, data: bytes | memoryview = b"") -> bytes:
        """The next piece of an upload or a download that was granted."""
        flow = call.outflow
        assert call.stream is not None, "who sends bytes has a stream"
        assert flow is not None, "and was told to begin"
        message = encode_piece(kind, call.stream, flow.sent, data)
        if kind is PieceKind.DATA:
            flow.sent += len(data)
        return message

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
