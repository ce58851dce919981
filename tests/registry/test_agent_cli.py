"""The commands of agents, through real processes, as somebody would use them."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.forked import PATIENCE, Forked
from tests.registry.test_cli import in_process, refused

from duologue_registry.agent.processes import ProcessId


class Agent:
    """`duologue-registry agent`, attached."""

    def __init__(self, url: str, root: Path, *options: str) -> None:
        self.process = Forked("agent", "--node", "web-1", "--root", str(root), "--url", url, "--json", *options)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        self.said: dict[str, Any] = json.loads(line)

    def end(self, how: signal.Signals) -> int | None:
        self.process.send_signal(how)
        self.process.communicate(timeout=PATIENCE)
        return self.process.returncode


@pytest.fixture
def agents(tmp_path: Path) -> Iterator[Callable[..., Agent]]:
    started: list[Agent] = []

    def start(url: str, *options: str) -> Agent:
        started.append(Agent(url, tmp_path / "root", *options))
        return started[-1]

    yield start
    for agent in started:
        if agent.process.poll() is None:
            agent.end(signal.SIGKILL)
    for path in (tmp_path / "root").glob("*/process.json"):
        process = process_in(path)
        if process.is_running:
            os.killpg(process.pid, signal.SIGKILL)


def process_in(path: Path) -> ProcessId:
    found = json.loads(path.read_text())
    return ProcessId(found["pid"], found["started"])


def test_an_agent_is_killed_and_started_anew(start_registry: Any, agents: Callable[..., Agent], tmp_path: Path) -> None:
    url = start_registry("--ephemeral").url

    def command(*words: str, code: int = 0) -> str:
        done = in_process(*words, DUOLOGUE_REGISTRY_URL=url)
        assert done.returncode == code, (done.stdout, done.stderr)
        return done.stdout if code == 0 else done.stderr

    program = f"{sys.executable} -u -c 'import time; print(\"here\"); time.sleep(120)'"
    command("services", "register", "api", "1.0.0", "--command", program, "--host", "127.0.0.1", "--node", "web-1")
    assert "none speaks for web-1" in command("services", "start", "api", code=1)
    agent = agents(url)
    assert (agent.said["node"], agent.said["lease_epoch"]) == ("web-1", 1)
    assert "api is running" in command("services", "start", "api")
    process = process_in(tmp_path / "root/api/process.json")
    agent.end(signal.SIGKILL)
    assert ProcessId.of(process.pid) == process
    assert "away" in command("agents")
    agent = agents(url)
    assert agent.said["lease_epoch"] == 2
    assert json.loads(command("agents", "--json"))["is_attached"] is True
    assert process_in(tmp_path / "root/api/process.json") == process
    assert command("services", "logs", "api", "--tail", "5") == "here\n"
    assert "api is stopped" in command("services", "stop", "api", "--grace", "2")
    assert not process.is_running
    assert agent.end(signal.SIGTERM) == 0


def test_two_agents_do_not_share_a_folder(start_registry: Any, agents: Callable[..., Agent], tmp_path: Path) -> None:
    url = start_registry("--ephemeral").url
    agents(url)
    done = in_process("agent", "--node", "web-2", "--root", str(tmp_path / "root"), "--url", url)
    assert (done.returncode, "is in use: another agent" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("node", "token", "hint"), [("A", "t", "node: "), ("a", "a\nb", "--token: the token cannot stand in the header")]
)
def test_an_agent_that_could_never_attach(
    shared_registry: Any, tmp_path: Path, node: str, token: str, hint: str
) -> None:
    arguments = ("--node", node, "--root", str(tmp_path), "--token", token, "--url", shared_registry.url)
    assert hint in refused(in_process("agent", *arguments), 2)


def test_an_agent_without_a_registry(tmp_path: Path) -> None:
    began = time.monotonic()
    done = in_process("agent", "--node", "web-1", "--root", str(tmp_path / "root"), "--url", "ws://127.0.0.1:1")
    assert (done.returncode, "Registry unreachable" in done.stderr) == (3, True)
    assert time.monotonic() - began < PATIENCE
