"""The command line, through real processes."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.forked import Forked
from tests.programs import on_a_full_disk

from duologue_registry.commands.cli import main

Run = Callable[..., subprocess.CompletedProcess[str]]

REGISTER = ("services", "register", "web-api", "1.4.0", "--command", "bin/api --port 8080")


def in_process(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """The same command without the half second that a process of its own takes to start."""
    result = CliRunner().invoke(main, arguments, env=env, prog_name="duologue-registry")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return subprocess.CompletedProcess(arguments, result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def url(start_registry: Any) -> str:
    """A fresh registry."""
    url: str = start_registry("--ephemeral").url
    return url


@pytest.fixture
def cli(url: str) -> Run:
    """Commands that talk to it."""
    return lambda *arguments, **env: in_process(*arguments, **{"DUOLOGUE_REGISTRY_URL": url, **env})


def ok(ran: subprocess.CompletedProcess[str]) -> str:
    assert (ran.returncode, "Traceback" in ran.stderr) == (0, False), ran.stderr
    return ran.stdout


def refused(ran: subprocess.CompletedProcess[str], code: int) -> str:
    assert (ran.returncode, ran.stdout, "Traceback" in ran.stderr) == (code, "", False), (ran.stdout, ran.stderr)
    return ran.stderr


# -------------------------------------------------------------------------------------------------------------- serving
@pytest.mark.parametrize("executor", ["asyncio", "uvloop", "trio"])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_serve_ends_in_order(start_registry: Any, data_directory: Path, executor: str, how: signal.Signals) -> None:
    registry = start_registry("--data", str(data_directory), "--executor", executor)
    assert registry.started["data"] == str(data_directory / "registry.sqlite3")
    assert registry.started["revision"] == 0
    host, port = registry.url.removeprefix("ws://").split(":")
    with socket.create_connection((host, int(port))) as idle:  # a peer that says nothing does not hold it up
        begun = time.monotonic()
        assert registry.stop(how) == (0, "")
        assert time.monotonic() - begun < 10
        idle.close()


def test_serve_says_where(data_directory: Path) -> None:
    with Forked("serve", "--port", "0", "--data", str(data_directory)) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(6)]
        process.terminate()
        rest, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "listening  ws://127.0.0.1:" in lines[1]
    assert f"storing    {data_directory / 'registry.sqlite3'}" in lines[2]
    assert "0 services at revision 0" in lines[3]
    assert "open to    everybody on this machine" in lines[4]
    assert (rest, errors) == ("stopped\n", "")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "example.invalid", "192.0.2.1", ""])
def test_serve_refuses_what_is_not_loopback(run_cli: Run, host: str) -> None:
    assert "loopback" in refused(run_cli("serve", "--host", host, "--port", "0", "--ephemeral"), 2)


def test_serve_on_a_taken_port(run_cli: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        errors = refused(run_cli("serve", "--port", port, "--ephemeral"), 1)
    assert f"cannot listen on 127.0.0.1 port {port}" in errors


def test_serve_from_a_directory_in_use(run_cli: Run, start_registry: Any, data_directory: Path) -> None:
    start_registry("--data", str(data_directory))
    errors = refused(run_cli("serve", "--port", "0", "--data", str(data_directory)), 1)
    assert "is in use: another duologue-registry" in errors


def test_serve_from_a_damaged_file(run_cli: Run, data_directory: Path) -> None:
    data_directory.mkdir()
    (data_directory / "registry.sqlite3").write_text("not a database " * 1000)
    errors = refused(run_cli("serve", "--port", "0", "--data", str(data_directory)), 1)
    assert "damaged" in errors
    assert ".recover" in errors


def test_serve_from_what_is_no_directory(run_cli: Run, data_directory: Path) -> None:
    errors = refused(run_cli("serve", "--port", "0", "--data", "/dev/null"), 1)
    assert errors.startswith("/dev/null/tokens.json cannot be read: ")
    data_directory.mkdir()
    (data_directory / "packages").touch()
    errors = refused(run_cli("serve", "--port", "0", "--data", str(data_directory)), 1)
    assert errors == f"{data_directory / 'packages'} cannot be used: File exists\n"


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["services", "list", "--json"],
        ["status"],
        ["watch", "--json"],
        ["serve", "--port", "0", "--ephemeral"],
        ["serve", "--port", "0", "--ephemeral", "--json"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_printed_is_said_so(arguments: list[str], unbuffered: str, shared_registry: Any) -> None:
    env = {"DUOLOGUE_REGISTRY_URL": shared_registry.url, "PYTHONUNBUFFERED": unbuffered}
    ended = on_a_full_disk("duologue_registry", arguments, **env)
    assert ended == (1, "cannot print: No space left on device\n")


def test_serve_either_stores_or_does_not(run_cli: Run, data_directory: Path) -> None:
    assert "--ephemeral" in refused(run_cli("serve", "--ephemeral", "--data", str(data_directory)), 2)


def test_serve_stores_in_the_users_directory(start_registry: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    stored = Path(start_registry().started["data"])
    assert stored.is_file()
    assert stored == tmp_path / "duologue-registry" / "registry.sqlite3"


# ---------------------------------------------------------------------------------------------------- talking to it
@pytest.mark.parametrize(
    "arguments",
    [
        ["services"],
        ["services", "list", "--json"],
        ["services", "get", "web-api"],
        [*REGISTER],
        ["services", "deregister", "web-api"],
        ["services", "state", "web-api", "running"],
        ["services", "endpoints", "web-api"],
        ["watch"],
        ["events"],
    ],
    ids=" ".join,
)
def test_unreachable_never_looks_like_empty(arguments: list[str]) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # taken, and nobody listens
        url = f"ws://127.0.0.1:{nobody.getsockname()[1]}"
        errors = refused(in_process(*arguments, DUOLOGUE_REGISTRY_URL=url), 3)
    assert f"Registry unreachable at {url}" in errors
    assert "duologue-registry serve" in errors


def test_a_process_says_so_too() -> None:
    command = [sys.executable, "-m", "duologue_registry"]
    for arguments, said, code in (
        (["services", "--url", "ws://127.0.0.1:1"], "Registry unreachable", 3),
        (["frobnicate"], "No such command", 2),
    ):
        ran = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=20, check=False)
        assert said in refused(ran, code)


def test_a_registry_that_does_not_answer_is_unreachable(run_cli: Run) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"ws://127.0.0.1:{silent.getsockname()[1]}"
        errors = refused(run_cli("services", "list", "--url", url, "--timeout", "0.5"), 3)
    assert "Registry unreachable" in errors


def test_a_day_at_work(cli: Run) -> None:
    ok(cli("services", "register", "db", "1.0.0", "--container", "c1", "--image", "pg:16"))
    shown = ok(
        cli(
            *REGISTER,
            "--depends-on=db",
            "--tag=blue",
            "--metadata=team=a",
            "--endpoint=public=http://10.0.0.7:80",
            "--host=10.0.0.7",
            "--node=web-1",
        )
    )
    for part in (
        "web-api",
        "1.4.0",
        "registered",
        "process: bin/api --port 8080",
        "10.0.0.7 (web-1)",
        "team=a",
        "blue",
    ):
        assert part in shown
    listed = ok(cli("services")).splitlines()
    assert listed[0].split() == ["NAME", "VERSION", "STATE", "SINCE", "HEALTH", "ENDPOINTS"]
    assert [line.split()[0] for line in listed[1:]] == ["db", "web-api"]
    starts = {line.index(state) for line, state in zip(listed, ["STATE", "registered", "registered"], strict=True)}
    assert len(starts) == 1, "columns are aligned"

    endpoints = cli("services", "endpoints", "web-api")
    assert (endpoints.returncode, endpoints.stdout) == (0, "")
    assert "no healthy endpoint" in endpoints.stderr
    ok(cli("services", "state", "web-api", "running"))
    assert "http://10.0.0.7:80" in ok(cli("services", "endpoints", "web-api", "--protocol", "http"))
    assert json.loads(ok(cli("services", "endpoints", "web-api", "--protocol=grpc", "--json")))["endpoints"] == []

    assert "is deregistered" in ok(cli("services", "deregister", "db", "--reason", "retired"))
    events = ok(cli("events")).splitlines()
    assert [line.split()[0] for line in events[1:]] == ["1", "2", "3", "4", "5"]
    assert "web-api registered → running" in events[4]
    assert events[5].endswith("retired")


def test_json_for_programs(cli: Run) -> None:
    entry = json.loads(ok(cli(*REGISTER, "--json")))
    assert (entry["name"], entry["state"], entry["revision"]) == ("web-api", "registered", 1)
    listed = json.loads(ok(cli("services", "list", "--json")))
    assert listed["services"] == [entry]
    assert listed["revision"] == 1
    assert json.loads(ok(cli("services", "get", "web-api", "--json"))) == {**entry, "health": []}
    assert json.loads(ok(cli("services", "state", "web-api", "running", "--json")))["state"] == "running"
    events = [json.loads(line) for line in ok(cli("events", "--json", "--limit=1")).splitlines()]
    assert [event["event"] for event in events] == ["service_state_changed"]
    assert json.loads(ok(cli("services", "deregister", "web-api", "--json"))) == {"name": "web-api"}
    assert json.loads(ok(cli("services", "list", "--json")))["services"] == []


def test_the_registry_named_last_is_the_one(shared_registry: Any) -> None:
    nowhere, here = "ws://127.0.0.1:1", shared_registry.url
    for arguments in (
        ["services", "--url", nowhere, "list", "--url", here],
        ["services", "--url", here, "list"],
        ["services", "--url", here],
        ["services", "list", "--url", here],
    ):
        ok(in_process(*arguments, DUOLOGUE_REGISTRY_URL=nowhere))


def test_refusals(cli: Run) -> None:
    ok(cli(*REGISTER))
    assert "service_not_found" in refused(cli("services", "get", "none"), 1)
    assert "if_revision" in refused(cli(*REGISTER, "--tag=new"), 1)
    errors = refused(cli("services", "state", "web-api", "stopped"), 1)
    assert "can go to: starting, running, failed" in errors
    assert "reason" in refused(cli("services", "state", "web-api", "failed"), 1)
    assert "revision" in refused(cli("services", "deregister", "web-api", "--if-revision=9"), 1)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["services", "state", "web-api", "flying"], "registered, starting, running"),
        (["services", "get", "Not A Name"], "name: "),
        (["services", "register", "a", "1"], "--command"),
        (["services", "register", "a", "1.0.0", "--command=it's"], '--command "it\'s": No closing quotation'),
        (["services", "register", "a", "1.0.0", "--command= "], "--command ' ': it names no program"),
        (["services", "register", "a", "1.0.0", "--command=\udcff"], "command: '\\udcff' is not UTF-8"),
        (["services", "list", "--tag=\udcff"], "tag: '\\udcff' is not UTF-8"),
        (["services", "register", "a", "1.0.0", "--unit=y", "--tag=\udcff"], "tag: '\\udcff' is not UTF-8"),
        (["services", "register", "a", "1.0.0", "--command=x", "--unit=y"], "one way"),
        (["services", "register", "a", "1.0.0", "--container=x"], "--image"),
        (["services", "register", "a", "one", "--unit=y"], "version: "),
        (["services", "register", "a", f"1.0.0-{'x' * 123}", "--unit=y"], "version: String should have at most 128"),
        (["services", "register", "a", "1.0.0", "--unit=y", "--endpoint=host:80"], "NAME=PROTOCOL://HOST:PORT"),
        (["services", "register", "a", "1.0.0", "--unit=y", "--endpoint=a=gopher://h:80"], "http, https"),
        (["services", "register", "a", "1.0.0", "--unit=y", "--metadata=x"], "KEY=VALUE"),
        (["services", "register", "a", "1.0.0", "--unit=y", "--node=x"], "--host"),
        (["services", "endpoints", "a", "--protocol=gopher"], "http, https"),
        (["services", "register", "a", "1.0.0", "--unit=y", "--host=h", "--node=../x"], "node: "),
        (["services", "register", "a", "1.0.0", "--unit=y", "--endpoint=a=tcp://"], "--endpoint 'a=tcp://': address: "),
        (["services", "register", "a", "1.0.0", "--unit=y", f"--endpoint={'n' * 65}=tcp://h:1"], "name: "),
        (["services", "list", "--timeout=nan"], "--timeout"),
        (["services", "list", "--timeout=inf"], "--timeout"),
        (["services", "start", "a", "--grace=inf"], "--grace"),
        (["services", "stop", "a", "--grace=nan"], "--grace"),
        (["services", "restart", "a", "--grace=1e20"], "--grace"),
        (["deploy", "a", "1.0.0", "--nodes=n", "--within=inf"], "--within"),
        (["rollback", "a", "--deadline=1e20"], "--deadline"),
        (["services", "list", "--token=a\nb"], "--token: the token cannot stand in the header"),
        (["watch", "--token=a\nb"], "--token: the token cannot stand in the header"),
        (["backup", "never-made.tar", "--token=a\nb"], "--token: the token cannot stand in the header"),
        (["prune", f"--keep-log={'9' * 5000}"], "a number such as 100000"),
        (["services", "list", "--url", "http://x"], "ws://"),
        (["services", "--url", "http://x"], "ws://"),
        (["events", "--since", "yesterday"], "--since"),
    ],
)
def test_wrong_usage(arguments: list[str], hint: str, shared_registry: Any) -> None:
    assert hint in refused(in_process(*arguments, DUOLOGUE_REGISTRY_URL=shared_registry.url), 2)


def test_every_help_teaches_with_an_example() -> None:
    for command in ([], ["serve"], ["services"], ["services", "register"], ["watch"], ["events"]):
        shown = ok(in_process(*command, "--help"))
        assert "Example:\n" in shown
    assert "Exit codes: 0 done" in ok(in_process("--help"))


def test_help_loads_nothing_heavy() -> None:
    heavy = ("pydantic", "anyio", "duologue")
    script = f"import sys, duologue_registry.commands.cli; print([m for m in {heavy} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


# ---------------------------------------------------------------------------------------------------------- for people
def on_a_terminal(*arguments: str, env: dict[str, str]) -> str:
    """What a command writes when its output is a terminal."""
    leader, follower = pty.openpty()
    with Forked(*arguments, env=env, terminal=(follower, None)) as process:
        os.close(follower)
        written = b""
        with contextlib.suppress(OSError):  # the terminal is gone
            while part := os.read(leader, 4096):
                written += part
        process.wait(timeout=20)
    os.close(leader)
    return written.decode()


def test_colour_on_a_terminal_alone(cli: Run, run_cli: Run, url: str) -> None:
    env = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    env["DUOLOGUE_REGISTRY_URL"] = url
    ok(cli(*REGISTER))
    ok(cli("services", "state", "web-api", "running"))
    assert "\x1b[" not in ok(run_cli("services", env=env))
    assert "\x1b[32mrunning" in on_a_terminal("services", env=env)
    assert "\x1b[" not in on_a_terminal("services", env={**env, "NO_COLOR": "1"})


def test_text_of_others_does_not_drive_the_terminal(cli: Run, url: str) -> None:
    hostile = "\x1b[2J\nfake line\x1b]0;title\x07"
    endpoint = f"--endpoint=public=http://{hostile}"
    ok(cli(*REGISTER, f"--metadata=x={hostile}", f"--tag={hostile}", endpoint))
    ok(cli("services", "state", "web-api", "failed", "--reason", hostile))
    env = {**os.environ, "DUOLOGUE_REGISTRY_URL": url, "NO_COLOR": "1"}
    for arguments in (
        ["services", "get", "web-api"],
        ["services"],
        ["events"],
        ["services", "endpoints", "web-api", "--all"],
    ):
        shown = on_a_terminal(*arguments, env=env)
        assert "[2J" in shown
        assert "\x1b" not in shown
        assert "\nfake line" not in shown.replace("\r", "")


# ------------------------------------------------------------------------------------------------------------- watching
@contextlib.contextmanager
def watching(url: str, *arguments: str) -> Generator[Forked]:
    with Forked("watch", "--url", url, *arguments) as process:
        try:
            yield process
        finally:
            process.kill()


def test_watch_in_json(cli: Run, start_registry: Any, data_directory: Path) -> None:
    registry = start_registry("--data", str(data_directory))
    env = {"DUOLOGUE_REGISTRY_URL": registry.url}
    with watching(registry.url, "--json") as watch:
        assert watch.stdout is not None
        assert watch.stderr is not None
        assert json.loads(watch.stdout.readline())["event"] == "registry_loaded"
        ok(cli(*REGISTER, **env))
        first = json.loads(watch.stdout.readline())
        assert (first["event"], first["seq"], first["data"]["entry"]["name"]) == ("service_registered", 1, "web-api")

        registry.kill()
        assert "Registry unreachable" in watch.stderr.readline()
        again = start_registry("--data", str(data_directory), "--port", registry.url.rpartition(":")[2])
        assert again.url == registry.url
        assert "reachable again" in watch.stderr.readline()
        ok(cli("services", "state", "web-api", "running", **env))
        events = [json.loads(watch.stdout.readline())]
        while events[-1]["event"] != "service_state_changed":
            events.append(json.loads(watch.stdout.readline()))
        assert events[-1]["seq"] == 2
        assert [event["event"] for event in events[:-1]] in ([], ["registry_loaded"])

        watch.send_signal(signal.SIGINT)
        assert watch.wait(timeout=20) == 0


def test_watch_in_lines(cli: Run, start_registry: Any) -> None:
    registry = start_registry("--ephemeral")
    env = {"DUOLOGUE_REGISTRY_URL": registry.url}
    ok(cli(*REGISTER, **env))
    with watching(registry.url) as watch:
        assert watch.stdout is not None
        assert watch.stdout.readline().split()[0] == "NAME"
        assert watch.stdout.readline().split()[:3] == ["web-api", "1.4.0", "registered"]
        ok(cli("services", "state", "web-api", "running", **env))
        assert "service_state_changed" in watch.stdout.readline()


def test_watch_on_a_terminal(cli: Run, start_registry: Any) -> None:
    registry = start_registry("--ephemeral")
    here = {"DUOLOGUE_REGISTRY_URL": registry.url}
    env = {**os.environ, **here}
    ok(cli(*REGISTER, **here))
    leader, follower = pty.openpty()
    with Forked("watch", env=env, terminal=(follower, follower)) as watch:
        os.close(follower)
        written = ""

        def until(*texts: str) -> None:
            """Read until one screen shows all of them."""
            nonlocal written
            while not all(text in written[written.rfind("\x1b[H") :] for text in texts):
                written += os.read(leader, 4096).decode(errors="replace")

        try:
            until("registered", "Ctrl-C ends")
            ok(cli("services", "state", "web-api", "running", **here))
            until("running")
            registry.kill()
            until("Registry unreachable since", "running")  # what was known is still shown
            watch.send_signal(signal.SIGINT)
            assert watch.wait(timeout=20) == 0
        finally:
            watch.kill()
    os.close(leader)
