"""The synchronous client against a server in a thread of its own."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from tests.runtime.chat import (
    COUNT,
    ECHO,
    NAP,
    ChatClient,
    ChatPeer,
    CountParams,
    Echo,
    EchoParams,
    NapParams,
    NoRoom,
    Number,
    Said,
    Typing,
    Waved,
)
from tests.runtime.files import FilesClient, Shelf, SyncFiles
from tests.runtime.proxy import Proxy, proxied
from tests.runtime.support import Room

from duologue import (
    ConnectFailed,
    DeadlineExceeded,
    Event,
    HistoryLost,
    Internal,
    Lifecycle,
    NotFound,
    NotSent,
    OutcomeUnknown,
    Position,
    Ran,
    Server,
    SyncClient,
    SyncEvents,
    SyncEventStream,
    SyncStream,
    serve,
)


class ChatSyncEvents(SyncEvents):
    def said(self, *, room: str | None = None, since: Position | None = None) -> SyncEventStream[Said]:
        return self._open(Said, {"room": room}, since)


class ChatSyncClient(SyncClient):
    @cached_property
    def events(self) -> ChatSyncEvents:
        return ChatSyncEvents(self._portal, self._client)

    def echo(self, *, text: str, timeout: float | None = None) -> Echo:
        return self._call(ECHO, EchoParams(text=text), timeout, None)

    def nap(self, *, seconds: float, timeout: float | None = None) -> None:
        return self._call(NAP, NapParams(seconds=seconds), timeout, None)

    def count(self, *, upto: int, fail_at: int | None = None) -> SyncStream[Number, Echo]:
        return self._stream(COUNT, CountParams(upto=upto, fail_at=fail_at), None, None)

    def notify(self, event: Waved) -> None:
        self._notify(event)


def open_sync(url: str, **options: Any) -> AbstractContextManager[ChatSyncClient]:
    return ChatClient._open_sync(ChatSyncClient, url, **options)


class Running:
    """A server in another thread."""

    def __init__(self, room: Room, server: Server[ChatPeer], portal: BlockingPortal) -> None:
        self.room = room
        self.server = server
        self._portal = portal
        self.url = f"ws://127.0.0.1:{server.port}"

    def emit(self, event: Event) -> Position:
        return self._portal.call(self.server.emit, event)

    @contextmanager
    def behind_a_proxy(self) -> Generator[Proxy]:
        with self._portal.wrap_async_context_manager(proxied(self.server.port)) as proxy:
            yield proxy

    def cut(self, proxy: Proxy) -> None:
        """Lose all connections; the server knows it when this returns."""
        connections = list(self.server.connections)
        self._portal.call(proxy.cut)
        wait_for(lambda: all(connection.closed is not None for connection in connections))


@pytest.fixture
def running() -> Iterator[Running]:
    room = Room()
    with (
        start_blocking_portal("asyncio") as portal,
        portal.wrap_async_context_manager(serve(room, "127.0.0.1", 0)) as server,
    ):
        yield Running(room, server, portal)


@contextmanager
def interrupted(seconds: float) -> Generator[None]:
    """As if somebody pressed Ctrl-C after so long."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def wait_for(condition: Any, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_calls_and_errors(running: Running) -> None:
    with open_sync(running.url) as client:
        assert client.echo(text="hi").text == "hi"
        with pytest.raises(NoRoom) as caught:
            client.echo(text="none")
        assert caught.value.details.room == "attic"
        with pytest.raises(Internal):
            client.echo(text="boom")
        with pytest.raises(DeadlineExceeded):
            client.nap(seconds=10, timeout=0.1)
        assert client.echo(text="on").text == "on"


def test_streams(running: Running) -> None:
    with open_sync(running.url) as client:
        with client.count(upto=200) as numbers:
            assert [number.value for number in numbers] == list(range(200))
            assert numbers.result().text == "done"
        with client.count(upto=1000) as numbers:
            assert next(numbers).value == 0
        wait_for(lambda: running.room.stopped == 1)
        with client.count(upto=10, fail_at=1) as numbers:
            assert next(numbers).value == 0
            with pytest.raises(NoRoom):
                next(numbers)


