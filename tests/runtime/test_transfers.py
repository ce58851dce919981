"""Uploads and downloads in the session: every message about them in every state, in both roles and directions."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import pytest

from duologue.errors import CallError, DataLoss, DeadlineExceeded, NotSent, OutcomeUnknown, Ran, Unavailable
from duologue.limits import Limits
from duologue.session.decisions import (
    Decision,
    DownloadEnd,
    Dropped,
    Fail,
    Granted,
    IncomingCall,
    Item,
    OutgoingCall,
    Settle,
    Start,
    Stop,
    UploadBroken,
    UploadPiece,
)
from duologue.session.session import Session
from duologue.session.states import Role
from duologue.wire import (
    Goaway,
    Hello,
    HelloLimits,
    NativeCodec,
    Piece,
    PieceKind,
    UploadForm,
    decode_piece,
    encode_piece,
)

ROLES = list(Role)
HELLO = Hello("files", "1.0.0", 1, "us", 1)
SHA = "ab" * 32
DIGEST = bytes.fromhex(SHA)
D = TypeVar("D")


def text(**members: Any) -> bytes:
    return json.dumps(members).encode()


def opened(role: Role = Role.SERVER, *, extensions: bool = True, frame: int | None = 1 << 20) -> Session:
    """A session whose peer has told that it takes messages of so many bytes, or has not told anything yet."""
    session = Session(role, NativeCodec(), Limits(), HELLO)
    session.open(extensions=extensions)
    if extensions and frame is not None:
        theirs = Hello("files", "1.0.3", 1, "them", 7, HelloLimits(frame=frame))
        assert session.receive(NativeCodec().hello(theirs), 0.0) == []
    session.outbox.take()
    return session


def said(session: Session) -> list[dict[str, Any]]:
    return [json.loads(message) for message, binary in session.outbox.take() if not binary]


def pieces(session: Session) -> list[Piece]:
    sent = session.outbox.take()
    assert all(binary for _, binary in sent), sent
    return [decode_piece(message) for message, _ in sent]


def only(decisions: list[Decision], kind: type[D]) -> D:
    assert len(decisions) == 1, decisions
    assert isinstance(decisions[0], kind), decisions
    return decisions[0]


def numbers(role: Role) -> tuple[int, int]:
    """Streams that the peer of this end may open."""
    return (2, 4) if role is Role.CLIENT else (1, 3)


# ---------------------------------------------------------------------------------------------------------- numbering
@pytest.mark.parametrize(("role", "expected"), [(Role.CLIENT, [1, 3, 5]), (Role.SERVER, [2, 4, 6])])
def test_each_transfer_has_a_stream_of_its_own(role: Role, expected: list[int]) -> None:
    session = opened(role)
    uploading(session)
    session.request("echo", b"{}", None, now=0.0, timeout=None)
    downloading(session)
    uploading(session)
    assert [request["stream"] for request in said(session) if "stream" in request] == expected


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("what", ["taken", "not yours"])
def test_a_stream_that_is_taken_or_not_the_callers_is_refused_unrun(role: Role, what: str) -> None:
    session = opened(role)
    first, second = numbers(role)
    receiving(session, "a", stream=first)
    stream = first if what == "taken" else second + 1
    assert session.receive(text(id="b", action="put", stream=stream, key="k", upload=form(3)), 0.0) == []
    [refusal] = said(session)
    assert (refusal["id"], refusal["error"]["status"], refusal["error"]["ran"]) == ("b", "invalid_argument", False)
    assert list(session.incoming) == ["a"]


def test_a_stream_that_is_used_again_after_its_end_belongs_to_the_new_call() -> None:
    session = opened()
    first = receiving(session, "a", size=0)
    session.transfers.ack(first, 0, 10)
    only(piece(session, PieceKind.END, 0), UploadPiece)
    second = receiving(session, "b", size=3)
    session.transfers.ack(second, 0, 10)
    session.answering.succeed(first, b"1")
    assert only(piece(session, PieceKind.DATA, 0, b"abc"), UploadPiece).call is second


# ------------------------------------------------------------------------------------------------------- our uploads
def uploading(session: Session, size: int = 300_000, timeout: float | None = None, **more: Any) -> OutgoingCall:
    form = UploadForm(size, SHA)
    return session.request("put", b"{}", "owner", now=0.0, timeout=timeout, key="k", upload=form, **more)


def acked(session: Session, call: OutgoingCall, offset: int = 0, window: int = 100_000) -> OutgoingCall:
    session.outbox.take()
    only(session.receive(text(id=call.id, ack={"offset": offset, "window": window}), 0.0), Granted)
    return call


@pytest.mark.parametrize("role", ROLES)
def test_an_upload_is_announced_with_its_size_and_digest(role: Role) -> None:
    session = opened(role)
    uploading(session, 5, 1.0)
    [request] = said(session)
    stream = 1 if role is Role.CLIENT else 2
    assert request == {
        "id": "1",
        "action": "put",
        "params": {},
        "deadline": 1000,
        "key": "k",
        "stream": stream,
        "upload": {"size": 5, "sha256": SHA},
    }


@pytest.mark.parametrize("what", ["upload", "download"])
def test_a_plain_peer_is_asked_for_no_transfer(what: str) -> None:
    session = opened(extensions=False)
    with pytest.raises(NotSent, match=r"put: the other end does not speak duologue\.v1") as caught:
        uploading(session) if what == "upload" else session.request(
            "put", b"{}", None, now=0.0, timeout=None, download=True
        )
    assert caught.value.ran is Ran.NO
    assert (session.outbox.take(), session.outgoing) == ([], {})


def test_an_ack_grants_bytes_up_to_the_size() -> None:
    session = opened()
    call = acked(session, uploading(session, 150), 20, 100)
    assert call.outflow is not None
    assert (call.outflow.sent, call.outflow.room) == (20, 100)
    session.transfers.upload(call, b"x" * 100)
    only(session.receive(text(id="1", ack={"offset": 90, "window": 100}), 0.0), Granted)
    assert (call.outflow.sent, call.outflow.room) == (120, 30)


@pytest.mark.parametrize("offset", [0, 10])
def test_the_first_ack_is_heard_even_where_it_grants_nothing(offset: int) -> None:
    session = opened()
    call = acked(session, uploading(session, 10), offset, 0)
    assert call.outflow is not None
    assert (call.outflow.sent, call.outflow.room) == (offset, 0)


def test_an_ack_that_grants_nothing_new_wakes_nobody() -> None:
    session = opened()
    call = acked(session, uploading(session), 0, 100)
    session.transfers.upload(call, b"x" * 100)
    for offset, window in ((0, 100), (50, 50), (0, 10)):
        assert session.receive(text(id="1", ack={"offset": offset, "window": window}), 0.0) == []
    assert call.outflow is not None
    assert call.outflow.room == 0


@pytest.mark.parametrize("case", ["beyond the size", "beyond what was sent", "no upload"])
def test_an_ack_that_cannot_be_breaks_the_protocol(case: str) -> None:
    session = opened()
    if case == "no upload":
        session.request("echo", b"{}", None, now=0.0, timeout=None)
        offset = 0
    elif case == "beyond the size":
        uploading(session, 10)
        offset = 11
    else:
        acked(session, uploading(session, 1000), 10, 100)
        offset = 11
    failure = only(session.receive(text(id="1", ack={"offset": offset, "window": 10}), 0.0), Fail)
    assert (failure.code, failure.reason) == (4400, f"an ack of {offset} bytes for call 1")


def test_an_ack_for_nobody_is_ignored() -> None:
    session = opened()
    call = uploading(session)
    session.outbox.take()
    session.abandon(call)
    session.outbox.take()
    for id in ("1", "2", None):
        assert session.receive(text(id=id, ack={"offset": 0, "window": 10}), 0.0) == []
    assert session.outbox.take() == []


@pytest.mark.parametrize("role", ROLES)
def test_an_upload_is_sent_piece_by_piece_and_ended(role: Role) -> None:
    session = opened(role)
    call = acked(session, uploading(session, 5), 1)
    completed: list[bool] = []
    for data in (b"bcd", memoryview(b"e"), b""):
        session.transfers.upload(call, data)
        completed.append(call.complete)
    assert completed == [False, False, True]
    first, second, end = pieces(session)
    assert (first.stream, second.stream, end.stream) == (call.stream,) * 3
    assert (first.kind, first.offset, bytes(first.data)) == (PieceKind.DATA, 1, b"bcd")
    assert (second.kind, second.offset, bytes(second.data)) == (PieceKind.DATA, 4, b"e")
    assert (end.kind, end.offset, bytes(end.data)) == (PieceKind.END, 5, b"")


def test_an_upload_that_cannot_go_on_says_so() -> None:
    session = opened()
    call = acked(session, uploading(session))
    session.transfers.upload(call, b"abc")
    session.transfers.stop_upload(call)
    assert [(piece.kind, piece.offset) for piece in pieces(session)] == [(PieceKind.DATA, 0), (PieceKind.ABORT, 3)]


def test_a_call_that_is_over_sends_nothing_more() -> None:
    session = opened()
    call = acked(session, uploading(session))
    session.abandon(call)
    assert said(session) == [{"cancel": "1"}]
    session.transfers.upload(call, b"abc")
    session.receive(text(id="1", data=1), 0.0)
    session.transfers.upload(call, b"abc")
    session.transfers.stop_upload(call)
    asked = uploading(session)
    session.outbox.take()
    session.transfers.stop_upload(asked)
    assert session.outbox.take() == [], "nothing to stop was begun"


@pytest.mark.parametrize(
    ("frame", "size"), [(None, 64 * 1024 - 14), (1 << 20, 64 * 1024), (2000, 1986), (15, 1), (3, 1)]
)
def test_no_piece_is_larger_than_the_peer_takes(frame: int | None, size: int) -> None:
    assert opened(frame=frame).piece_size == size


PHASES = {
    # how far the upload is: what its caller is told of the handler, where the key is its own and where it is not
    "unsent": (Ran.NO, Ran.NO),
    "not asked for": (Ran.NO, Ran.UNKNOWN),
    "asked for": (Ran.NO, Ran.NO),
    "half": (Ran.NO, Ran.NO),
    "all but the end": (Ran.NO, Ran.NO),
    "ended": (Ran.UNKNOWN, Ran.UNKNOWN),
}


def in_phase(session: Session, phase: str, *, shared: bool) -> OutgoingCall:
    call = uploading(session, 6, 5.0, shared=shared)
    if phase == "unsent":
        return call
    session.outbox.take()
    if phase == "not asked for":
        return call
    acked(session, call)
    for data in {"asked for": (), "half": (b"abc",), "ended": (b"abcdef", b"")}.get(phase, (b"abcdef",)):
        session.transfers.upload(call, data)
    return call


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("phase", list(PHASES))
def test_until_all_was_sent_nothing_can_have_run(phase: str, shared: bool, role: Role) -> None:
    ran = PHASES[phase][shared]
    session = opened(role)
    call = in_phase(session, phase, shared=shared)
    late = only(session.tick(5.0), Settle)
    assert late.call is call
    assert isinstance(late.outcome, DeadlineExceeded)
    assert late.outcome.ran is ran

    session = opened(role)
    in_phase(session, phase, shared=shared)
    lost = only(session.lose(), Settle).outcome
    assert isinstance(lost, CallError)
    assert lost.ran is ran
    kind = {Ran.UNKNOWN: OutcomeUnknown, Ran.NO: NotSent if phase == "unsent" else Unavailable}[ran]
    assert type(lost) is kind


# ------------------------------------------------------------------------------------------------- the peer's uploads
def form(size: int) -> dict[str, Any]:
    return {"size": size, "sha256": SHA}


def receiving(session: Session, id: str = "a", size: int = 300_000, stream: int | None = None) -> IncomingCall:
    stream = stream or numbers(session.role)[0]
    request = text(id=id, action="put", stream=stream, key="k", upload=form(size))
    return only(session.receive(request, 0.0), Start).call


def piece(session: Session, kind: PieceKind, offset: int, data: bytes = b"", stream: int = 1) -> list[Decision]:
    return session.receive_binary(encode_piece(kind, stream, offset, data))


@pytest.mark.parametrize("role", ROLES)
def test_an_upload_is_received_piece_by_piece_from_where_it_was_asked_for(role: Role) -> None:
    session = opened(role)
    stream = numbers(role)[0]
    call = receiving(session, "a", 10)
    assert (call.stream, call.upload) == (stream, UploadForm(10, SHA))
    session.transfers.ack(call, 4, 100)
    assert said(session) == [{"id": "a", "ack": {"offset": 4, "window": 100}}]
    for offset, data in ((4, b"efg"), (7, b""), (7, b"hij")):
        came = only(piece(session, PieceKind.DATA, offset, data, stream), UploadPiece)
        assert (came.call, bytes(came.data), came.end) == (call, data, False)
    end = only(piece(session, PieceKind.END, 10, b"", stream), UploadPiece)
    assert (end.call, bytes(end.data), end.end) == (call, b"", True)


def test_what_is_held_is_told_half_a_window_at_a_time() -> None:
    session = opened()
    call = receiving(session)
    session.transfers.ack(call, 0, 100)
    session.outbox.take()
    only(piece(session, PieceKind.DATA, 0, b"x" * 100), UploadPiece)
    session.transfers.hold(call, 49)
    assert session.outbox.take() == []
    session.transfers.hold(call, 1)
    assert said(session) == [{"id": "a", "ack": {"offset": 50, "window": 100}}]
    only(piece(session, PieceKind.DATA, 100, b"x" * 50), UploadPiece)
    only(piece(session, PieceKind.DATA, 150, b"x"), UploadBroken)


BROKEN: dict[str, tuple[PieceKind, int, bytes, str]] = {
    "a wrong offset": (PieceKind.DATA, 9, b"x", "1 bytes at 9 are out of turn"),
    "an offset again": (PieceKind.DATA, 0, b"x", "1 bytes at 0 are out of turn"),
    "beyond the grant": (PieceKind.DATA, 10, b"x" * 91, "91 bytes at 10 are out of turn"),
    "beyond the size": (PieceKind.DATA, 10, b"x" * 11, "21 bytes came, and 20 were declared"),
    "a wrong end": (PieceKind.END, 9, b"", "0 bytes at 9 are out of turn"),
    "bytes at the end": (PieceKind.END, 10, b"x", "1 bytes at 10 are out of turn"),
    "a stop": (PieceKind.ABORT, 10, b"", "its sender stopped"),
    "a stop at a wrong offset": (PieceKind.ABORT, 999, b"why", "its sender stopped"),
}


@pytest.mark.parametrize("case", list(BROKEN))
def test_a_piece_out_of_turn_ends_the_upload_and_not_the_connection(case: str) -> None:
    kind, offset, data, reason = BROKEN[case]
    session = opened()
    call = receiving(session, size=20)
    session.transfers.ack(call, 0, 100)
    only(piece(session, PieceKind.DATA, 0, b"x" * 10), UploadPiece)
    broken = only(piece(session, kind, offset, data), UploadBroken)
    assert (broken.call, broken.reason) == (call, reason)
    for late in PieceKind:
        assert piece(session, late, 10, b"x") == [], "once is enough"
    assert list(session.incoming) == ["a"], "its response is still owed"


@pytest.mark.parametrize("kind", list(PieceKind))
def test_a_piece_that_was_not_asked_for_ends_the_upload(kind: PieceKind) -> None:
    session = opened()
    call = receiving(session, size=20)
    assert only(piece(session, kind, 0), UploadBroken).call is call


def test_a_call_without_an_upload_takes_no_piece() -> None:
    session = opened()
    call = only(session.receive(text(id="a", action="get", stream=1, credit=5), 0.0), Start).call
    assert only(piece(session, PieceKind.DATA, 0), UploadBroken).call is call
    session.transfers.download(call, b"x")
    assert pieces(session)[0].stream == 1, "the other way is open all the same"


def test_pieces_after_the_end_and_of_unknown_streams_are_ignored() -> None:
    session = opened()
    call = receiving(session, size=0)
    session.transfers.ack(call, 0, 100)
    only(piece(session, PieceKind.END, 0), UploadPiece)
    for kind in PieceKind:
        assert piece(session, kind, 0, b"x") == []
        assert piece(session, kind, 0, b"x", stream=77) == []
    session.answering.succeed(call, b"1")
    assert piece(session, PieceKind.DATA, 0, b"x") == []


@pytest.mark.parametrize("end", ["answered", "lost"])
def test_a_call_that_is_over_asks_for_nothing(end: str) -> None:
    session = opened()
    call = receiving(session)
    session.transfers.ack(call, 0, 100)
    if end == "answered":
        session.answering.succeed(call, b"1")
    else:
        session.lose()
    session.outbox.take()
    session.transfers.ack(call, 10, 100)
    session.transfers.hold(call, 99)
    assert session.outbox.take() == []


def test_a_call_that_asked_for_nothing_holds_nothing() -> None:
    session = opened()
    session.transfers.hold(receiving(session), 99)
    assert session.outbox.take() == []


def test_a_lost_connection_stops_an_upload() -> None:
    session = opened()
    call = receiving(session)
    assert only(session.lose(), Stop).call is call


# ------------------------------------------------------------------------------------------------------ our downloads
def downloading(session: Session, window: int = 100) -> OutgoingCall:
    return session.request("get", b"{}", "owner", now=0.0, timeout=5.0, window=window, download=True)


@pytest.mark.parametrize("role", ROLES)
def test_a_download_is_asked_for_with_a_stream_and_credit(role: Role) -> None:
    session = opened(role)
    call = downloading(session)
    [request] = said(session)
    assert (request["stream"], request["credit"], "upload" in request) == (call.stream, 100, False)


@pytest.mark.parametrize("role", ROLES)
def test_a_download_arrives_piece_by_piece_within_its_credit(role: Role) -> None:
    session = opened(role)
    call = downloading(session)
    session.outbox.take()
    stream = call.stream or 0
    for offset, data in ((0, b"ab"), (2, b""), (2, b"x" * 98)):
        item = only(piece(session, PieceKind.DATA, offset, data, stream), Item)
        assert (item.call, bytes(item.raw)) == (call, data)
    session.consume(call, 49)
    assert session.outbox.take() == []
    session.consume(call, 1)
    assert said(session) == [{"id": "1", "credit": 150}]
    only(piece(session, PieceKind.DATA, 100, b"x" * 50, stream), Item)
    end = only(piece(session, PieceKind.END, 150, DIGEST, stream), DownloadEnd)
    assert (end.call, end.sha256) == (call, DIGEST)
    for kind in PieceKind:
        assert piece(session, kind, 150, b"", stream) == [], "what comes after the end is late"
    only(session.receive(text(id="1", data=1), 0.0), Settle)


@pytest.mark.parametrize(
    ("kind", "offset", "data"),
    [
        (PieceKind.DATA, 5, b"x"),
        (PieceKind.DATA, 0, b"x" * 101),
        (PieceKind.END, 1, DIGEST),
    ],
)
def test_a_download_out_of_turn_ends_the_call_and_not_the_connection(kind: PieceKind, offset: int, data: bytes) -> None:
    session = opened(Role.CLIENT)
    call = downloading(session)
    session.outbox.take()
    settled = only(piece(session, kind, offset, data), Settle)
    assert settled.call is call
    assert isinstance(settled.outcome, DataLoss)
    assert (settled.outcome.ran, f"at {offset} are out of turn" in settled.outcome.message) == (Ran.UNKNOWN, True)
    assert (said(session), session.deadlines.next()) == ([{"cancel": "1"}], None)
    assert piece(session, PieceKind.DATA, 0, b"x") == []
    assert session.receive(text(id="1", data=1), 0.0) == [Dropped()]
    assert session.outgoing == {}


def test_an_item_is_no_part_of_a_download() -> None:
    session = opened(Role.CLIENT)
    downloading(session)
    failure = only(session.receive(text(id="1", item="x", n=0), 0.0), Fail)
    assert (failure.code, failure.reason) == (4400, "item 0 of call 1 is out of turn")


def test_bytes_for_an_upload_of_ours_end_it() -> None:
    session = opened(Role.CLIENT)
    acked(session, uploading(session))
    assert isinstance(only(piece(session, PieceKind.DATA, 0, b"x"), Settle).outcome, DataLoss)


def test_a_download_that_its_sender_stops_is_settled_by_the_response() -> None:
    session = opened(Role.CLIENT)
    downloading(session)
    session.outbox.take()
    assert piece(session, PieceKind.ABORT, 0) == []
    assert piece(session, PieceKind.DATA, 0, b"x") == []
    only(session.receive(text(id="1", data=None, error={"code": "x", "status": "aborted"}), 0.0), Settle)


def test_pieces_for_a_caller_who_left_are_ignored() -> None:
    session = opened(Role.CLIENT)
    call = downloading(session)
    session.outbox.take()
    session.abandon(call)
    assert piece(session, PieceKind.DATA, 0, b"x") == []
    assert piece(session, PieceKind.DATA, 77, b"x") == []


# -------------------------------------------------------------------------------------------- downloads from this end
def sending(session: Session, credit: int = 10) -> IncomingCall:
    request = text(id="a", action="get", stream=numbers(session.role)[0], credit=credit)
    return only(session.receive(request, 0.0), Start).call


@pytest.mark.parametrize("role", ROLES)
def test_a_download_is_sent_piece_by_piece_and_ended_with_its_digest(role: Role) -> None:
    session = opened(role)
    call = sending(session)
    assert call.outflow is not None
    session.transfers.download(call, b"abc")
    session.transfers.download(call, memoryview(b"de"))
    assert call.outflow.room == 5
    assert only(session.receive(text(id="a", credit=20), 0.0), Granted).call is call
    assert call.outflow.room == 15
    session.transfers.end_download(call, DIGEST)
    first, second, end = pieces(session)
    assert {first.stream, second.stream, end.stream} == {numbers(role)[0]}
    assert [(p.kind, p.offset, bytes(p.data)) for p in (first, second, end)] == [
        (PieceKind.DATA, 0, b"abc"),
        (PieceKind.DATA, 3, b"de"),
        (PieceKind.END, 5, DIGEST),
    ]


def test_a_download_that_is_over_sends_nothing() -> None:
    session = opened()
    call = sending(session)
    session.answering.succeed(call, b"1")
    session.outbox.take()
    session.transfers.download(call, b"x")
    session.transfers.end_download(call, DIGEST)
    assert session.outbox.take() == []


# ------------------------------------------------------------------------------------------------------ bad messages
def test_a_plain_peer_sends_no_binary_message() -> None:
    failure = only(opened(extensions=False).receive_binary(encode_piece(PieceKind.DATA, 1, 0)), Fail)
    assert (failure.code, failure.reason) == (1003, "no binary message is expected")


@pytest.mark.parametrize("message", [b"", b"x" * 13, b"\x02" + b"\x00" * 13])
def test_what_is_no_piece_breaks_the_protocol(message: bytes) -> None:
    assert only(opened().receive_binary(message), Fail).code == 4400


def test_pieces_come_while_leaving_too() -> None:
    session = opened()
    call = receiving(session, size=3)
    session.transfers.ack(call, 0, 10)
    session.leave(Goaway())
    only(piece(session, PieceKind.DATA, 0, b"abc"), UploadPiece)
