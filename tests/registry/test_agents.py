"""Agents: processes that are started, watched, found again, stopped; and whom the registry listens to."""

from __future__ import annotations

import errno
import os
import re
import signal
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest
from tests.registry.archives import make_package
from tests.registry.fleet import Fleet, open_fleet

from duologue import CallError
from duologue_registry.agent import logs
from duologue_registry.agent.executor import Unit
from duologue_registry.agent.processes import Processes, ProcessId
from service_registry_sdk import (
    AgentLease,
    AgentUnavailable,
    CommandStage,
    HealthReport,
    HealthStatus,
    Installation,
    Local,
    LogLineSource,
    NotOwner,
    PackageInUse,
    RestartPolicy,
    ServiceCommand,
    ServiceState,
)

pytestmark = [pytest.mark.anyio]


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncGenerator[Fleet]:
    with anyio.fail_after(60):
        async with open_fleet(tmp_path) as fleet:
            yield fleet


async def test_a_service_is_started_and_stopped(fleet: Fleet) -> None:
    await fleet.register("api")
    async with fleet.attached(fleet.node("web-1")):
        async with fleet.client.events.service_state_changed(name="api") as moves:
            steps, outcome = await fleet.act("api", ServiceCommand.START)
            assert [step.stage for step in steps] == list(
                map(CommandStage, ("accepted", "delivered", "started", "finished"))
            )
            assert (outcome.succeeded, outcome.state) == (True, ServiceState.RUNNING)
            process = fleet.process("api")
            assert process is not None
            assert ProcessId.of(process.pid) == process
            assert os.getpgid(process.pid) == process.pid
            await fleet.stop("api")
            assert not process.is_running
            seen = [(await anext(moves)).new for _ in range(4)]
        assert seen == list(map(ServiceState, ("starting", "running", "stopping", "stopped")))
        assert (await fleet.client.get_service(name="api")).state is ServiceState.STOPPED
        records = (await fleet.client.list_events(service="api")).records
        assert [record.event for record in records[::-1]].count("service_commanded") == 2


async def test_what_cannot_be_started_fails_with_a_reason(fleet: Fleet) -> None:
    await fleet.register("gone", command=["/no/such/program"], process={"restart": RestartPolicy.NEVER})
    await fleet.register("ends", command=["/bin/sh", "-c", "exit 3"], process={"restart": RestartPolicy.NEVER})
    async with fleet.attached(fleet.node("web-1")):
        for name, reason in (("gone", "No such file or directory"), ("ends", "it ended with 3")):
            _, outcome = await fleet.act(name, ServiceCommand.START)
            assert (outcome.succeeded, outcome.state) == (False, ServiceState.FAILED)
            assert reason in (outcome.message or "")
            entry = await fleet.client.get_service(name=name)
            assert (entry.state, reason in (entry.state_reason or "")) == (ServiceState.FAILED, True)


async def test_grace_then_kill_of_the_whole_group(fleet: Fleet, tmp_path: Path) -> None:
    """It ignores the request to end, and so does what it has started."""
    child = tmp_path / "child"
    script = f"trap '' TERM; (trap '' TERM; echo $$ > /dev/null; exec sleep 120) & echo $! > {child}; wait; sleep 120"
    await fleet.register("stubborn", command=["/bin/sh", "-c", script])
    async with fleet.attached(fleet.node("web-1")):
        await fleet.start("stubborn")
        await fleet.wait(lambda: child.exists() and child.read_text().strip())
        process, inner = fleet.process("stubborn"), ProcessId.of(int(child.read_text()))
        assert process is not None
        assert inner is not None
        began = anyio.current_time()
        await fleet.stop("stubborn", grace=timedelta(seconds=0.3))
        assert anyio.current_time() - began >= 0.3
        assert not process.is_running
        await fleet.wait(lambda: not inner.is_running)


