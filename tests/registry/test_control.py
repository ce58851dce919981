"""Starting and stopping across agents, in the order of what depends on what; and health, as agents ask for it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.registry.fleet import Fleet, open_fleet
from tests.registry.test_rules import World, registration

from duologue_registry.agent.executor import Unit
from duologue_registry.agent.health import Answer, Window, ask
from duologue_registry.agent.processes import ProcessId
from duologue_registry.rules.planning import start_order, stop_order
from service_registry_sdk import (
    CommandStage,
    DependencyCycle,
    Endpoint,
    EndpointProtocol,
    HealthCheck,
    HealthStatus,
    HttpProbe,
    ScriptProbe,
    ServiceCommand,
    ServiceNotFound,
    ServiceState,
    TcpProbe,
)

pytestmark = pytest.mark.anyio

alone = pytest.mark.parametrize("anyio_backend", ["asyncio"])
"""Of what the registry decides, and no event loop; the others show that agents start, stop and ask on each of them."""

OFTEN: dict[str, Any] = {"interval": timedelta(milliseconds=50), "timeout": timedelta(seconds=5)}


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncGenerator[Fleet]:
    with anyio.fail_after(60):
        async with open_fleet(tmp_path) as fleet:
            yield fleet


def script_check(fleet: Fleet, name: str, node: str, **more: Any) -> HealthCheck:
    """Passes while there is a file `healthy` in the folder of the service."""
    home = fleet.root(node) / name
    home.mkdir(parents=True, exist_ok=True)
    (home / "health.sh").write_text("#!/bin/sh\necho asked; test -e healthy || exit 2\n")
    (home / "health.sh").chmod(0o755)
    fields: dict[str, Any] = {**OFTEN, "passes": 2, "window": 3, **more}
    return HealthCheck(probe=ScriptProbe(path="health.sh"), **fields)


# ---------------------------------------------------------------------------------------------------------------- order
def world(needs: Mapping[str, list[str]], *, up: bool = False) -> World:
    world = World()
    for name, depends_on in needs.items():
        world.do(registration(name, depends_on=depends_on))
        if up:
            world.move(ServiceState.RUNNING, name=name)
    return world


NEEDS = {"db": [], "cache": ["db"], "api": ["db", "cache"], "web": ["api"], "other": []}


def test_the_order_of_starting() -> None:
    assert start_order(world(NEEDS), "web") == ["db", "cache", "api", "web"]
    assert start_order(world(NEEDS), "db") == ["db"]
    with pytest.raises(ServiceNotFound, match="gone"):
        start_order(world({"api": ["gone"]}), "api")


def test_the_order_of_stopping() -> None:
    up = world(NEEDS, up=True)
    assert stop_order(list(up.records.values()), "db") == ["web", "api", "cache", "db"]
    assert stop_order(list(up.records.values()), "web") == ["web"]
    up.move(ServiceState.STOPPED, name="web")
    assert stop_order(list(up.records.values()), "db") == ["api", "cache", "db"]


async def test_a_cycle_is_refused_and_named(fleet: Fleet) -> None:
    await fleet.register("a", depends_on=["b"])
    await fleet.register("b", depends_on=["c"])
    with pytest.raises(DependencyCycle) as refused:
        await fleet.register("c", depends_on=["a"])
    assert refused.value.details.cycle == ["c", "a", "b", "c"]


async def test_what_is_needed_is_started_first_and_waited_for_across_agents(fleet: Fleet) -> None:
    async with fleet.attached(fleet.node("web-1")), fleet.attached(fleet.node("db-1")):
        await fleet.register("db", node="db-1", checks=[script_check(fleet, "db", "db-1")])
        await fleet.register("api", node="web-1", depends_on=["db"])
        seen: list[tuple[str, str]] = []
        async with fleet.client.service_action(name="api", command=ServiceCommand.START) as steps:
            async for step in steps:
                seen.append((step.service, step.stage))
                if step.stage is CommandStage.WAITING:
                    await anyio.sleep(0.3)  # it waits for as long as the check fails
                    assert (await fleet.client.get_service(name="api")).state is ServiceState.REGISTERED
                    (fleet.root("db-1") / "db" / "healthy").touch()
            outcome = await steps.result()
        assert outcome.succeeded
        assert seen == [
            ("api", "accepted"),
            ("db", "delivered"),
            ("db", "started"),
            ("db", "waiting"),
            ("api", "delivered"),
            ("api", "started"),
            ("api", "finished"),
        ]
        steps_, _ = await fleet.act("db", ServiceCommand.STOP, grace=timedelta(0))
        assert [step.service for step in steps_ if step.stage is CommandStage.STARTED] == ["api", "db"]
        states = {entry.name: entry.state for entry in (await fleet.client.list_services()).services}
        assert set(states.values()) == {ServiceState.STOPPED}


async def test_what_is_needed_and_does_not_come_up_is_told(fleet: Fleet) -> None:
    async with fleet.attached(fleet.node("web-1")):
        await fleet.register("db", command=["/bin/sh", "-c", "exit 7"], process={"restart": "never"})
        await fleet.register("api", depends_on=["db"])
        _, outcome = await fleet.act("api", ServiceCommand.START)
        assert (outcome.succeeded, outcome.service, outcome.state) == (False, "api", ServiceState.REGISTERED)
        assert outcome.message == "db is failed: it ended with 7"
        _, outcome = await fleet.act("api", ServiceCommand.START, alone=True)
        assert outcome.succeeded


@alone
async def test_three_levels_over_two_agents(fleet: Fleet) -> None:
    """Each waits until what it needs is healthy, and they stop the other way round."""
    async with fleet.attached(fleet.node("web-1")), fleet.attached(fleet.node("db-1")):
        await fleet.register("db", node="db-1", checks=[script_check(fleet, "db", "db-1")])
        await fleet.register("api", node="web-1", depends_on=["db"], checks=[script_check(fleet, "api", "web-1")])
        await fleet.register("web", node="db-1", depends_on=["api"])
        (fleet.root("db-1") / "db" / "healthy").touch()
        (fleet.root("web-1") / "api" / "healthy").touch()
        steps, outcome = await fleet.act("web", ServiceCommand.START)
        assert outcome.succeeded
        assert [step.service for step in steps if step.stage is CommandStage.STARTED] == ["db", "api", "web"]
        steps, _ = await fleet.act("db", ServiceCommand.STOP, grace=timedelta(0))
        assert [step.service for step in steps if step.stage is CommandStage.STARTED] == ["web", "api", "db"]


@alone
async def test_a_dependency_that_never_becomes_healthy_fails_the_start_with_the_reason(fleet: Fleet) -> None:
    async with fleet.attached(fleet.node("web-1")):
        await fleet.register("db", checks=[script_check(fleet, "db", "web-1")])
        await fleet.register("api", depends_on=["db"])
        await fleet.register("web", depends_on=["api"])
        _, outcome = await fleet.act("web", ServiceCommand.START, timeout=2)
        assert not outcome.succeeded
        assert outcome.message == "db is running: it has not become healthy: health is critical, asked"
        states = {entry.name: entry.state for entry in (await fleet.client.list_services()).services}
        assert states == {"db": "running", "api": "registered", "web": "registered"}


@alone
async def test_a_deadline_and_leaving_end_a_command(fleet: Fleet) -> None:
    async with fleet.attached(fleet.node("web-1")):
        await fleet.register("db", checks=[script_check(fleet, "db", "web-1")])
        await fleet.register("api", depends_on=["db"])
        _, outcome = await fleet.act("api", ServiceCommand.START, timeout=1.5)
        assert not outcome.succeeded
        async with fleet.client.service_action(name="api", command=ServiceCommand.START) as steps:
            async for step in steps:
                if step.stage is CommandStage.WAITING:
                    break
        (fleet.root("web-1") / "db" / "healthy").touch()  # too late: nobody waits for it any more
        await fleet.until(
            "db", lambda entry: any(report.status is HealthStatus.PASSING for report in entry.health or ())
        )
        assert (await fleet.client.get_service(name="api")).state is ServiceState.REGISTERED


async def test_a_restart(fleet: Fleet) -> None:
    async with fleet.attached(fleet.node("web-1")):
        await fleet.register("db")
        await fleet.register("api", depends_on=["db"])
        await fleet.start("api")
        db, api = fleet.process("db"), fleet.process("api")
        _, outcome = await fleet.act("db", ServiceCommand.RESTART, grace=timedelta(0))
        assert outcome.succeeded
        assert fleet.process("db") != db
        assert fleet.process("api") == api


# --------------------------------------------------------------------------------------------------------------- health
PASS, FAIL = Answer(HealthStatus.PASSING), Answer(HealthStatus.CRITICAL)


@pytest.mark.parametrize(
    ("passes", "window", "answers", "verdicts"),
    [
        (1, 1, "pfp", "pcp"),
        (2, 3, "ppfpffpp", "uppp" + "cccp"),
        (2, 3, "fpp", "uup"),
        (2, 3, "fff", "ucc"),
        (3, 3, "pppfppp", "uup" + "cccp"),
        (1, 3, "ffpff" + "fp", "uuppp" + "cp"),
    ],
)
def test_one_answer_does_not_turn_a_verdict_over(passes: int, window: int, answers: str, verdicts: str) -> None:
    found = Window(HealthCheck(probe=TcpProbe(address="h:1"), passes=passes, window=window))
    letters = {HealthStatus.UNKNOWN: "u", HealthStatus.PASSING: "p", HealthStatus.CRITICAL: "c"}
    assert "".join(letters[found.add(PASS if each == "p" else FAIL)] for each in answers) == verdicts


async def test_what_is_asked_and_how(fleet: Fleet, tmp_path: Path) -> None:
    port = int(fleet.url.rpartition(":")[2])
    await fleet.register("api")
    unit = Unit(await fleet.client.get_service(name="api"), tmp_path)
    for name, code in (("warns", 1), ("fails", 2), ("passes", 0)):
        (tmp_path / name).write_text(f"#!/bin/sh\necho it {name}\nexit {code}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "hangs").write_text("#!/bin/sh\nsleep 60 & echo $! > child; sleep 60\n")
    (tmp_path / "hangs").chmod(0o755)
    (tmp_path / "leaves").write_text("#!/bin/sh\nsleep 60 & echo $! > left; echo it leaves\n")
    (tmp_path / "leaves").chmod(0o755)
    listed: list[tuple[Any, str, str]] = [
        (ScriptProbe(path="passes"), "passing", "it passes"),
        (ScriptProbe(path="warns"), "warning", "it warns"),
        (ScriptProbe(path="fails"), "critical", "it fails"),
        (ScriptProbe(path="gone"), "critical", "No such file"),
        (ScriptProbe(path="hangs"), "critical", "no answer within 1 seconds"),
        (ScriptProbe(path="leaves"), "passing", "it leaves"),
        (TcpProbe(address=f"127.0.0.1:{port}"), "passing", ""),
        (TcpProbe(address="127.0.0.1:1"), "critical", "connection"),
        (TcpProbe(address="127.0.0.1:99999"), "critical", ""),  # no port, of which each event loop says another thing
        (HttpProbe(url=f"http://127.0.0.1:{port}/x", expect_status=426), "passing", "HTTP 426"),
        (HttpProbe(url=f"http://127.0.0.1:{port}/x"), "critical", "HTTP 426"),
    ]
    for probe, status, output in listed:
        answer = await ask(HealthCheck(probe=probe, timeout=timedelta(seconds=1)), unit)
        assert (str(answer.status), output.lower() in (answer.output or "").lower()) == (status, True), (probe, answer)
        assert "sub-exception" not in (answer.output or "")
    for started in ("child", "left"):
        child = int((tmp_path / started).read_text())
        await fleet.wait(lambda: ProcessId.of(child) is None)  # noqa: B023 - what a script has started ends with it


async def test_only_healthy_endpoints_are_listed(fleet: Fleet) -> None:
    endpoint = Endpoint(name="public", address="10.0.0.7:80", protocol=EndpointProtocol.HTTP)
    async with fleet.attached(fleet.node("web-1")):
        check = script_check(fleet, "api", "web-1")
        await fleet.register("api", checks=[check], endpoints=[endpoint])
        home = fleet.root("web-1") / "api"
        (home / "healthy").touch()
        async with fleet.client.events.health_check_result(service="api") as results:
            await fleet.start("api")
            while (await anext(results)).report.status is not HealthStatus.PASSING:
                pass
            assert len((await fleet.client.list_endpoints(name="api")).endpoints) == 1
            (home / "healthy").unlink()
            result = await anext(results)
            assert (result.report.status, result.report.output) == (HealthStatus.CRITICAL, "asked")
            assert (await fleet.client.list_endpoints(name="api")).endpoints == []
        await fleet.stop("api")
