"""The native profile: JSON text, the three shapes of ADR-008 and their extensions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw
from msgspec.json import Decoder, Encoder

from .depth import MAX_DEPTH, is_too_deep
from .messages import (
    MAX_META,
    Ack,
    BadMessage,
    BadText,
    Capabilities,
    ErrorBody,
    Goaway,
    Hello,
    Loss,
    Message,
    NotCarried,
    Point,
    Reset,
    SubscriptionEnd,
    UploadForm,
)

_decode = Decoder(Message).decode
_encode = Encoder().encode


_REPLAYED: Final = b',"replayed":true}'


class _Outline(msgspec.Struct):
    """Just enough of what is no message to tell whom it concerns."""

    id: Any = None
    action: Any = UNSET
    data: msgspec.Raw | msgspec.UnsetType = UNSET
    error: msgspec.Raw | msgspec.UnsetType = UNSET
    item: msgspec.Raw | msgspec.UnsetType = UNSET


_decode_outline = Decoder(_Outline).decode


def is_large_meta(meta: Mapping[str, str]) -> bool:
    """Whether a request's `meta` is larger than `MAX_META`."""
    if len(meta) > MAX_META:  # before looking at each: there is room for 100,000 in one message
        return True
    return sum(len(name.encode()) + len(value.encode()) for name, value in meta.items()) > MAX_META


def _bad(reason: str, data: bytes) -> BadMessage:
    try:
        outline = _decode_outline(data)
    except (msgspec.DecodeError, RecursionError):
        return BadMessage(reason)
    request = outline.action is not UNSET
    answer = not request and any(part is not UNSET for part in (outline.data, outline.error, outline.item))
    id = outline.id if isinstance(outline.id, str) and 1 <= len(outline.id) <= 64 else None
    return BadMessage(reason, id if request or answer else None, answer=answer)


class NativeCodec:
    """Envelopes are spliced around payloads that are text already; nothing is built in between."""

    is_native = True
    says_cancel = batches = in_order = by_name = answers_unknown = False
    acknowledged: frozenset[str] = frozenset()
    settled_by_ack: frozenset[str] = frozenset()
    id_of = str

    def wire_id(self, id: str) -> str:
        return id

    def parts(self, data: bytes) -> list[bytes] | None:
        raise AssertionError("there are no batches")

    def joined(self, answers: list[bytes]) -> bytes:
        raise AssertionError("there are no batches")

    def first_answer(self, id: str, route: Raw | None) -> bytes:
        raise AssertionError("no action is acknowledged")

    def decode(self, data: bytes) -> Message:
        if not data.isascii():
            try:
                data.decode()
            except UnicodeDecodeError as error:
                raise BadText(str(error)) from None
        if is_too_deep(data):
            raise _bad(f"nested deeper than {MAX_DEPTH}", data)
        try:
            message = _decode(data)
        except msgspec.ValidationError as error:
            raise _bad(str(error), data) from None
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadMessage(f"not JSON: {error}") from None
        meta = message.meta
        if isinstance(meta, dict) and is_large_meta(meta):
            raise _bad(f"meta is larger than {MAX_META} bytes", data)
        return message

    def request(
        self,
        capabilities: Capabilities,
        id: str,
        action: str,
        params: bytes,
        *,
        deadline: int | None = None,
        key: str | None = None,
        meta: Mapping[str, str] | None = None,
        credit: int | None = None,
        stream: int | None = None,
        upload: UploadForm | None = None,
        route: int | str | None = None,
    ) -> bytes:
        if route is not None:
            raise NotCarried("routes")
        start = b'{"id":%b,"action":%b,"params":%b' % (_encode(id), _encode(action), params)
        if not capabilities.extensions:
            return start + b"}"
        if deadline is not None:
            start += b',"deadline":%d' % deadline
        if key is not None:
            start += b',"key":%b' % _encode(key)
        if meta:
            start += b',"meta":%b' % _encode(dict(meta))
        if credit is not None:
            start += b',"credit":%d' % credit
        if stream is not None:
            start += b',"stream":%d' % stream
        if upload is not None:
            start += b',"upload":%b' % _encode(upload)
        return start + b"}"

    def result(
        self,
        id: str,
        data: bytes,
        *,
        replayed: bool = False,
        action: str = "",
        route: Raw | None = None,
        acked: bool = False,
    ) -> bytes:
        end = _REPLAYED if replayed else b"}"
        return b'{"id":%b,"data":%b,"error":null%b' % (_encode(id), data, end)

    def failure(
        self, id: str | None, error: ErrorBody, *, replayed: bool = False, action: str = "", route: Raw | None = None
    ) -> bytes:
        end = _REPLAYED if replayed else b"}"
        return b'{"id":%b,"data":null,"error":%b%b' % (_encode(id), _encode(error), end)

    def event(
        self,
        name: str,
        data: bytes,
        *,
        seq: int | None = None,
        for_: str | None = None,
        route: int | str | None = None,
    ) -> bytes:
        if route is not None:
            raise NotCarried("routes")
        frame = b'{"event":%b,"data":%b' % (_encode(name), data)
        if seq is not None:
            frame += b',"seq":%d' % seq
        if for_ is not None:
            frame += b',"for":%b' % _encode(for_)
        return frame + b"}"

    def item(self, id: str, item: bytes, n: int) -> bytes:
        return b'{"id":%b,"item":%b,"n":%d}' % (_encode(id), item, n)

    def credit(self, id: str, total: int) -> bytes:
        return b'{"id":%b,"credit":%d}' % (_encode(id), total)

    def ack(self, id: str, ack: Ack) -> bytes:
        return b'{"id":%b,"ack":%b}' % (_encode(id), _encode(ack))

    def cancel(self, id: str) -> bytes:
        return b'{"cancel":%b}' % _encode(id)

    def hello(self, hello: Hello) -> bytes:
        return _encode({"hello": hello})

    def goaway(self, goaway: Goaway) -> bytes:
        return _encode({"goaway": goaway})

    def about(self, sub: str, **note: Point | Loss | Reset | SubscriptionEnd) -> bytes:
        return _encode({"sub": sub, **note})
