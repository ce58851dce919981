"""The synchronous client: a portal to the asynchronous one, without any protocol logic."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from typing_extensions import override

from ..calling.bodies import Body
from ..calling.calls import CallOptions
from ..calling.streams import Download, Stream
from ..descriptors import Action, DownloadAction, I, P, R, StreamAction, UploadAction
from ..events.events import EventStream
from ..events.publisher import Position
from ..models import Event
from .client import Client

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal

E = TypeVar("E", bound=Event)


class SyncStream(AbstractContextManager["SyncStream[I, R]"], Generic[I, R]):
    """Results of a streaming call; see `Stream`."""

    def __init__(self, portal: BlockingPortal, stream: Stream[I, R]) -> None:
        self._portal = portal
        self._stream = stream

    @override
    def __enter__(self) -> Self:
        self._portal.call(self._stream.__aenter__)
        return self

    @override
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._portal.call(self._stream.cancel)

    def __iter__(self) -> Iterator[I]:
        return self

    def __next__(self) -> I:
        """The next item. Raises `CallError` where the call fails."""
        try:
            return self._portal.call(self._stream.__anext__)
        except StopAsyncIteration:
            raise StopIteration from None

    def result(self) -> R:
        """Wait for the end and return what the call returned; items not yet read are dropped."""
        return self._portal.call(self._stream.result)


class SyncDownload(AbstractContextManager["SyncDownload[R]"], Generic[R]):
    """Bytes that a call is answered with; see `Download`."""

    def __init__(self, portal: BlockingPortal, download: Download[R]) -> None:
        self._portal = portal
        self._download = download

    @override
    def __enter__(self) -> Self:
        self._portal.call(self._download.__aenter__)
        return self

    @override
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._portal.call(self._download.cancel)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        """The next bytes. Raises `CallError` where the call fails."""
        try:
            return self._portal.call(self._download.__anext__)
        except StopAsyncIteration:
            raise StopIteration from None

    def save(self, path: os.PathLike[str] | str) -> R:
        """Write all the bytes to a file, and return what the call returned."""
        return self._portal.call(self._download.save, path)

    def result(self) -> R:
        """Wait for the end and return what the call returned; bytes not yet read are dropped."""
        return self._portal.call(self._download.result)


class SyncEventStream(AbstractContextManager["SyncEventStream[E]"], Generic[E]):
    """Events in order; see `EventStream`."""

    def __init__(self, portal: BlockingPortal, stream: EventStream[E]) -> None:
        self._portal = portal
        self._stream = stream

    @property
    def position(self) -> Position | None:
        """After the last event that was read."""
        return self._stream.position

    @property
    def lost(self) -> int:
        """Volatile events that were dropped so far."""
        return self._stream.lost

    @override
    def __enter__(self) -> Self:
        self._portal.call(self._stream.start)
        return self

    @override
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._portal.call(self._stream.aclose)

    def __iter__(self) -> Iterator[E]:
        return self

    def __next__(self) -> E:
        """The next event; waits for one. Raises `HistoryLost` at a hole."""
        try:
            return self._portal.call(self._stream.__anext__)
        except StopAsyncIteration:
            raise StopIteration from None


class SyncEvents:
    """Base of the generated events of a synchronous client."""

    def __init__(self, portal: BlockingPortal, client: Client) -> None:
        self._portal = portal
        self._client = client

    def __call__(self, *events: type[E]) -> SyncEventStream[E]:
        """Several events in one stream, in the order in which they come."""
        descriptors = [self._client.hub.descriptor(event) for event in events]
        return SyncEventStream(self._portal, EventStream(self._client, descriptors, {}, None))

    def _open(self, event: type[E], filter: Mapping[str, object], since: Position | None) -> SyncEventStream[E]:
        descriptor = self._client.hub.descriptor(event)
        return SyncEventStream(self._portal, EventStream(self._client, [descriptor], filter, since))


class SyncClient:
    """Base of the generated synchronous clients."""

    def __init__(self, portal: BlockingPortal, client: Client) -> None:
        self._portal = portal
        self._client = client

    def authenticate(self, token: str) -> None:
        """Give the server a new token for the connection that there is; see `Client.authenticate`."""
        self._portal.call(self._client.authenticate, token)

    def _call(self, action: Action[P, R], params: P, timeout: float | None, options: CallOptions | None) -> R:
        return self._portal.call(self._client._call, action, params, timeout, options)

    def _stream(
        self, action: StreamAction[P, I, R], params: P, timeout: float | None, options: CallOptions | None
    ) -> SyncStream[I, R]:
        return SyncStream(self._portal, self._client._stream(action, params, timeout, options))

    def _upload(
        self, action: UploadAction[P, R], params: P, body: Body, timeout: float | None, options: CallOptions | None
    ) -> R:
        return self._portal.call(self._client._upload, action, params, body, timeout, options)

    def _download(
        self, action: DownloadAction[P, R], params: P, timeout: float | None, options: CallOptions | None
    ) -> SyncDownload[R]:
        return SyncDownload(self._portal, self._client._download(action, params, timeout, options))

    def _notify(self, event: Event, route: int | str | None = None) -> None:
        self._portal.call(self._client._notify, event, route)
