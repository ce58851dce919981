"""Deployments: batch by batch, back by themselves, to an end in time; and what nodes run afterwards."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import anyio
import pytest
from tests.registry.deploying import (
    audited,
    deploy,
    digest_active,
    digest_running,
    leftovers,
    manifest,
    on_node,
    story,
    until,
    upload_versions,
)
from tests.registry.fleet import Fleet, open_fleet

from service_registry_sdk import (
    Deployment,
    DeploymentNotFound,
    DeploymentRunning,
    DeploymentState,
    Installation,
    NothingToRollBack,
    PackageInUse,
    PackageNotFound,
    VerifyServiceParams,
)

pytestmark = pytest.mark.anyio

FORWARD = ["staged", "stopping", "starting", "verifying", "done"]


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncGenerator[Fleet]:
    with anyio.fail_after(60):
        async with open_fleet(tmp_path) as fleet:
            yield fleet


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_a_rollout_batch_by_batch_and_back_when_a_node_is_not_healthy(fleet: Fleet) -> None:
    """Of three nodes the second is sick: it and the first get their version back, the third was never touched."""
    digests = await upload_versions(fleet, "1.0.0", "1.1.0")
    nodes = ["web-1", "web-2", "web-3"]
    async with AsyncExitStack() as stack:
        for node in nodes:
            await stack.enter_async_context(fleet.attached(fleet.node(node)))
        steps, done = await deploy(fleet.client, "1.0.0", nodes, batch=2)
        assert (done.state, done.message, done.started_by) == (DeploymentState.DONE, None, "anonymous")
        assert [digest_running(fleet, node) for node in nodes] == [digests["1.0.0"]] * 3
        assert [step.percent for step in steps][-1] == 100
        processes = {node: fleet.process("web-api", node) for node in nodes}
        (fleet.root("web-2") / "web-api" / "sick").touch()

        steps, back = await deploy(fleet.client, "1.1.0", nodes, within=timedelta(seconds=2))
        assert back.state is DeploymentState.ROLLED_BACK
        assert back.message == "web-2, verifying: health: it is sick"
        assert story(steps) == [
            *((node, "uploaded") for node in nodes),
            *(("web-1", state) for state in FORWARD),
            *(("web-2", state) for state in FORWARD[:-1]),
            ("web-2", "rolling_back"),
            ("web-1", "rolling_back"),
            ("web-2", "rolled_back"),
            ("web-1", "rolled_back"),
            ("-", "rolled_back"),
        ]
        assert [digest_running(fleet, node) for node in nodes] == [digests["1.0.0"]] * 3
        assert [digest_active(fleet, node) for node in nodes] == [digests["1.0.0"]] * 3
        assert fleet.process("web-api", "web-3") == processes["web-3"]
        assert fleet.process("web-api", "web-1") != processes["web-1"]
        assert [leftovers(fleet.root(node)) for node in nodes] == [[], [], []]
        assert [sorted(path.name for path in (fleet.root(node) / "web-api").glob("web-api-*")) for node in nodes] == [
            ["web-api-1.0.0"]
        ] * 3
        versions = {entry.name: entry.version for entry in (await fleet.client.list_services()).services}
        assert versions == {f"web-api@{node}": "1.0.0" for node in nodes}
        told = await audited(fleet.client)
        assert [step for step in story(told) if step[0] != "-"][-13:] == story(steps)[3:-1]


# ---------------------------------------------------------------------------------------------------- one node, asyncio
alone = pytest.mark.parametrize("anyio_backend", [("asyncio", {"use_uvloop": False})], ids=["asyncio"])
"""What happens at a node is the same on every event loop."""


@alone
async def test_cancelling_at_every_stage(fleet: Fleet) -> None:
    """Before anything is done, and in each state that a node goes through."""
    digests = await upload_versions(fleet, "1.0.0", "1.1.0")
    async with fleet.attached(fleet.node("web-1")):
        await deploy(fleet.client, "1.0.0", ["web-1"])
        cancelled: Deployment | None = None
        for state in ["uploaded", *FORWARD[:-1]]:
            stream = fleet.client.deploy_package(name="web-api", version="1.1.0", nodes=["web-1"], healthy=20)
            async with stream as steps:
                async for step in steps:
                    if step.node is not None and step.node.state == state:
                        await fleet.client.cancel_deployment(id=step.deployment, reason="enough")
                cancelled = await steps.result()
            assert (cancelled.state, cancelled.message) == ("cancelled", "cancelled by anonymous: enough")
            assert digest_running(fleet, "web-1") == digest_active(fleet, "web-1") == digests["1.0.0"], state
            assert leftovers(fleet.root("web-1")) == []
        assert cancelled is not None
        assert await fleet.client.cancel_deployment(id=cancelled.id) == cancelled
        with pytest.raises(DeploymentNotFound):
            await fleet.client.cancel_deployment(id=UUID(int=0))


@alone
async def test_what_was_deregistered_meanwhile_is_put_back_as_well(fleet: Fleet) -> None:
    digests = await upload_versions(fleet, "1.0.0", "1.1.0")
    async with fleet.attached(fleet.node("web-1")):
        await deploy(fleet.client, "1.0.0", ["web-1"])
        start = fleet.client.deploy_package(name="web-api", version="1.1.0", nodes=["web-1"], healthy=100)
        async with start as steps:
            verifying = await until(steps, "web-1", "verifying")
            newer = fleet.process("web-api")
            await fleet.client.deregister_service(name="web-api@web-1")
            await fleet.client.cancel_deployment(id=verifying.deployment)
            cancelled = await steps.result()
        assert (cancelled.state, on_node(cancelled, "web-1").state) == ("cancelled", "rolled_back")
        assert newer is not None
        assert not newer.is_running
        assert digest_running(fleet, "web-1") == digests["1.0.0"]
        entry = await fleet.client.get_service(name="web-api@web-1")
        assert (entry.version, entry.state) == ("1.0.0", "running")


@alone
async def test_what_did_not_run_before_is_gone_when_it_fails(fleet: Fleet) -> None:
    await upload_versions(fleet, "1.0.0", files={"scripts/start.sh": "#!/bin/sh\nexit 3\n"})
    async with fleet.attached(fleet.node("web-1")):
        _, back = await deploy(fleet.client, "1.0.0", ["web-1"])
        assert (back.state, back.message) == (
            "rolled_back",
            "web-1, starting: web-api@web-1 is failed: it ended with 3",
        )
        home = fleet.root("web-1") / "web-api"
        assert [path.name for path in home.iterdir()] == ["logs"]
        assert (await fleet.client.list_services()).services == []
        (info,) = (await fleet.client.list_agents()).agents
        assert info.packages == []
        await fleet.client.remove_package(name="web-api", version="1.0.0")


@alone
async def test_what_could_be_gone_back_to_can_be_after_a_deployment_that_failed(fleet: Fleet) -> None:
    digests = await upload_versions(fleet, "1.0.0", "1.1.0", "1.2.0")
    await upload_versions(fleet, "1.3.0", files={"scripts/start.sh": "#!/bin/sh\nexit 3\n"})
    home = fleet.root("web-1") / "web-api"
    async with fleet.attached(fleet.node("web-1")):
        for version in ("1.0.0", "1.1.0", "1.2.0"):
            await deploy(fleet.client, version, ["web-1"])
        _, back = await deploy(fleet.client, "1.3.0", ["web-1"])
        assert back.state == "rolled_back"
        (info,) = (await fleet.client.list_agents()).agents
        assert info.packages == [Installation(name="web-api", active="1.2.0", previous="1.1.0")]
        assert sorted(path.name for path in home.glob("web-api-*")) == ["web-api-1.1.0", "web-api-1.2.0"]
        with pytest.raises(PackageInUse, match="gone back to on web-1"):
            await fleet.client.remove_package(name="web-api", version="1.1.0")
        async with fleet.client.rollback(name="web-api", healthy=1) as steps:
            done = await steps.result()
        assert (done.state, digest_running(fleet, "web-1")) == ("done", digests["1.1.0"])


@alone
async def test_one_at_a_time_and_rolling_back_what_is_done(fleet: Fleet) -> None:
    digests = await upload_versions(fleet, "1.0.0", "1.1.0")
    async with fleet.attached(fleet.node("web-1")):
        await deploy(fleet.client, "1.0.0", ["web-1"])
        async with fleet.client.deploy_package(name="web-api", version="1.1.0", nodes=["web-1"], healthy=1) as steps:
            first = await anext(steps)
            with pytest.raises(DeploymentRunning) as refused:
                await deploy(fleet.client, "1.0.0", ["web-1"])
            assert refused.value.details.id == first.deployment
            with pytest.raises(PackageInUse):
                await fleet.client.remove_package(name="web-api", version="1.1.0")
            assert (await steps.result()).state == "done"
        assert digest_running(fleet, "web-1") == digests["1.1.0"]
        async with fleet.client.rollback(name="web-api", healthy=1) as steps:
            done = await steps.result()
        assert (done.state, done.version, digest_running(fleet, "web-1")) == ("done", "1.0.0", digests["1.0.0"])
        listed = (await fleet.client.list_deployments(name="web-api", limit=2)).deployments
        assert [each.id for each in listed] == [done.id, first.deployment]
        assert await fleet.client.get_deployment(id=done.id) == done
        with pytest.raises(PackageNotFound):
            await deploy(fleet.client, "9.0.0", ["web-1"])
        with pytest.raises(NothingToRollBack):
            async with fleet.client.rollback(name="other") as steps:
                await steps.result()


@alone
async def test_a_node_that_is_away_is_waited_for_and_put_right_when_it_returns(fleet: Fleet) -> None:
    digests = await upload_versions(fleet, "1.0.0", "1.1.0")
    async with fleet.attached(fleet.node("web-1")):
        async with fleet.attached(fleet.node("web-2")):
            await deploy(fleet.client, "1.0.0", ["web-1", "web-2"], batch=2)
            (fleet.root("web-1") / "web-api" / "sick").touch()
            start = fleet.client.deploy_package(
                name="web-api", version="1.1.0", nodes=["web-2", "web-1"], healthy=1, deadline=timedelta(minutes=30)
            )
            async with start as steps:
                first = await until(steps, "web-2", "done")
        # The agent of the first node is away from here on.
        fleet.clock.advance(timedelta(minutes=20))
        async with fleet.client.watch_deployment(id=first.deployment) as steps:
            async for step in steps:
                if step.node is not None and step.node.node == "web-2" and step.node.is_away:
                    fleet.clock.advance(timedelta(minutes=10))
            failed = await steps.result()
        assert failed.finished_at is not None
        assert failed.finished_at >= failed.deadline
        assert failed.state == "failed"
        assert [(node.node, node.state, node.message) for node in failed.nodes] == [
            ("web-2", "failed", "its agent is away"),
            ("web-1", "rolled_back", None),
        ]
        assert digest_running(fleet, "web-2") == digests["1.1.0"]
        async with fleet.attached(fleet.node("web-2")):
            with anyio.fail_after(20):
                while on_node(await fleet.client.get_deployment(id=failed.id), "web-2").state != "rolled_back":
                    await anyio.sleep(0.05)
            assert digest_running(fleet, "web-2") == digest_active(fleet, "web-2") == digests["1.0.0"]


@alone
async def test_it_waits_for_what_it_depends_on_before_it_stops_anything(fleet: Fleet) -> None:
    for version in ("1.0.0", "1.1.0"):
        await upload_versions(fleet, version, files={"manifest.yaml": manifest(version, more="depends_on: [db]\n")})
    async with fleet.attached(fleet.node("web-1")):
        await fleet.register("db")
        await fleet.start("db")
        await deploy(fleet.client, "1.0.0", ["web-1"])
        process = fleet.process("web-api")
        await fleet.client.deregister_service(name="db")
        _, back = await deploy(fleet.client, "1.1.0", ["web-1"], within=timedelta(seconds=0.2))
        assert back.message == "web-1, staged: it depends on db, which is not registered"
        assert (back.state, on_node(back, "web-1").is_touched) == ("rolled_back", False)
        assert fleet.process("web-api") == process


@alone
async def test_it_is_looked_at_whether_the_right_package_runs(fleet: Fleet) -> None:
    digests = await upload_versions(fleet, "1.0.0", "1.1.0")
    async with fleet.attached(fleet.node("web-1")) as node:
        await deploy(fleet.client, "1.0.0", ["web-1"])
        assert node.voice.lease is not None
        entry = await fleet.client.get_service(name="web-api@web-1")
        look = VerifyServiceParams(
            agent=node.voice.lease, entry=entry, sha256=digests["1.0.0"], healthy=2, within=timedelta(seconds=0.3)
        )
        for wrong, why in (
            ({}, None),
            ({"sha256": digests["1.1.0"]}, "what runs is not the package of 1.0.0"),
            ({"entry": entry.model_copy(update={"version": "1.1.0"})}, "it runs as 1.0.0, not 1.1.0"),
        ):
            found = await node.verify_service(None, look.model_copy(update=wrong))  # type: ignore[arg-type]  # not asked
            assert (found.is_healthy, found.message) == (why is None, why)
