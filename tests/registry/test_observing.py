"""A registry that runs shows its numbers, whether it is ready, and a log that programs can read."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from duologue import CallError, Deflate, Metrics
from duologue_registry.clock import SystemClock
from duologue_registry.serving.observing import Observing, observers_of
from duologue_registry.serving.protection import Protection
from duologue_registry.serving.steady import SteadyHandler
from duologue_registry.storing.journal import JournaledStore
from duologue_registry.storing.memory import MemoryJournal
from service_registry_sdk import Local, ManagedProcess, RegistryClient

if TYPE_CHECKING:
    from tests.registry.conftest import Start


def fetch(url: str, path: str, token: str | None = None) -> tuple[int, str]:
    """The status and the body of what a registry answers."""
    request = urllib.request.Request(url.replace("ws://", "http://") + path)
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_registry_shows_its_numbers_and_logs_for_programs(start_registry: Start) -> None:
    running = start_registry("--ephemeral", "--log-format", "json", "--log-level", "debug")
    url = running.started["url"]
    seen = Metrics()
    with RegistryClient.open_sync(url, observers=[seen], compression=Deflate()) as registry:
        registry.register_service(
            name="secret-name", version="1.0.0", execution=ManagedProcess(command=["x"]), location=Local()
        )
        with pytest.raises(CallError):
            registry.get_service(name="nobody")
        assert fetch(url, "/healthz") == (200, "ok\n")
        assert fetch(url, "/readyz") == (200, "ready\n")
        status, page = fetch(url, "/metrics")
    assert status == 200
    called = 'duologue_calls_total{direction="outgoing",action="get_service",status="not_found"} 1'
    assert called in seen.render().splitlines(), "synchronous code has its observers as well"
    for line in (
        'duologue_calls_total{direction="incoming",action="register_service",status="ok"} 1',
        'duologue_calls_total{direction="incoming",action="get_service",status="not_found"} 1',
        'duologue_connections{role="server"} 1',
        'registry_services{state="registered"} 1',
        "registry_revision 1",
        "registry_read_only 0",
    ):
        assert line in page.splitlines()
    code, said = running.stop()
    assert code == 0
    told: list[dict[str, Any]] = [json.loads(line) for line in said.splitlines()]
    ended = [each for each in told if each["message"] == "call ended"]
    assert [(each["action"], each["status"]) for each in ended] == [
        ("register_service", "ok"),
        ("get_service", "not_found"),
    ]
    assert {each["connection"] for each in told if "connection" in each} == {told[0]["connection"]}
    assert "secret-name" not in said


def test_with_a_token_its_numbers_are_for_whoever_shows_it(
    start_registry: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "DUOLOGUE_METRICS_TOKEN", "swordfish")
    url = start_registry("--ephemeral").started["url"]
    assert fetch(url, "/metrics")[0] == 401
    assert fetch(url, "/metrics", "swordfish")[0] == 200
    assert fetch(url, "/readyz")[0] == 200


def test_nothing_is_logged_of_what_is_usual(start_registry: Start, data_directory: Path) -> None:
    running = start_registry("--data", str(data_directory))
    with RegistryClient.open_sync(running.started["url"]) as registry:
        registry.list_services()
    assert running.stop() == (0, "")


def test_a_log_that_cannot_be_written_hinders_nobody_and_goes_on(data_directory: Path) -> None:
    """A real refusal: the file may not grow, as on a full disk."""
    resource = pytest.importorskip("resource", reason="file size limits are a POSIX feature")
    data_directory.mkdir()
    log = data_directory / "log"
    command = [sys.executable, "-m", "duologue_registry", "serve", "--ephemeral", "--port=0", "--json"]
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            [*command, "--log-level=debug", "--log-format=json"], stdout=subprocess.PIPE, stderr=errors
        ) as process,
    ):
        try:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            with RegistryClient.open_sync(url) as registry:
                registry.list_services()
                soft, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (log.stat().st_size + 30, hard))
                for _ in range(5):
                    registry.list_services()
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (soft, hard))
                registry.list_services()
            process.terminate()
            assert process.wait(20) == 0
        finally:
            process.kill()
    lines = log.read_text().splitlines()
    assert any("could not be written" in line for line in lines)
    torn = [line for line in lines if not line.endswith("}")]
    assert len(torn) == 1, "what was written by half stands on a line of its own"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device here that is always full")
def test_a_full_disk_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    with Path("/dev/full").open("w") as full:
        handler = SteadyHandler(full)
        for _ in range(3):
            handler.handle(logging.LogRecord("x", logging.ERROR, __file__, 0, "y", (), None))
    assert capsys.readouterr().err == ""


@pytest.mark.anyio
async def test_a_registry_whose_disk_failed_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    async with JournaledStore.open(MemoryJournal(), SystemClock()) as store:
        observers, probes = observers_of(store, Protection(SystemClock()), Observing())
        assert probes.not_ready is not None
        assert probes.not_ready() is None
        monkeypatch.setattr(store, "_failure", "no space left")
        assert "disk" in (probes.not_ready() or "")
        [metrics] = [each for each in observers if isinstance(each, Metrics)]
        assert "registry_read_only 1" in metrics.render()