def test_uploads_and_downloads(tmp_path: Path) -> None:
    shelf, body, source = Shelf(folder=tmp_path), bytes(range(256)) * 1000, tmp_path / "source"
    source.write_bytes(body)
    with (
        start_blocking_portal("asyncio") as portal,
        portal.wrap_async_context_manager(serve(shelf, "127.0.0.1", 0)) as server,
        FilesClient._open_sync(SyncFiles, f"ws://127.0.0.1:{server.port}") as client,
    ):
        with source.open("rb") as file:
            for name, given in (("bytes", body), ("path", source), ("file", file)):
                assert client.put(given, name=name).size == len(body)
                assert shelf.kept[name] == body
        with client.get(name="bytes") as download:
            assert b"".join(download) == body
            assert download.result().size == len(body)
        assert client.get(name="bytes").save(tmp_path / "saved").size == len(body)
        assert (tmp_path / "saved").read_bytes() == body
        with client.get(name="bytes") as download:
            assert body.startswith(next(download))
        wait_for(lambda: not server.connections[0].session.incoming)
        with pytest.raises(NotFound), client.get(name="nothing") as download:
            next(download)
        with pytest.raises(FileNotFoundError):
            client.put(tmp_path / "nowhere", name="x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["saved", "source"]


def test_events(running: Running) -> None:
    with open_sync(running.url) as client:
        with client.events.said(room="a") as said:
            position = said.position
            for number in range(4):
                running.emit(Said(room="ab"[number % 2], text="", number=number))
            assert [next(said).number for _ in range(2)] == [0, 2]
            assert said.position is not None
            assert said.position.seq == 3
            assert said.lost == 0
        with client.events.said(since=position) as said:
            assert [next(said).number for _ in range(4)] == [0, 1, 2, 3]
        with client.events(Said, Typing) as both:
            running.emit(Typing(who="me"))
            assert isinstance(next(both), Typing)
        assert list(said) == []


def test_it_comes_back_and_tells_of_it(running: Running, quick_back_off: None) -> None:
    told: list[str] = []
    lifecycle = Lifecycle(
        connected=lambda: told.append("connected"),
        lost=lambda closed: told.append(f"lost: {closed.close_code}"),
        resumed=lambda: told.append("resumed"),
    )
    with (
        running.behind_a_proxy() as proxy,
        open_sync(f"ws://127.0.0.1:{proxy.port}", lifecycle=lifecycle) as client,
        client.events.said() as said,
    ):
        for number in range(0, 6, 2):
            running.emit(Said(room="a", text="", number=number))
            assert next(said).number == number
            running.cut(proxy)
            running.emit(Said(room="a", text="", number=number + 1))  # while nobody is there, or hardly
            assert next(said).number == number + 1
            assert client.echo(text="on").text == "on"
        wait_for(lambda: told.count("resumed") == 3)
    assert told == ["connected", *["lost: 1006", "connected", "resumed"] * 3]


def test_a_history_that_is_lost_is_told(running: Running, quick_back_off: None) -> None:
    told: list[tuple[Sequence[str], str]] = []
    lifecycle = Lifecycle(reset=lambda events, reason: told.append((events, reason)))
    with (
        running.behind_a_proxy() as proxy,
        open_sync(f"ws://127.0.0.1:{proxy.port}", lifecycle=lifecycle) as client,
        client.events.said() as said,
        start_blocking_portal("asyncio") as portal,
        portal.wrap_async_context_manager(serve(Room(), "127.0.0.1", 0)) as another,
    ):
        proxy.target = another.port
        running.cut(proxy)
        with pytest.raises(HistoryLost, match="epoch_changed"):
            next(said)
        wait_for(lambda: told == [(["said"], "epoch_changed")])


def test_outcomes_are_true_over_a_cut(running: Running, quick_back_off: None) -> None:
    with (
        running.behind_a_proxy() as proxy,
        open_sync(f"ws://127.0.0.1:{proxy.port}") as client,
        ThreadPoolExecutor() as threads,
    ):
        napping = threads.submit(client.nap, seconds=60)
        wait_for(lambda: running.room.running == 1)
        running.cut(proxy)
        with pytest.raises(OutcomeUnknown) as unknown:
            napping.result(timeout=10)
        assert unknown.value.ran is Ran.UNKNOWN
        assert client.echo(text="on").text == "on"
        proxy.refusing = True
        running.cut(proxy)
        with pytest.raises(NotSent) as unsent:
            client.nap(seconds=0, timeout=0.1)
        assert unsent.value.ran is Ran.NO
        waiting = threads.submit(client.echo, text="later")
        proxy.refusing = False
        assert waiting.result(timeout=10).text == "later"
    assert len(running.room.calls) == 3, "one nap and two echoes"


def test_notifications(running: Running) -> None:
    with open_sync(running.url) as client:
        client.notify(Waved(who="me"))
        wait_for(lambda: running.room.waved == [Waved(who="me")])


def test_calls_from_several_threads(running: Running) -> None:
    answers: list[str] = []
    with open_sync(running.url) as client:

        def call(text: str) -> None:
            answers.append(client.echo(text=text).text)

        threads = [threading.Thread(target=call, args=[str(number)]) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5)
    assert sorted(answers) == sorted(map(str, range(20)))


def test_no_thread_stays(running: Running) -> None:
    before = threading.active_count()
    with open_sync(running.url) as client:
        client.echo(text="on")
        assert threading.active_count() == before + 1
    wait_for(lambda: threading.active_count() <= before)
    with pytest.raises(RuntimeError):
        client.echo(text="late")


def test_an_exception_leaves_the_block_as_itself(running: Running) -> None:
    error = KeyError("mine")
    with pytest.raises(KeyError) as caught, open_sync(running.url) as client, client.events.said():
        raise error
    assert caught.value is error


def test_ctrl_c_in_the_middle_of_a_call(running: Running) -> None:
    started = time.monotonic()
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt), open_sync(running.url) as client, interrupted(0.2):
        client.nap(seconds=10)
    assert time.monotonic() - started < 3
    wait_for(lambda: running.room.stopped == 1)
    wait_for(lambda: threading.active_count() <= before)


def test_ctrl_c_while_it_waits_for_an_event(running: Running) -> None:
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt), open_sync(running.url) as client, client.events.said() as said:
        with interrupted(0.2):
            next(said)
    assert time.monotonic() - started < 3
    wait_for(lambda: not running.server.connections)


def test_nobody_there() -> None:
    with pytest.raises(ConnectFailed), open_sync("ws://127.0.0.1:1"):
        pass
    with pytest.raises(ValueError, match="ws://"), open_sync("nowhere"):
        pass


def test_a_server_that_stops(running: Running) -> None:
    with open_sync(running.url) as client:
        running._portal.call(running.server.aclose)
        with pytest.raises(NotSent):
            client.echo(text="on", timeout=0.3)
