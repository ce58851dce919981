"""`duologue watch`: events as they come, until there have been enough."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.runtime.chat import Said, Topic, Typing
from tests.runtime.support import Room
from tests.tools.serving import Serving, duologue, serving, told
from typing_extensions import override

from duologue import MemoryLog
from duologue.events.publisher import EventLog

BOUND = ("--for", "30s")
"""Ends what would wait for ever for an event that does not come."""

Ran = subprocess.CompletedProcess[str]


@pytest.fixture
def chat() -> Generator[Serving]:
    with serving(Room()) as found:
        yield found


@pytest.fixture
def watching(chat: Serving) -> Generator[Callable[..., Any]]:
    """Starts to watch in a thread, and waits until it has subscribed; `.result()` of what it gives is the outcome."""
    with ThreadPoolExecutor(1) as pool:

        def start(*words: str) -> Any:
            running = pool.submit(duologue, "watch", chat.url, *words, *BOUND)
            chat.until_watched()
            return running

        yield start


def said(number: int, room: str = "lobby") -> Said:
    return Said(room=room, text="hi", number=number)


def lines(ran: Ran) -> list[Any]:
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines()]


def test_events_are_printed_as_they_come(chat: Serving, watching: Callable[..., Any]) -> None:
    running = watching("said", "typing", "--count", "2")
    chat.emit(said(1), Typing(who="ann"))
    ran = running.result(30)
    assert ran.stdout.splitlines() == [
        'said {"room": "lobby", "text": "hi", "number": 1}',
        'typing {"who": "ann"}',
    ]
    assert ran.stderr.splitlines() == ["watching said, typing"]
    assert ran.returncode == 0


def test_filters_choose(chat: Serving, watching: Callable[..., Any]) -> None:
    running = watching(
        "said", "--where", "number=2", "--where", "number=4", "--where", "room=attic", "--json", "--count", "2"
    )
    chat.emit(*(said(number, room) for number in range(6) for room in ("lobby", "attic")))
    assert [(one["data"]["room"], one["data"]["number"]) for one in lines(running.result(30))] == [
        ("attic", 2),
        ("attic", 4),
    ]


def test_a_log_is_read_from_where_one_says(chat: Serving) -> None:
    chat.emit(*map(said, range(4)))
    whole = lines(duologue("watch", chat.url, "said", "--from-start", "--json", "--count", "4", *BOUND))
    assert [one["data"].get("number", 0) for one in whole] == [0, 1, 2, 3]
    rest = lines(duologue("watch", chat.url, "said", "--after", whole[1]["position"], "--json", "--count", "2", *BOUND))
    assert rest == whole[2:]
    gone = duologue("watch", chat.url, "said", "--after", "another:1", *BOUND)
    assert told(gone, 1).splitlines()[-1] == "the log does not go on after another:1: epoch_changed"


def test_a_state_is_told_at_once(chat: Serving) -> None:
    chat.emit(Topic(room="lobby", from_="ann", text="tea"))
    (topic,) = lines(duologue("watch", chat.url, "topic", "--json", "--count", "1", *BOUND))
    assert topic == {"event": "topic", "data": {"room": "lobby", "from": "ann", "text": "tea"}}


def test_it_ends_after_some_time(chat: Serving) -> None:
    ran = duologue("watch", chat.url, "said", "--for", "300ms")
    assert (ran.returncode, ran.stdout) == (0, "")


def test_a_lost_connection_is_made_anew(chat: Serving, watching: Callable[..., Any]) -> None:
    running = watching("said", "--json", "--count", "2")
    chat.emit(said(1))
    chat.cut()
    chat.emit(said(2))
    ran = running.result(60)
    assert [one["data"]["number"] for one in lines(ran)] == [1, 2]
    assert "connecting again" in ran.stderr


class Forgetful(Room):
    """Keeps one entry of its log."""

    @override
    def event_log(self) -> EventLog:
        return MemoryLog(1)


def test_a_hole_is_told(tmp_path: Any) -> None:
    with serving(Forgetful()) as chat:
        chat.emit(*map(said, range(4)))
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(duologue, "watch", chat.url, "said", "--from-start", "--json", "--count", "1", *BOUND)
            chat.until_watched()
            while not running.done():
                chat.emit(said(9))
        reset, event = lines(running.result(30))
        assert (reset, event["data"]["number"]) == ({"reset": "history_cut"}, 9)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["sad"], "is called 'sad'; did you mean said?"),
        (["waved"], "the server sends no event waved"),
        (["said", "--where", "rom=x"], "hint: did you mean `room`?"),
        (["typing", "--where", "who=x"], "hint: it has no filters"),
        (["said", "--where", "room"], "--where room: write KEY=VALUE"),
        (["typing", "--from-start"], "--from-start: none of these events is in a log: typing"),
        (["said", "--from-start", "--after", "e:1"], "--from-start and --after both say where to begin"),
        (["said", "--after", "1"], "--after 1: a position is EPOCH:SEQ"),
        (["said", "--after", "\udcff:1"], r"--after \udcff:1: a position is EPOCH:SEQ"),
        (["said", "--for", "soon"], "--for soon: write a number and a unit"),
    ],
)
def test_what_makes_no_sense_is_said_so(chat: Serving, words: list[str], hint: str) -> None:
    assert hint in told(duologue("watch", chat.url, *words), 2)


def test_a_filter_that_does_not_fit_is_told(chat: Serving) -> None:
    assert "filter number: " in told(duologue("watch", chat.url, "said", "--where", "number=many"), 3)


@pytest.mark.parametrize(
    ("words", "code"),
    [pytest.param([], 0, id="open"), pytest.param(["--count", "9"], 130, id="bounded", marks=pytest.mark.long)],
)
def test_ctrl_c_ends_it(chat: Serving, words: list[str], code: int) -> None:
    command = [sys.executable, "-m", "duologue_codegen", "watch", chat.url, "said", "--json", *words]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        chat.until_watched()
        chat.emit(said(1))
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["data"]["number"] == 1
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=30)
    assert process.returncode == code
    assert ("interrupted" in out) == (code == 130)
    assert "Traceback" not in errors
