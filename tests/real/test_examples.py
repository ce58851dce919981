"""Protocols that others wrote, spoken with their own programs: the examples, as their documents tell it.

The programs are started by the documents' `sh until=…` blocks and ended with the test; each wait is bounded. Where one
is not installed its test is skipped, and says so.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.reader import Reader, blocks, free_port

EXAMPLES = Path(__file__).parents[2] / "examples"
PORTS = ("6800", "8000", "8545", "9000", "9001", "9222", "9229")


@pytest.fixture
def reader(tmp_path: Path, programs: Path) -> Iterator[Reader]:
    person = Reader(tmp_path, {port: free_port() for port in PORTS}, programs=programs)
    yield person
    person.close()


def follow(
    reader: Reader, name: str, programs: Sequence[str], packages: Sequence[str] = (), *, all_of_it: bool = False
) -> None:
    """Follow an example's document in a copy of its folder; `all_of_it`: also what it only shows."""
    missing = [program for program in programs if shutil.which(program) is None]
    missing += [package for package in packages if importlib.util.find_spec(package) is None]
    if missing:
        pytest.skip(f"NOT TESTED: {', '.join(missing)} not installed: `.ci/run` says how")
    shutil.copytree(EXAMPLES / name, reader.home, dirs_exist_ok=True)
    for block in blocks(EXAMPLES / name / "README.md"):
        shown = all_of_it and block.kind == "console"
        try:
            reader.follow(replace(block, kind="sh") if shown else block)
        except (AssertionError, subprocess.TimeoutExpired) as error:
            raise AssertionError(f"examples/{name}/README.md:{block.line}: {error}") from error


def check_types(home: Path) -> None:
    """Check the example's programs with the packages that were generated for them."""
    places = [*map(str, home.glob("*-sdk")), str(EXAMPLES.parent / "runtime")]
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={home / 'cache'}"]
    programs = [path.name for path in home.glob("*.py") if not path.name.startswith("their_")]
    env = {**os.environ, "MYPYPATH": os.pathsep.join(places)}
    checked = subprocess.run(
        [*command, *programs], cwd=home, env=env, capture_output=True, text=True, timeout=900, check=False
    )
    assert checked.returncode == 0, checked.stdout[-2000:] + checked.stderr[-2000:]


def test_chromium_and_node_are_driven_by_the_protocol_that_they_describe(reader: Reader) -> None:
    follow(reader, "devtools", ["chromium", "node"])
    shot = (reader.home / "shot.png").read_bytes()
    assert shot.startswith(b"\x89PNG\r\n\x1a\n")
    assert shot.endswith(b"IEND\xaeB`\x82")


def need_npm_package(name: str) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip(f"NOT TESTED: npm, which fetches {name}, is not installed")
    asked = subprocess.run([npm, "view", name, "version"], capture_output=True, text=True, timeout=120, check=False)
    if asked.returncode:
        pytest.skip(f"NOT TESTED: {name} cannot be fetched: {asked.stderr.strip()[-200:]}")


@pytest.mark.long  # it fetches a package, and generates and checks all 59 domains
def test_chromium_and_node_are_driven_by_the_whole_protocol(reader: Reader) -> None:
    need_npm_package("devtools-protocol")
    follow(reader, "devtools", ["chromium", "node"], all_of_it=True)
    assert "Accessibility" in (reader.home / "devtools.yaml").read_text()
    check_types(reader.home)


@pytest.mark.long  # it fetches a program of 40 MB
def test_blocks_of_an_ethereum_node_come_by_the_route_of_their_subscription(reader: Reader) -> None:
    need_npm_package("@foundry-rs/anvil")
    follow(reader, "ethereum", ["node"])
    check_types(reader.home)


def test_aria2_is_driven_by_params_in_order_behind_a_secret(reader: Reader) -> None:
    follow(reader, "aria2", ["aria2c"])


def test_stations_and_central_systems_of_two_makers_call_each_other(reader: Reader) -> None:
    follow(reader, "ocpp", [], ["ocpp"])


@pytest.mark.long  # mypy takes its time
@pytest.mark.parametrize(("name", "programs", "packages"), [("aria2", ["aria2c"], []), ("ocpp", [], ["ocpp", "mypy"])])
def test_the_programs_are_typed(reader: Reader, name: str, programs: list[str], packages: list[str]) -> None:
    follow(reader, name, programs, packages)
    check_types(reader.home)
