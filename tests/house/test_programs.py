"""A program that is forked is to its caller what it would be as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import PIPE, Popen
from typing import TypeAlias

import pytest

PATIENCE = 15.0

Start: TypeAlias = "Callable[[str], Popen[str]]"


@pytest.fixture(params=["real", "forked"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Start]:
    """Start a program as its text says, from a script, in a folder of its own."""
    folder = request.getfixturevalue("programs") if request.param == "forked" else Path(sys.executable).parent
    (tmp_path / "path").mkdir()
    (tmp_path / "path/there.py").write_text("HERE = True\n")
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "path"), "PYTHONUNBUFFERED": "1"}

    started: list[Popen[str]] = []

    def run(program: str) -> Popen[str]:
        (tmp_path / "program.py").write_text(program)
        command = [folder / "python", "program.py", "one", "two words"]
        started.append(Popen(command, cwd=tmp_path, env=env, stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True))
        return started[-1]

    yield run
    for process in started:
        with process:
            process.kill()


def heard(process: Popen[str]) -> str:
    """One line; its first comes when it is up."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_it_has_its_arguments_its_folder_its_environment_and_its_streams(start: Start, tmp_path: Path) -> None:
    process = start(
        "import json, os, sys, there\n"
        "print(json.dumps([sys.argv, os.getcwd(), os.environ['PYTHONPATH'], sys.path[0], __name__, __file__]))\n"
        "print(input().upper(), file=sys.stderr)\n"
    )
    out, err = process.communicate("hello\n", PATIENCE)
    folder, argv = str(tmp_path), ["program.py", "one", "two words"]
    assert json.loads(out) == [argv, folder, f"{folder}/path", folder, "__main__", f"{folder}/program.py"]
    assert (process.returncode, err) == (0, "HELLO\n")


@pytest.mark.parametrize(
    ("ends", "code"),
    [("raise SystemExit", 0), ("raise SystemExit(7)", 7), ("raise SystemExit('no')", 1), ("1 / 0", 1)],
)
def test_it_ends_as_it_says(start: Start, ends: str, code: int) -> None:
    process = start(f"import atexit\natexit.register(print, 'left')\n{ends}\n")
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (code, "left\n")
    assert ("no" in err, "ZeroDivisionError" in err) == ("no" in ends, "/" in ends)


def test_it_ends_after_its_threads(start: Start) -> None:
    process = start("import threading\nthreading.Timer(0.1, print, ['late']).start()\nprint('early')\n")
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (0, "early\nlate\n", "")


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_it_hears_signals(start: Start, sent: signal.Signals) -> None:
    process = start(
        "import signal, sys\n"
        "def end(number, frame): raise SystemExit(number)\n"
        f"signal.signal({sent:d}, end)\n"
        "print('up')\n"
        "signal.pause()\n"
    )
    assert heard(process) == "up"
    process.send_signal(sent)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == sent


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_it_dies_of_signals(start: Start, sent: signal.Signals) -> None:
    process = start("import signal\nprint('up')\nsignal.pause()\n")
    assert heard(process) == "up"
    process.send_signal(sent)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == -sent
    assert ("KeyboardInterrupt" in err) == (sent == signal.SIGINT)


def test_a_job_in_the_background_is_deaf_to_ctrl_c(start: Start) -> None:
    """So are the jobs of a shell; whoever starts them, they take it over."""
    was = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = start("import signal\nprint(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)\n")
    finally:
        signal.signal(signal.SIGINT, was)
    assert process.communicate(timeout=PATIENCE)[0] == "True\n"


def test_it_does_not_outlive_what_was_killed_in_its_place(start: Start) -> None:
    process = start("import signal\nprint('up')\nsignal.pause()\n")
    assert heard(process) == "up"
    process.kill()
    out, err = process.communicate(timeout=PATIENCE)  # there is an end of what it says
    assert (out, err) == ("", "")


def test_a_program_is_missed_what_it_does_not_import(start: Start) -> None:
    process = start("import duologue\nduologue.testing.simulate\n")
    assert "AttributeError" in process.communicate(timeout=PATIENCE)[1]


@pytest.mark.parametrize("name", ["duologue", "duologue-registry"])
def test_our_programs_say_the_same(name: str, programs: Path) -> None:
    said = [
        subprocess.run([folder / name, "nonsense"], capture_output=True, check=False, timeout=PATIENCE)
        for folder in (programs, Path(sys.executable).parent)
    ]
    forked, real = ((done.returncode, done.stdout, done.stderr) for done in said)
    assert forked == real
    assert forked[0] == 2
