"""Autobahn|Testsuite against both ends: every case passes, but for those that `deviations.py` lists with a reason.

The suite is of Python 2.7: it gets an environment of its own, once, in `build/autobahn`. Where there is no Python 2.7
the tests are skipped and say so; `AUTOBAHN_PYTHON` names one that is not on the path. The cases of large messages (9)
are left out; so are most of those of compression (12, 13) whose thousand messages have 64 KiB and more: the set of the
others takes minutes.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from tests.conformance.autobahn.deviations import FAILED, NON_STRICT, NON_STRICT_IN_ONE_READ

pytestmark = pytest.mark.long  # some twenty seconds for each end, minutes compressed; the first time an environment

ROOT: Final = Path(__file__).parents[3]
SUITE: Final = "autobahntestsuite==25.10.1"
HOME: Final = ROOT / "build" / "autobahn"
PATIENCE: Final = 1200.0


@dataclass(frozen=True)
class Cases:
    """A set of the suite's cases.

    Attributes:
        options: What the echoing end is told.
        fewest: How many there are; fewer mean that it was no run of them.
        failed: Those of the set that are known to fail, and `non_strict` those that are not as the suite prefers.
    """

    options: Sequence[str]
    chosen: Sequence[str]
    left_out: Sequence[str]
    fewest: int
    failed: Mapping[str, str]
    non_strict: Mapping[str, str]


PLAIN: Final = Cases([], ["*"], ["9.*", "12.*", "13.*"], 240, FAILED, NON_STRICT)
LARGE: Final = [f"{group}.{size}" for group in ("12.*", "13.*") for size in range(9, 18)]
COMPRESSED: Final = Cases(["compressed"], ["12.*", "13.*"], LARGE, 108, {}, {})
SETS: Final = pytest.mark.parametrize("cases", [PLAIN, COMPRESSED], ids=["plain", "compressed"])

PASSED: Final = {"OK", "INFORMATIONAL"}


def candidates() -> Iterator[str]:
    if named := os.environ.get("AUTOBAHN_PYTHON"):
        yield named
    if found := shutil.which("python2.7"):
        yield found
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    yield from map(str, sorted(versions.glob("2.7*/bin/python2.7")))


def python() -> str:
    """A Python 2.7 that runs; without one the tests are skipped."""
    for name in candidates():
        with contextlib.suppress(OSError):
            done = subprocess.run([name, "--version"], capture_output=True, text=True, check=False, timeout=20)
            if done.returncode == 0 and "2.7" in done.stdout + done.stderr:
                return name
    pytest.skip("no Python 2.7 was found, which Autobahn|Testsuite needs: AUTOBAHN_PYTHON=… names one")


@pytest.fixture(scope="module")
def suite() -> Path:
    """The suite's command, installed where it is not yet."""
    command = HOME / "bin" / "wstest"
    if not command.exists():
        faulthandler.cancel_dump_traceback_later()  # each step has a bound of its own, and what is compiled takes time
        interpreter, tools = python(), HOME / "tools"
        quiet = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        for step, environ in (
            ([interpreter, "-m", "pip", "install", "--quiet", "--target", str(tools), "virtualenv<20.22"], quiet),
            ([interpreter, "-m", "virtualenv", "--quiet", str(HOME)], {**quiet, "PYTHONPATH": str(tools)}),
            ([str(HOME / "bin" / "pip"), "install", "--quiet", SUITE], quiet),
        ):
            done = subprocess.run(step, env=environ, capture_output=True, text=True, check=False, timeout=600)
            assert done.returncode == 0, done.stdout + done.stderr
    return command


@pytest.fixture(autouse=True)
def patience() -> None:
    """Let a run take minutes; each of its processes has a bound of its own."""
    faulthandler.cancel_dump_traceback_later()


def echo(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tests.conformance.autobahn.echo", *arguments]


@contextlib.contextmanager
def running(*command: str | Path) -> Generator[subprocess.Popen[str]]:
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def specification(folder: Path, cases: Cases, **members: Any) -> Path:
    file = folder / "specification.json"
    chosen = {"cases": cases.chosen, "exclude-cases": cases.left_out}
    file.write_text(json.dumps({"outdir": str(folder), **chosen, **members}))
    return file


def listed(case: str, table: Mapping[str, str]) -> bool:
    return case in table or case.rpartition(".")[0] in table


def check(folder: Path, cases: Cases) -> None:
    """Compare the suite's verdicts with the written deviations."""
    found = json.loads((folder / "index.json").read_text())["duologue"]
    assert len(found) >= cases.fewest
    missed = {case: verdict for case, verdict in found.items() if set(verdicts(verdict)) - PASSED}
    non_strict = {case for case, verdict in missed.items() if set(verdicts(verdict)) <= PASSED | {"NON-STRICT"}}
    assert missed.keys() - non_strict == cases.failed.keys(), "those that fail are those that are listed"
    passed = [case for case in found if listed(case, cases.non_strict) and case not in non_strict]
    assert not passed, "those that are listed and pass are to be taken out"
    assert [case for case in non_strict if not listed(case, {**cases.non_strict, **NON_STRICT_IN_ONE_READ})] == []
    if cases.options:  # a case that could not agree on compression says so, and passes
        agreed = [case for case, verdict in found.items() if verdict["behavior"] == "OK"]
        assert len(agreed) >= cases.fewest


def verdicts(case: Mapping[str, str]) -> tuple[str, str]:
    """Of what the case is about, and of how the connection ended."""
    return case["behavior"], case["behaviorClose"]


@SETS
def test_the_server(suite: Path, cases: Cases, tmp_path: Path) -> None:
    with running(*echo("server", *cases.options)) as server:
        assert server.stdout is not None
        url = f"ws://127.0.0.1:{int(server.stdout.readline())}"
        servers = [{"agent": "duologue", "url": url}]
        subprocess.run(
            [suite, "-m", "fuzzingclient", "-s", specification(tmp_path, cases, servers=servers)],
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=PATIENCE,
        )
    check(tmp_path, cases)


@SETS
def test_the_client(suite: Path, cases: Cases, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    file = specification(tmp_path, cases, url=f"ws://127.0.0.1:{port}")
    with running(suite, "-m", "fuzzingserver", "--webport", "0", "-s", file):
        until = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            assert time.monotonic() < until, "the suite's server does not listen"
            time.sleep(0.1)
        command = echo("client", f"ws://127.0.0.1:{port}", "duologue", *cases.options)
        subprocess.run(command, cwd=ROOT, check=True, timeout=PATIENCE)
    check(tmp_path, cases)
