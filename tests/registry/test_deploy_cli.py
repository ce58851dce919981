"""The commands of deployments, as somebody would use them."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.forked import PATIENCE
from tests.registry import test_agent_cli
from tests.registry.deploying import package
from tests.registry.test_agent_cli import Agent
from tests.registry.test_cli import in_process

agents = test_agent_cli.agents

DEPLOY = [sys.executable, "-m", "duologue_registry", "deploy", "web-api", "1.0.0", "--nodes", "web-1", "--healthy", "1"]
SLOW = "#!/bin/sh\nwhile ! test -e ../go; do sleep 0.05; done\n"


@pytest.fixture
def command(start_registry: Any, agents: Callable[..., Agent], tmp_path: Path) -> Callable[..., Any]:
    """Commands that talk to a registry with two versions of a package, and an agent."""
    url = start_registry("--ephemeral").url
    agents(url)

    def run(*words: str, code: int = 0) -> str:
        done = in_process(*words, DUOLOGUE_REGISTRY_URL=url)
        assert done.returncode == code, (done.stdout, done.stderr)
        return done.stdout + done.stderr

    for version in ("1.0.0", "1.1.0"):
        run("package", "upload", str(package(tmp_path, version, files={"scripts/health.sh": SLOW})))
    (tmp_path / "root" / "web-api").mkdir(parents=True)
    (tmp_path / "root" / "web-api" / "go").touch()
    run.url = url  # type: ignore[attr-defined]
    return run


def test_deploying_and_rolling_back(command: Callable[..., str]) -> None:
    told = command("deploy", "web-api", "1.0.0", "--nodes", "web-1", "--healthy", "1")
    assert [line.split()[-1] for line in told.splitlines()[:-1]] == [
        "uploaded",
        "staged",
        "stopping",
        "starting",
        "verifying",
        "done",
    ]
    assert told.splitlines()[-1] == "web-api 1.0.0 is done on web-1"
    lines = command("deploy", "web-api", "1.1.0", "--nodes", "web-1", "--healthy", "1", "--json").splitlines()
    steps = [json.loads(line) for line in lines]
    assert [step["node"]["state"] for step in steps[:-1] if "node" in step][-1] == "done"
    assert steps[-1]["state"] == "done"
    assert "web-api 1.0.0 is done on web-1" in command("rollback", "web-api", "--healthy", "1")
    first, *_ = command("deployments", "list", "--json").splitlines()
    id_ = json.loads(first)["id"]
    assert "web-api 1.0.0  done" in command("deployments", "get", id_)
    assert "web-api 1.0.0 is done" in command("deployments", "watch", id_)
    assert json.loads(command("deployments", "cancel", id_, "--json"))["state"] == "done"
    assert "web-api 1.0.0 web-1 done" in command("events", "--service", "web-api", "--limit", "50")
    assert "There is no deployment" in command("deployments", "get", "00000000-0000-0000-0000-000000000000", code=1)


def test_what_does_not_become_healthy_is_told_by_the_exit_code(command: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "root" / "web-api" / "go").unlink()
    told = command("deploy", "web-api", "1.0.0", "--nodes", "web-1", "--within", "0.3", code=4)
    assert told.splitlines()[-1].startswith("web-api 1.0.0 is rolled_back: web-1, verifying: ")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("deploy", "web-api", "1.0.0"), "name the nodes to deploy to"),
        (("deploy", "web-api", "1.0.0", "--nodes", "web-1", "--batch", "0"), "--batch"),
        (("deployments", "watch", "nonsense"), "is not a valid UUID"),
    ],
)
def test_what_was_typed_wrong(words: tuple[str, ...], why: str) -> None:
    done = in_process(*words)
    assert (done.returncode, why in done.stderr) == (2, True)


class Interrupted:
    """`deploy` on a terminal, until it waits for the health of the service; then Ctrl-C."""

    def __init__(self, url: str) -> None:
        self._terminal, inner = pty.openpty()
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "duologue_registry",
                "deploy",
                "web-api",
                "1.0.0",
                "--nodes",
                "web-1",
                "--healthy",
                "1",
                "--url",
                url,
            ],
            stdin=inner,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        os.close(inner)
        assert self._process.stdout is not None
        while "verifying" not in self._process.stdout.readline():
            pass
        self._process.send_signal(signal.SIGINT)

    def answer(self, text: str) -> tuple[int, str]:
        os.write(self._terminal, text.encode())
        said, _ = self._process.communicate(timeout=PATIENCE)
        os.close(self._terminal)
        return self._process.returncode, said


def test_leaving_a_deployment_running_and_coming_back(command: Any, tmp_path: Path) -> None:
    go = tmp_path / "root" / "web-api" / "go"
    go.unlink()
    code, said = Interrupted(command.url).answer("y\n")
    assert (code, "Leave it running?" in said) == (130, True)
    id_ = json.loads(command("deployments", "list", "--json").splitlines()[0])["id"]
    assert f"deployments watch {id_}" in said
    go.touch()
    assert "web-api 1.0.0 is done on web-1" in command("deployments", "watch", id_)


def test_interrupting_a_deployment_rolls_it_back_if_that_is_wanted(command: Any, tmp_path: Path) -> None:
    (tmp_path / "root" / "web-api" / "go").unlink()
    code, said = Interrupted(command.url).answer("n\n")
    assert (code, "web-api 1.0.0 is cancelled: cancelled by anonymous" in said) == (4, True)
