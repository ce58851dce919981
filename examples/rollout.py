"""A deployment, one that fails, and one whose agent is killed: the second part of the demonstration.

Two agents on this machine run `shop`, a sample service in a package of its own, for a registry. Everything is below
one folder, and nothing is left running.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
from anyio.to_thread import run_sync
from telling import check, paint, say, title

from duologue import Stream
from duologue_registry.packages.building import build_package
from service_registry_sdk import (
    Deployment,
    DeploymentStep,
    ManagedProcess,
    RegistryClient,
    Remote,
    ServiceCommand,
    ServiceState,
)

NODES = ["web-1", "web-2"]
SHOP = Path(__file__).parent / "shop"
GATE: dict[str, Any] = {"healthy": 2, "within": timedelta(seconds=10), "deadline": timedelta(minutes=1)}


class Agent:
    """`duologue-registry agent`, as a process of its own."""

    def __init__(self, node: str, root: Path, url: str) -> None:
        self._command = [sys.executable, "-m", "duologue_registry", "agent", "--json"]
        self._command += ["--node", node, "--root", str(root), "--url", url]
        self.node = node
        self.root = root
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, and wait until the registry knows it."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self._process = subprocess.Popen(
            self._command,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PATH": path},
            start_new_session=True,
        )
        assert self._process.stdout is not None
        with self._process.stdout as output:
            line = output.readline()
        check(f"the agent of {self.node} is attached, process {self._process.pid}", holds=bool(line))

    def kill(self) -> None:
        """With SIGKILL, in the middle of whatever it does."""
        assert self._process is not None
        say(paint(f"kill -9 {self._process.pid}, the agent of {self.node}", 31))
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """End it, and what it runs, whatever has happened."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=20)
        for path in self.root.glob("*/process.json"):
            with suppress(ProcessLookupError, KeyError):
                os.killpg(json.loads(path.read_text())["pid"], signal.SIGKILL)


# ---------------------------------------------------------------------------------------------------------- the service
def build(folder: Path, version: str, *, is_broken: bool = False) -> Path:
    """A version of the sample service; one that is broken lacks a file."""
    sources = folder / f"shop-{version}"
    shutil.copytree(SHOP, sources)
    manifest = sources / "manifest.yaml"
    manifest.write_text(manifest.read_text().replace("version: 1.0.0", f"version: {version}"))
    if is_broken:
        (sources / "config" / "shelf").unlink()
    return build_package(sources, folder).path


async def upload(client: RegistryClient, folder: Path, version: str, *, is_broken: bool = False) -> None:
    path = await run_sync(lambda: build(folder, version, is_broken=is_broken))
    info = await client.upload_package(path, name="shop", version=version)
    say(f"upload_package(shop {version})  →  {info.size} bytes, sha256 {info.sha256[:12]}…")


async def follow(stream: Stream[DeploymentStep, Deployment]) -> Deployment:
    """Print how it goes."""
    async for step in stream:
        if step.node is not None:
            why = f"  {step.node.message}" if step.node.message else ""
            say(paint(f"{step.percent:>16} %  {step.node.node}: {step.node.state}{why}", 36))
    return await stream.result()


async def deploy(client: RegistryClient, version: str, **gate: Any) -> Deployment:
    async with client.deploy_package(name="shop", version=version, nodes=NODES, **{**GATE, **gate}) as stream:
        return await follow(stream)


def versions(agents: list[Agent]) -> list[str]:
    """What the services say themselves, asked over HTTP."""
    found: list[str] = []
    for agent in agents:
        command = [sys.executable, str(agent.root / "shop" / "current" / "bin" / "shop.py"), "--ask", "/version"]
        found.append(subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip())
    return found


# --------------------------------------------------------------------------------------------------------- what is done
async def start_stock(client: RegistryClient) -> None:
    title("What the shop depends on runs first")
    await client.register_service(
        name="stock",
        version="1.0.0",
        execution=ManagedProcess(command=["sleep", "600"]),
        location=Remote(host="127.0.0.1", node="web-1"),
    )
    async with client.service_action(name="stock", command=ServiceCommand.START) as steps:
        outcome = await steps.result()
    check("stock runs on web-1", holds=outcome.state is ServiceState.RUNNING)


async def roll_out(client: RegistryClient, agents: list[Agent], folder: Path) -> None:
    title("A package is deployed, node by node")
    await upload(client, folder, "1.0.0")
    done = await deploy(client, "1.0.0")
    check(f"deployment {done.id} is done", holds=done.state == "done")
    check("both nodes serve 1.0.0", holds=await run_sync(versions, agents) == ["1.0.0", "1.0.0"])


async def fail(client: RegistryClient, agents: list[Agent], folder: Path) -> None:
    title("The next version is broken: it goes back by itself")
    await upload(client, folder, "1.1.0", is_broken=True)
    back = await deploy(client, "1.1.0", within=timedelta(seconds=3))
    check(f"it is rolled back: {back.message}", holds=back.state == "rolled_back")
    check("the second node was never touched", holds=not back.nodes[1].is_touched)
    check("both nodes serve 1.0.0, as before", holds=await run_sync(versions, agents) == ["1.0.0", "1.0.0"])


async def survive(client: RegistryClient, agents: list[Agent], folder: Path) -> None:
    title("The agent is killed in the middle of the one after that")
    await upload(client, folder, "1.2.0")
    async with client.deploy_package(name="shop", version="1.2.0", nodes=NODES, **GATE) as stream:
        async for step in stream:
            if step.node is not None and step.node.state == "starting":
                break
    await run_sync(agents[0].kill)
    await run_sync(agents[0].start)
    async with client.watch_deployment(id=step.deployment) as stream:
        done = await follow(stream)
    check("the deployment went on, and is done", holds=done.state == "done")
    check("both nodes serve 1.2.0", holds=await run_sync(versions, agents) == ["1.2.0", "1.2.0"])


@asynccontextmanager
async def running(agents: list[Agent]) -> AsyncGenerator[None]:
    try:
        async with anyio.create_task_group() as tasks:
            for agent in agents:
                tasks.start_soon(run_sync, agent.start)
        yield
    finally:
        for agent in agents:
            await run_sync(agent.end)


async def rollout(client: RegistryClient, url: str, folder: Path) -> None:
    """Show it, against a registry that runs."""
    title("Two agents, as on two machines")
    agents = [Agent(node, folder / node, url) for node in NODES]
    async with running(agents):
        await start_stock(client)
        await roll_out(client, agents, folder)
        await fail(client, agents, folder)
        await survive(client, agents, folder)
    say("the agents have ended, and what they ran")
