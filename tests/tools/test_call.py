"""`duologue call`: to servers that describe themselves, and to the registry by its spec."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import ClassVar

import pytest
from msgspec.structs import replace
from tests.runtime.chat import CHAT, Said
from tests.runtime.files import Shelf
from tests.runtime.support import Room
from tests.tools.serving import KNOWN, READER, STRANGER, Serving, answered, duologue, serving, told

from duologue import Protocol
from duologue.descriptors import Delivery, EventDescriptor

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def room() -> Room:
    return Room()


@pytest.fixture(scope="module")
def chat(room: Room) -> Generator[Serving]:
    with serving(room) as found:
        yield found


@pytest.fixture(scope="module")
def files() -> Generator[Serving]:
    with serving(Shelf()) as found:
        yield found


# ------------------------------------------------------------------------------------------------------------- params
@pytest.mark.parametrize(
    ("params", "typed"),
    [
        (['{"text": "ab", "times": 2}'], None),
        (["text=ab", "times=2"], None),
        (["-"], '{"text": "ab", "times": 2}'),
        (["@{file}"], None),
    ],
    ids=["json", "pairs", "stdin", "file"],
)
def test_params_in_every_form(chat: Serving, tmp_path: Path, params: list[str], typed: str | None) -> None:
    file = tmp_path / "params.json"
    file.write_text('{"text": "ab", "times": 2}')
    words = [one.format(file=file) if one.startswith("@") else one for one in params]
    assert answered(duologue("call", chat.url, "echo", *words, typed=typed)) == {"text": "abab", "mood": "calm"}


def test_text_stays_text(chat: Serving) -> None:
    assert answered(duologue("call", chat.url, "echo", "text=12"))["text"] == "12"
    assert answered(duologue("call", chat.url, "echo", "text=a=b"))["text"] == "a=b"


@pytest.mark.parametrize(
    ("params", "lines"),
    [
        (["times=2"], ["$.text: missing", "  expected: text"]),
        (["text=a", "times=x"], ['$.times: "x" does not fit', "  expected: a whole number"]),
        (["text=a", "time=2"], ["$.time: unknown", "  hint: did you mean `times`?"]),
        (['{"text": null}'], ["$.text: null does not fit", "  expected: text"]),
        (["text=a", "times=" + "9" * 5000], ["$.times: text does not fit", "  expected: a whole number"]),
    ],
    ids=["missing", "type", "unknown", "null", "digits"],
)
def test_wrong_params_are_explained_and_not_sent(
    chat: Serving, room: Room, params: list[str], lines: list[str]
) -> None:
    before = len(room.calls)
    said = told(duologue("call", chat.url, "echo", *params), 3).splitlines()
    assert said == [*lines, "the params do not fit echo; nothing was sent"]
    assert len(room.calls) == before


def test_programs_are_told_of_wrong_params(chat: Serving) -> None:
    ran = duologue("call", chat.url, "echo", "time=2", "--json")
    assert ran.returncode == 3
    found = json.loads(ran.stdout)["error"]["violations"]
    assert [(one["path"], one["message"]) for one in found] == [("$.text", "missing"), ("$.time", "unknown")]
    assert found[1]["hint"] == "did you mean `times`?"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["echo", "nonsense"], "nonsense: params are JSON text, @FILE, - for standard input, or one key=value"),
        (["echo", '{"text": '], "params:1:10: not JSON: Expecting value"),
        (["echo", "@no-such-file"], "cannot read no-such-file: No such file or directory"),
        (["echo", "a=1", "a.b=2"], "a.b=2: a has a value of its own already"),
        (["echo", '{"times": ' + "9" * 5000 + "}"], "params: not JSON: Exceeds the limit"),
        (["echo", '{"a":' * 100_000], "params: nested too deep"),
        (["ecko"], "no action or event is called 'ecko'; did you mean echo?"),
        (["oth\udcff"], r"nothing is called 'oth\udcff': Input should be a valid string"),
        (["x" * 300], "String should have at most 256 characters"),
        (["describe", ",".join(map(str, range(300)))], "too many names: List should have at most 256 items"),
        (["ask_back", "depth=1"], "ask_back: the server calls it, clients do not"),
        (["echo", "text=a", "--upload", "x"], "echo takes no upload"),
        (["echo", "text=a", "--output", "x"], "echo gives no download"),
        (["echo", "text=a", "--idempotency-key", "k"], "echo is safe, not keyed: it takes no --idempotency-key"),
        (["echo", "text=a", "--hook", "x"], "--hook x: write NAME=VALUE"),
        (["echo", "text=a", "--token-file", "nowhere"], "cannot read the token file nowhere"),
        (["echo", "text=a", "--timeout", "nan"], "--timeout nan: write a number of seconds"),
        (["describe", "--token", "canary\n"], "the token cannot stand in the header `Authorization`"),
    ],
)
def test_what_makes_no_sense_is_said_so(chat: Serving, words: list[str], said: str) -> None:
    heard = told(duologue("call", chat.url, *words), 2)
    assert said in heard
    assert "canary" not in heard


@pytest.mark.parametrize("words", [["echo", "text=a"], ["describe"]])
def test_what_cannot_be_printed_is_said_so(chat: Serving, words: list[str]) -> None:
    command = [sys.executable, "-m", "duologue_codegen", "call", chat.url, *words]
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=30, check=False)
    assert (ran.returncode, ran.stderr) == (1, "cannot print: No space left on device\n")


@pytest.mark.parametrize("words", [["echo", "text=a"], ["describe"]])
def test_ctrl_c_ends_it(words: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        url = f"ws://127.0.0.1:{silent.getsockname()[1]}"
        command = [sys.executable, "-m", "duologue_codegen", "call", url, *words]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            with silent.accept()[0] as link:
                assert link.recv(1) == b"G"
                process.send_signal(signal.SIGINT)
                out, errors = process.communicate(timeout=30)
    assert (process.returncode, out, errors) == (130, "", "interrupted\n")


# ------------------------------------------------------------------------------------------------------------ outcomes
def test_a_declared_error_has_its_own_code(chat: Serving) -> None:
    said = told(duologue("call", chat.url, "echo", "text=none"), 1).splitlines()
    assert said == ["no_room (not_found): No room is called attic.", '  room: "attic"', "  it ran"]
    ran = duologue("call", chat.url, "echo", "text=none", "--json")
    assert json.loads(ran.stdout)["error"] == {
        "code": "no_room", "status": "not_found", "message": "No room is called attic.", "details": {"room": "attic"},
        "retry_after": None, "ran": "yes",
    }  # fmt: skip


def test_a_failed_handler_is_an_error(chat: Serving) -> None:
    said = told(duologue("call", chat.url, "echo", "text=boom"), 1)
    assert said.startswith("internal: the handler of echo failed (incident ")


def test_a_call_that_takes_too_long_may_have_run(chat: Serving) -> None:
    said = told(duologue("call", chat.url, "nap", "seconds=30", "--timeout", "0.3"), 6)
    assert said.startswith("deadline_exceeded: ")
    assert "it may have run" in said


def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        said = told(duologue("call", f"ws://127.0.0.1:{taken.getsockname()[1]}", "echo"), 4)
    assert said.startswith("not connected: cannot connect to 127.0.0.1:")
    assert "http://x is no URL" in told(duologue("call", "http://x", "echo"), 2)


def test_tokens_come_from_files_and_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{READER}\n")
    with serving(Room(), KNOWN) as guarded:
        call = ("call", guarded.url, "echo", "text=a")
        assert "give a token, with --token-file or in DUOLOGUE_TOKEN" in told(duologue(*call), 5)
        assert "HTTP status 401" in told(duologue(*call, "--token", "wrong"), 5)
        for ran in (
            duologue(*call, "--token", READER),
            duologue(*call, "--token-file", str(file)),
            duologue(*call, DUOLOGUE_TOKEN=READER),
        ):
            assert answered(ran)["text"] == "a"


# ----------------------------------------------------------------------------------------------- more than one answer
def test_a_stream_is_printed_as_it_comes(chat: Serving) -> None:
    ran = duologue("call", chat.url, "count", "upto=3")
    assert ran.returncode == 0, ran.stderr
    items, _, result = ran.stdout.partition("{\n")
    assert [json.loads(line) for line in items.splitlines()] == [{"value": 0}, {"value": 1}, {"value": 2}]
    assert json.loads("{" + result)["text"] == "done"
    ran = duologue("call", chat.url, "count", '{"upto": 3, "fail_at": 1}', "--json")
    assert json.loads(ran.stdout.splitlines()[0]) == {"item": {"value": 0}}
    assert json.loads(ran.stdout.splitlines()[-1])["error"]["code"] == "no_room"
    assert ran.returncode == 1


class Echoed(Said):
    """An event that is called as an action is."""

    event_name: ClassVar[str] = "echo"


class Telling(Room):
    protocol: ClassVar[Protocol] = replace(
        CHAT, events=(*CHAT.events, EventDescriptor(model=Echoed, delivery=Delivery.LOG))
    )


def test_an_action_is_called_though_an_event_has_its_name() -> None:
    with serving(Telling()) as server:
        assert answered(duologue("call", server.url, "echo", "text=ab"))["text"] == "ab"


def test_bytes_go_up_and_come_down(files: Serving, tmp_path: Path) -> None:
    there, back = tmp_path / "there", tmp_path / "back"
    there.write_bytes(bytes(range(256)) * 1000)
    put = duologue("call", files.url, "put", "name=a", "--upload", str(there), "--idempotency-key", "k1")
    assert answered(put)["size"] == 256_000
    assert answered(duologue("call", files.url, "get", "name=a", "--output", str(back)))["size"] == 256_000
    assert back.read_bytes() == there.read_bytes()
    assert "say which file, with --upload" in told(duologue("call", files.url, "put", "name=a"), 2)
    assert "say where to, with --output" in told(duologue("call", files.url, "get", "name=a"), 2)
    gone = duologue("call", files.url, "put", "name=b", "--upload", str(tmp_path / "none"))
    assert "No such file" in told(gone, 2)
    nowhere = duologue("call", files.url, "get", "name=a", "--output", str(tmp_path / "no/folder"))
    assert "No such file" in told(nowhere, 2)


def test_describe_is_an_action_like_others(chat: Serving) -> None:
    assert list(answered(duologue("call", chat.url, "describe"))["actions"]) == [
        "echo",
        "count",
        "nap",
        "ask",
        "ask_back",
    ]
    ran = duologue("call", chat.url, "describe", "echo", "said", "--json")
    assert list(answered(ran)["result"]["events"]) == ["said"]
    assert "is called 'ecko'" in told(duologue("call", chat.url, "describe", "ecko"), 2)


# ---------------------------------------------------------------------------------------------------------- by the spec
SPEC = """\
duologue: 1
protocol: chat
version: 1.0.0
types:
  Mood: {enum: [calm, loud], open: true}