async def test_on_a_full_disk_nothing_is_started_that_nobody_would_find_and_all_can_be_stopped(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    mark = tmp_path / "pid"
    await fleet.register("api")
    await fleet.register("new", command=["/bin/sh", "-c", f"echo $$ > {mark}; exec sleep 60"])
    async with fleet.attached(fleet.node("web-1")):
        await fleet.start("api")
        process = fleet.process("api")
        assert process is not None
        monkeypatch.setattr("duologue_registry.agent.supervisor.write_record", full)
        monkeypatch.setattr("duologue_registry.agent.processes._write", full)
        await fleet.stop("api")
        assert not process.is_running
        _, outcome = await fleet.act("new", ServiceCommand.START)
        assert (outcome.succeeded, "No space left" in (outcome.message or "")) == (False, True)
        assert not mark.exists() or ProcessId.of(int(mark.read_text())) is None
        monkeypatch.undo()
        await fleet.start("new")


async def test_what_ends_by_itself_is_started_again_and_given_up_in_the_end(fleet: Fleet) -> None:
    await fleet.register("api", process={"restart": RestartPolicy.ALWAYS})
    async with fleet.attached(fleet.node("web-1")):
        await fleet.start("api")
        pids: set[int] = set()
        for _ in range(3):  # as often as this agent has patience for
            process = fleet.process("api")
            assert process is not None
            pids.add(process.pid)
            os.killpg(process.pid, signal.SIGKILL)
            await fleet.until_replaced("api", process)
        process = fleet.process("api")
        assert process is not None
        os.killpg(process.pid, signal.SIGKILL)
        entry = await fleet.until_state("api", ServiceState.FAILED)
        assert entry.state_reason == "it was killed by SIGKILL"
        assert len(pids) == 3
        await fleet.start("api")  # somebody who asks begins anew


async def test_the_restart_policy_is_heeded(fleet: Fleet) -> None:
    await fleet.register("done", command=["/bin/sh", "-c", "sleep 0.4"])
    async with fleet.attached(fleet.node("web-1")):
        await fleet.start("done")
        entry = await fleet.until_state("done", ServiceState.STOPPED)
        assert entry.state_reason == "it ended by itself, with 0"


@pytest.mark.parametrize("name", ["start", "stop", "observe", "until_change"])
async def test_an_executor_that_fails_fails_its_service_and_no_other(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    works, broken = getattr(Processes, name), False

    async def fail(self: Processes, unit: Unit, *more: float) -> object:
        if broken and unit.name == "api":
            raise ZeroDivisionError(name)
        return await works(self, unit, *more)

    monkeypatch.setattr("duologue_registry.agent.supervisor.LOOK_AGAIN", 0.05)
    monkeypatch.setattr(Processes, name, fail)
    for each in ("api", "other"):
        await fleet.register(each, process={"restart": RestartPolicy.NEVER})
    async with fleet.attached(fleet.node("web-1")):
        await fleet.start("other")
        if name != "start":
            await fleet.start("api")
        broken = True
        if name in ("start", "stop"):
            _, outcome = await fleet.act("api", ServiceCommand(name))
            assert outcome.state is ServiceState.FAILED
        await fleet.wait(lambda: "its executor failed" in caplog.text)
        if name != "until_change":
            entry = await fleet.until_state("api", ServiceState.FAILED)
            (number,) = re.findall(r"incident (\w+)", entry.state_reason or "")
            assert f"incident {number}" in caplog.text
        broken = False
        for each in ("api", "other"):
            await fleet.stop(each)


async def test_an_agent_that_is_started_anew_finds_its_services(fleet: Fleet) -> None:
    for name in ("goes-on", "died", "stopped"):
        await fleet.register(name)
    async with fleet.attached(fleet.node("web-1")):
        for name in ("goes-on", "died", "stopped"):
            await fleet.start(name)
        await fleet.stop("stopped")
    before, died = fleet.process("goes-on"), fleet.process("died")
    assert before is not None
    assert died is not None
    assert before.is_running
    os.killpg(died.pid, signal.SIGKILL)
    async with fleet.attached(fleet.node("web-1")):
        await fleet.until_replaced("died", died)
        assert fleet.process("goes-on") == before
        assert (await fleet.client.get_service(name="goes-on")).state is ServiceState.RUNNING
        assert (await fleet.client.get_service(name="stopped")).state is ServiceState.STOPPED
        os.killpg(before.pid, signal.SIGKILL)  # it is watched, though it is nobody's child here
        await fleet.until_replaced("goes-on", before)
        await fleet.stop("goes-on")
        await fleet.stop("died")


async def test_what_runs_is_not_taken_for_the_version_that_is_registered(fleet: Fleet) -> None:
    await fleet.register("api")
    async with fleet.attached(fleet.node("web-1")):
        await fleet.start("api")
    await fleet.register("api", version="1.1.0")
    async with fleet.attached(fleet.node("web-1")):  # it tells what it finds
        first = fleet.process("api")
        assert first is not None
        os.killpg(first.pid, signal.SIGKILL)  # and what becomes of it
        await fleet.wait(lambda: fleet.process("api") not in (None, first))
        await fleet.register("marker")
        await fleet.start("marker")
        assert (await fleet.client.get_service(name="api")).state is ServiceState.REGISTERED
        again = fleet.process("api")
        assert again is not None
        await fleet.start("api")
        assert not again.is_running
        entry = await fleet.client.get_service(name="api")
        assert (entry.state, entry.version) == (ServiceState.RUNNING, "1.1.0")
        await fleet.register("api", version="1.2.0")
        await fleet.stop("api")  # whatever version it is of that runs
        assert (await fleet.client.get_service(name="api")).state is ServiceState.STOPPED


async def test_a_node_that_has_gone_back_by_itself_does_not_run_what_it_did(fleet: Fleet) -> None:
    await fleet.register("api")
    async with fleet.attached(fleet.node("web-1")):
        await fleet.start("api")
    record = fleet.root("web-1") / "api" / "service.json"
    old = record.read_text()
    await fleet.register("api", version="1.1.0")
    async with fleet.attached(fleet.node("web-1")):
        await fleet.start("api")
    record.write_text(old)
    async with fleet.attached(fleet.node("web-1")):
        entry = await fleet.until_state("api", ServiceState.FAILED)
        assert entry.state_reason == "its agent has attached, and does not run it"


async def test_a_folder_is_not_shared(fleet: Fleet) -> None:
    """Nor where the registry knows better: an agent remembers what was deregistered."""
    await fleet.register("shop")
    async with fleet.attached(fleet.node("web-1")):
        await fleet.start("shop")
        process = fleet.process("shop")
        await fleet.client.deregister_service(name="shop")
        await fleet.register("shop@web-1")
        _, outcome = await fleet.act("shop@web-1", ServiceCommand.START)
        assert (outcome.succeeded, outcome.message) == (
            False,
            "shop runs in the folder shop on web-1, which cannot be shared",
        )
        assert fleet.process("shop") == process
        await fleet.client.deregister_service(name="shop@web-1")
        await fleet.register("shop")
        await fleet.stop("shop")
        await fleet.client.deregister_service(name="shop")
        await fleet.register("shop@web-1")
        await fleet.start("shop@web-1")
        await fleet.stop("shop@web-1")


async def test_a_number_that_is_another_process_by_now_is_not_adopted(fleet: Fleet) -> None:
    """The agent was away for long enough for the kernel to give the number to somebody else."""
    await fleet.register("api")
    async with fleet.attached(fleet.node("web-1")):
        await fleet.start("api")
        await fleet.stop("api")
    stranger = await anyio.open_process(["/bin/sleep", "60"], start_new_session=True)
    (fleet.root("web-1") / "api" / "process.json").write_text(f'{{"pid": {stranger.pid}, "started": 1}}')
    async with fleet.attached(fleet.node("web-1")):
        await fleet.stop("api")
        assert stranger.returncode is None
        assert ProcessId.of(stranger.pid) is not None
    stranger.kill()
    await stranger.aclose()


# -------------------------------------------------------------------------------------------------------------- fencing
async def test_only_the_agent_that_attached_last_is_listened_to(fleet: Fleet, tmp_path: Path) -> None:
    await fleet.register("api")
    async with fleet.attached(fleet.node("web-1")) as first:
        await fleet.start("api")
        async with fleet.attached(fleet.node("web-1", root=tmp_path / "other")) as second:
            assert first.voice.lease is not None
            assert second.voice.lease == AgentLease(node="web-1", lease_epoch=first.voice.lease.lease_epoch + 1)
            (info,) = (await fleet.client.list_agents()).agents
            assert (info.lease_epoch, info.is_attached) == (2, True)
            process = fleet.process("api")
            assert process is not None
            os.killpg(process.pid, signal.SIGKILL)  # what the first one tells of it is refused
            await fleet.wait(lambda: fleet.fenced)
    assert fleet.fenced == ["another agent has attached as web-1: this one ends"]
    entry = await fleet.client.get_service(name="api")
    assert entry.state_reason == "its agent has attached, and does not run it"


async def test_who_does_not_speak_for_a_service_is_refused(fleet: Fleet) -> None:
    await fleet.register("api")
    await fleet.register("other", node="web-2")
    async with fleet.attached(fleet.node("web-1")) as node:
        assert node.voice.lease is not None
        epoch = node.voice.lease.lease_epoch
        report = HealthReport(check="x", status=HealthStatus.PASSING, checked_at=datetime.now(UTC))
        for name, lease in (
            ("api", AgentLease(node="web-1", lease_epoch=epoch + 1)),
            ("api", AgentLease(node="web-2", lease_epoch=1)),
            ("other", node.voice.lease),
        ):
            with pytest.raises(NotOwner):
                await fleet.client.update_state(name=name, state=ServiceState.RUNNING, agent=lease)
            with pytest.raises(NotOwner):
                await fleet.client.report_health(name=name, report=report, agent=lease)


async def test_without_an_agent_nothing_is_done(fleet: Fleet) -> None:
    await fleet.register("api")
    await fleet.client.register_service(
        name="nowhere",
        version="1.0.0",
        execution=(await fleet.client.get_service(name="api")).execution,
        location=Local(),
    )
    for name, reason in (("api", "none speaks for web-1"), ("nowhere", "registered without a node")):
        with pytest.raises(AgentUnavailable, match=reason):
            await fleet.act(name, ServiceCommand.START)
    assert (await fleet.client.get_service(name="api")).state is ServiceState.REGISTERED
    async with fleet.attached(fleet.node("web-1")):
        await fleet.start("api")
    with pytest.raises(AgentUnavailable):
        await fleet.act("api", ServiceCommand.STOP)


# ----------------------------------------------------------------------------------------------------------------- logs
async def test_a_service_does_not_have_its_agents_token(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUOLOGUE_TOKEN", "secret")
    monkeypatch.setenv("OTHER", "known")
    command = ["/bin/sh", "-c", 'echo "<$DUOLOGUE_TOKEN$OTHER$MORE$SERVICE_NAME>"; exec sleep 60']
    await fleet.register("api", command=command, process={"environment": {"MORE": "-more-"}})
    async with fleet.attached(fleet.node("web-1")):
        await fleet.start("api")
        async with fleet.client.watch_logs(name="api", tail=1, follow=False) as lines:
            assert [line.text async for line in lines] == ["<known-more-api>"]


async def test_what_a_service_writes_is_read(fleet: Fleet) -> None:
    script = "for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; done; while :; do sleep 0.1; echo more; done"
    await fleet.register("chatty", command=["/bin/sh", "-c", script])
    async with fleet.attached(fleet.node("web-1")):
        await fleet.start("chatty")
        async with fleet.client.watch_logs(name="chatty", tail=200, follow=False) as lines:
            found = [line async for line in lines]
        assert [line.text for line in found if line.source is LogLineSource.STDERR] == [f"err {i}" for i in range(1, 6)]
        async with fleet.client.watch_logs(name="chatty", tail=0, follow=True) as lines:
            new = [await anext(lines) for _ in range(2)]
        assert [line.text for line in new] == ["more", "more"]
        assert all(line.at for line in new)
        await fleet.stop("chatty")


def test_logs_are_bounded_and_their_ends_found(tmp_path: Path) -> None:
    with logs.append_to(tmp_path, "stdout") as out:
        out.write(b"".join(b"line %d\n" % number for number in range(50_000)))
        out.flush()
        end = logs._End(LogLineSource.STDOUT, tmp_path / "logs/stdout.log")
        assert [line.text for line in end.last(3)] == ["line 49997", "line 49998", "line 49999"]
        logs.bound(tmp_path, 100_000)
        out.write(b"after\nhalf")
        out.flush()
        assert [line.text for line in end.new()] == ["after"]
        out.write(b" of it\n" + b"x" * 20_000)
        out.flush()
        assert [(line.text[:9], len(line.text)) for line in end.new()] == [("half of i", 10), ("xxxxxxxxx", 8192)]
    assert (tmp_path / "logs/stdout.log").stat().st_size < 100_000
    aside = (tmp_path / "logs/stdout.1").read_bytes()
    assert len(aside) == 100_000
    assert aside.endswith(b"line 49998\nline 49999\n")


# ------------------------------------------------------------------------------------------------------------- packages
async def test_a_start_installs_the_version_that_is_registered(fleet: Fleet, tmp_path: Path) -> None:
    command = ["scripts/start.sh"]
    for version in ("1.0.0", "1.1.0"):
        path = make_package(tmp_path / "build", "api", version, config__version=version)
        await fleet.client.upload_package(path, name="api", version=version)
    await fleet.register("api", command=command)
    current = fleet.root("web-1") / "api" / "current"
    async with fleet.attached(fleet.node("web-1")):
        await fleet.start("api")
        assert (current / "config/version").read_text() == "1.0.0"
        first = fleet.process("api")
        await fleet.register("api", command=command, version="1.1.0")
        await fleet.start("api")
        assert (current / "config/version").read_text() == "1.1.0"
        assert fleet.process("api") != first
        assert first is not None
        assert not first.is_running
        await fleet.register("api", command=command, version="1.0.0")
        await fleet.start("api")
        assert (current / "config/version").read_text() == "1.0.0"
        await fleet.stop("api")
        (info,) = (await fleet.client.list_agents()).agents
        assert info.packages == [Installation(name="api", active="1.0.0", previous="1.1.0")]
        with pytest.raises(PackageInUse, match="gone back to on web-1"):
            await fleet.client.remove_package(name="api", version="1.1.0")


async def test_an_agent_may_trust_others_than_its_registry(fleet: Fleet, tmp_path: Path) -> None:
    from duologue_registry.packages.signing import SignaturePolicy, new_key

    trusted = tmp_path / "trusted"
    trusted.write_text(f"ann {new_key(tmp_path / 'key')}\n")
    node = fleet.node("web-1", policy=SignaturePolicy.read(trusted))
    await fleet.client.upload_package(make_package(tmp_path / "build", "api", "1.0.0"), name="api", version="1.0.0")
    await fleet.register("api", command=["scripts/start.sh"])
    async with fleet.attached(node):
        with pytest.raises(CallError, match="signature is refused"):
            await fleet.act("api", ServiceCommand.START)
    assert not (fleet.root("web-1") / "api" / "current").exists()


# --------------------------------------------------------------------------------------------------------- the registry
async def test_what_happens_while_the_registry_is_away_is_told_when_it_is_back(fleet: Fleet) -> None:
    await fleet.register("api", process={"restart": RestartPolicy.NEVER})
    async with fleet.attached(fleet.node("web-1")) as node:
        await fleet.start("api")
        process = fleet.process("api")
        assert process is not None
        fleet.agents["web-1"].connection.abort()
        os.killpg(process.pid, signal.SIGKILL)
        entry = await fleet.until_state("api", ServiceState.FAILED)
        assert entry.state_reason == "it was killed by SIGKILL"
        with anyio.fail_after(60):  # attaching tells the state, and is answered after that
            while node.voice.lease is None or node.voice.lease.lease_epoch < 2:
                await anyio.sleep(0.01)
        assert node.voice.lease.lease_epoch == 2
