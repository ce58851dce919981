"""What is logged: a line each, under the ids that belong together, with nothing in it that a peer could forge."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from tests.runtime.chat import ChatClient, ChatPeer, EchoParams
from tests.runtime.support import Room, until, url_of
from tests.runtime.watchers import observed
from typing_extensions import override

from duologue import Call, CallError, ConnectFailed, Internal, JsonLines, LogObserver, TextLines
from duologue.observing.lines import FORMATTERS, Line
from duologue.session.states import Role

pytestmark = pytest.mark.anyio

FORGED = "x\n2026-01-01T00:00:00.000Z INFO duologue.server: call ended\r\x1b[2J\u2028\u202e"


class Written:
    """What the runtime's loggers write, in one of the forms."""

    def __init__(self, formatter: logging.Formatter) -> None:
        self._stream = io.StringIO()
        self.handler = logging.StreamHandler(self._stream)
        self.handler.setFormatter(formatter)

    @property
    def lines(self) -> list[str]:
        return self._stream.getvalue().splitlines()

    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


@pytest.fixture
def written(request: pytest.FixtureRequest) -> Iterator[Written]:
    to, logger = Written(FORMATTERS[getattr(request, "param", "json")]()), logging.getLogger("duologue")
    level, propagates = logger.level, logger.propagate
    logger.addHandler(to.handler)
    logger.setLevel(logging.DEBUG)
    yield to
    logger.removeHandler(to.handler)
    logger.setLevel(level)
    logger.propagate = propagates


class Failing(Room):
    @override
    async def echo(self, call: Call[ChatPeer], params: EchoParams) -> Any:
        raise ValueError(f"broken by {params.text}")


async def one_call(room: Room, text: str) -> Exception | None:
    """A call between two ends that log."""
    async with observed(room, more=[LogObserver()]) as (server, theirs):
        try:
            async with ChatClient.open(url_of(server), observers=[LogObserver()]) as client:
                await client.echo(text=text)
        except CallError as error:
            return error
        finally:
            await until(lambda: theirs.of("closed"))
    return None


async def test_connections_and_calls_are_a_line_each_with_their_ids(written: Written) -> None:
    await one_call(Room(), "secret-text")
    ours = [each for each in written.objects() if each["logger"] == "duologue.client"]
    theirs = [each for each in written.objects() if each["logger"] == "duologue.server"]
    for lines, direction in ((ours, "outgoing"), (theirs, "incoming")):
        opened, ended, closed = lines
        assert [each["message"] for each in lines] == ["connection opened", "call ended", "connection closed"]
        assert [each["level"] for each in lines] == ["INFO", "DEBUG", "INFO"]
        assert len({each["connection"] for each in lines}) == 1
        assert ended | {"time": 0, "seconds": 0, "connection": 0, "logger": ""} == {
            "time": 0, "level": "DEBUG", "logger": "", "message": "call ended", "connection": 0, "call": "1",
            "direction": direction, "action": "echo", "status": "ok", "seconds": 0,
        }  # fmt: skip
        assert (opened["peer"], closed["code"]) == ("127.0.0.1", 1000)
    assert ours[0]["connection"] != theirs[0]["connection"]
    assert not any("secret" in line for line in written.lines)


async def test_an_incident_ties_the_traceback_to_its_call_and_to_what_the_peer_was_told(written: Written) -> None:
    error = await one_call(Failing(), "me")
    assert isinstance(error, Internal)
    [failed] = [each for each in written.objects() if each["message"] == "handler failed"]
    ends = [each for each in written.objects() if each["message"] == "call ended"]
    assert str(error).endswith(f"(incident {failed['incident']})")
    assert failed["traceback"].endswith("ValueError: broken by me")
    assert failed["level"] == "ERROR"
    assert [each["incident"] for each in ends] == [failed["incident"]] * 2
    [theirs] = [each for each in ends if each["logger"] == "duologue.server"]
    assert (theirs["connection"], theirs["call"]) == (failed["connection"], failed["call"])
    assert [each["level"] for each in ends] == ["INFO"] * 2


