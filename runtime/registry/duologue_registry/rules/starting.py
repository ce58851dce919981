"""The rules for beginning a deployment: which nodes, from which version, to which."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from duologue import InvalidArgument
from service_registry_sdk import (
    AgentInfo,
    Deployment,
    DeploymentRunning,
    DeploymentState,
    NodeProgress,
    NothingToRollBack,
    PackageInfo,
    RollbackParams,
    ServiceKind,
    ServiceState,
)

from .agents import node_of
from .deployments import unchanged, written
from .documents import Written, agent, deployment, deployment_key
from .model import Outcome, StartDeployment, View
from .packages import find_package
from .progress import has_ended, next_steps, running
from .states import ALIVE

SHORTEST: Final = timedelta(seconds=1)
LONGEST: Final = timedelta(days=1)
FOR_ROLLING_BACK: Final = 3
"""The last one of so many parts of the time is kept for rolling back."""

KEPT: Final = 20
"""Of one package so many deployments are kept that have ended."""


def start(view: View, command: StartDeployment, now: datetime) -> Outcome:
    """Begin a deployment; one that is there already, as its caller asks again, stays as it is."""
    params = command.params
    known = deployment(view, str(command.id))
    if known is not None:
        return unchanged(view, known)
    for other in running(view, params.name):
        raise DeploymentRunning(name=params.name, id=other.id)
    if not SHORTEST <= params.deadline <= LONGEST:
        raise InvalidArgument(f"deadline: {params.deadline} is not between {SHORTEST} and {LONGEST}")
    if isinstance(params, RollbackParams):
        nodes, version = _to_roll_back(view, params)
    else:
        nodes, version = params.nodes, params.version
    info = find_package(view, params.name, version)
    new = Deployment(
        id=command.id,
        name=params.name,
        version=version,
        state=DeploymentState.UPLOADED,
        nodes=[_begin(view, info, node, now) for node in _distinct(nodes)],
        batch=params.batch,
        healthy=params.healthy,
        within=params.within,
        started_at=now,
        started_by=command.actor,
        turns_at=now + params.deadline * (FOR_ROLLING_BACK - 1) / FOR_ROLLING_BACK,
        deadline=now + params.deadline,
        reason=params.reason,
        revision=0,
    )
    outdated = [Written(deployment_key(each), None) for each in _outdated(view, params.name)]
    return written(view, new, (), now, outdated, reason=params.reason)


def _distinct(nodes: Sequence[str]) -> Sequence[str]:
    for node in nodes:
        if nodes.count(node) > 1:
            raise InvalidArgument(f"nodes: {node} stands there twice; each is deployed to once")
    return nodes


def _begin(view: View, info: PackageInfo, node: str, now: datetime) -> NodeProgress:
    manifest, known = info.manifest, agent(view, node)
    if known is None:
        raise InvalidArgument(f"nodes: no agent has ever attached as {node}")
    if manifest.type not in known.kinds:
        raise InvalidArgument(f"nodes: the agent of {node} runs no services of the type {manifest.type}")
    service = service_on(view, manifest.name, node)
    record = view.get(service)
    if record is None and manifest.type is not ServiceKind.MANAGED_PROCESS:
        raise InvalidArgument(
            f"name: {manifest.name} is a {manifest.type}, and none is registered with {node}: register it first"
        )
    installed = next((each.active for each in known.packages if each.name == manifest.name), None)
    state = None if record is None else record.entry.state
    return NodeProgress(
        node=node,
        service=service,
        state=DeploymentState.UPLOADED,
        since=now,
        from_version=installed if record is None else record.entry.version,
        was_running=state in ALIVE and state is not ServiceState.REGISTERED,
    )


def _to_roll_back(view: View, params: RollbackParams) -> tuple[Sequence[str], str]:
    previous = {
        info.node: each.previous
        for info in sorted(view.documents(AgentInfo), key=lambda info: info.node)
        for each in info.packages
        if each.name == params.name and each.previous is not None
    }
    nodes = list(previous) if params.nodes is None else params.nodes
    lacking = [node for node in nodes if node not in previous]
    if lacking or not nodes:
        where = f"on {', '.join(lacking)}" if lacking else "on any node"
        raise NothingToRollBack(name=params.name, reason=f"no other was active before {where}")
    if len({previous[node] for node in nodes}) > 1:
        differ = ", ".join(f"{node} to {previous[node]}" for node in nodes)
        raise NothingToRollBack(name=params.name, reason=f"{differ}: name the nodes, or deploy a version")
    return nodes, previous[nodes[0]]


def _outdated(view: View, name: str) -> list[Deployment]:
    ended = [each for each in view.documents(Deployment) if each.name == name and has_ended(each)]
    return [each for each in ended[: 1 - KEPT] if not next_steps(each)]


def service_on(view: View, name: str, node: str) -> str:
    """What a package is called on a node: the service of its name where that is there, else `NAME@NODE`."""
    record = view.get(name)
    return name if record is not None and node_of(record.entry) == node else f"{name}@{node}"