actions:
  echo:
    params: {text: {type: string, maxLength: 5}, times: {type: integer, default: 1}}
    result: {fields: {text: string, mood: Mood}}
    scope: public
    effect: safe
"""


def test_a_spec_says_where_it_says_so(chat: Serving, tmp_path: Path) -> None:
    spec = tmp_path / "chat.yaml"
    spec.write_text(SPEC)
    call = ("call", chat.url, "echo", "--spec", str(spec))
    assert answered(duologue(*call, "text=ab"))["text"] == "ab"
    said = told(duologue(*call, "text=too long"), 3).splitlines()
    assert said[:2] == ['$.text: "too long" does not fit', "  expected: text, at most 5 characters"]
    assert said[2] == f"  spec: {spec}:8:14"
    wrong = duologue("call", chat.url, "ecko", "--spec", str(spec))
    assert told(wrong, 2).splitlines() == ["no action is called ecko", "  hint: did you mean `echo`?"]
    spec.write_text(SPEC.replace("open: true", "opne: true"))
    assert "chat.yaml:5:" in told(duologue(*call, "text=ab"), 2)
    missing = duologue("call", chat.url, "echo", "--spec", str(tmp_path / "none.yaml"))
    assert "cannot read the spec" in told(missing, 2)


def test_a_server_of_another_protocol_is_named(chat: Serving, tmp_path: Path) -> None:
    spec = tmp_path / "other.yaml"
    spec.write_text(SPEC.replace("protocol: chat", "protocol: other"))
    assert "chat 1.0.0" in told(duologue("call", chat.url, "echo", "text=a", "--spec", str(spec)), 4)


def test_a_stranger_is_told_what_it_lacks(tmp_path: Path) -> None:
    class Reserved(Room):
        describe_scope = ("read",)

    with serving(Reserved(), KNOWN) as guarded:
        said = told(duologue("call", guarded.url, "echo", "text=a", DUOLOGUE_TOKEN=STRANGER), 5)
    assert said.strip() == "describe needs the scope read"


def test_a_server_that_does_not_describe_itself() -> None:
    class Silent(Room):
        describe_scope = None

    with serving(Silent()) as silent:
        said = told(duologue("call", silent.url, "echo", "text=a"), 1)
    assert said.splitlines()[-1] == "say what it speaks, with --spec"