@pytest.mark.parametrize("written", ["text"], indirect=True)
async def test_no_peer_can_forge_a_line_of_text(written: Written) -> None:
    await one_call(Failing(), FORGED)
    async with observed(more=[LogObserver()]) as (server, theirs):
        async with ChatClient.open(url_of(server)) as client:
            with pytest.raises(CallError):
                await client.connection.calls.ask(FORGED, b"{}")
            client.connection.close(4000, FORGED)
            await until(lambda: theirs.of("closed"))
    assert all(line.isprintable() for line in written.lines)
    starts = [line for line in written.lines if not line.startswith("    | ")]
    assert all(line[:4].isdigit() and line[24] == " " and " duologue" in line for line in starts), starts
    forged = [line for line in starts if "2026-01-01" in line[24:]]
    assert len(forged) == 2, "an action, and a reason to close"
    assert sum("broken by x" in line for line in written.lines) == 1


async def test_json_lines_are_one_object_each_whatever_peers_say(written: Written) -> None:
    await one_call(Failing(), FORGED)
    assert len(written.lines) == len(written.objects()) == 7
    assert all(line.isascii() for line in written.lines)


def formatted(formatter: logging.Formatter, message: str, *args: object) -> str:
    return formatter.format(logging.LogRecord("duologue.server", logging.INFO, "", 0, message, args, None))


def test_refusals_resets_and_reconnects_are_a_line_each(written: Written) -> None:
    observer = LogObserver()
    observer.refused("handshakes", "192.0.2.7", None)
    observer.reset(["said", "typing"], "epoch_changed")
    observer.reconnecting(ConnectFailed("nobody listens"), 0.5)
    assert [each | {"time": ""} for each in written.objects()] == [
        {"time": "", "level": "WARNING", "logger": "duologue.server", "message": "refused", "limit": "handshakes",
         "peer": "192.0.2.7"},
        {"time": "", "level": "WARNING", "logger": "duologue.client", "message": "events reset",
         "events": "said,typing", "reason": "epoch_changed"},
        {"time": "", "level": "INFO", "logger": "duologue.client", "message": "reconnecting", "seconds": 0.5,
         "reason": "nobody listens"},
    ]  # fmt: skip


async def test_what_a_connection_is_refused_is_a_line_with_its_id(written: Written) -> None:
    async with observed(Room()) as (server, _), ChatClient.open(url_of(server)) as client:
        connection = client.connection
        LogObserver().refused("rate", "192.0.2.7", connection)
    [refused] = [each for each in written.objects() if each["message"] == "refused"]
    assert (refused["connection"], refused["limit"], refused["level"]) == (connection.id, "rate", "WARNING")


def test_a_line_shows_names_and_values() -> None:
    line = Line(
        "it happened", plain="a/b:1", spaced="a b", quoted='"', number=3, seconds=0.25, nothing=None, long="x" * 600
    )
    text = str(line)
    assert text.startswith('it happened plain=a/b:1 spaced="a b" quoted="\\"" number=3 seconds=0.250000 long=')
    assert len(text) < 650


def test_other_records_are_one_line_too() -> None:
    assert formatted(TextLines(), "a %s", "b\nc").endswith(" INFO duologue.server: a b\\nc")
    told = json.loads(formatted(JsonLines(), "a %s", "b\nc"))
    assert told | {"time": ""} == {"time": "", "level": "INFO", "logger": "duologue.server", "message": "a b\nc"}
    assert len(told["time"]) == len("2026-01-01T00:00:00.000Z")


def test_a_line_whose_level_is_off_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    logger = logging.getLogger("duologue.client")
    before = logger.level

    def made(*_: object, **__: object) -> None:
        pytest.fail("a line was made")

    monkeypatch.setattr(Line, "__init__", made)
    connection: Any = SimpleNamespace(
        session=SimpleNamespace(role=Role.CLIENT), id=1, peer_address="", identity=SimpleNamespace(name="")
    )
    logger.setLevel(logging.ERROR)
    try:
        LogObserver().connection_opened(connection)
    finally:
        logger.setLevel(before)
