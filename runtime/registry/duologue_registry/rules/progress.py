"""Where a deployment is, and what is to be done next: derived from what is durable alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from duologue import UnknownValue
from service_registry_sdk import Deployment, DeploymentNotFound, DeploymentState, DeploymentStep, NodeProgress

from . import documents
from .documents import Documents
from .model import View

NEXT: Final[Mapping[str, DeploymentState]] = {
    DeploymentState.UPLOADED: DeploymentState.STAGED,
    DeploymentState.STAGED: DeploymentState.STOPPING,
    DeploymentState.STOPPING: DeploymentState.STARTING,
    DeploymentState.STARTING: DeploymentState.VERIFYING,
    DeploymentState.VERIFYING: DeploymentState.DONE,
    DeploymentState.ROLLING_BACK: DeploymentState.ROLLED_BACK,
}
"""Where a node goes when its step is done."""

ENDED: Final = frozenset(
    {DeploymentState.DONE, DeploymentState.ROLLED_BACK, DeploymentState.FAILED, DeploymentState.CANCELLED}
)
_WAY: Final[Sequence[str]] = [*list(NEXT)[:5], DeploymentState.DONE]


def find_deployment(view: Documents, id_: UUID) -> Deployment:
    """The deployment; raises `DeploymentNotFound`."""
    found = documents.deployment(view, str(id_))
    if found is None:
        raise DeploymentNotFound(id=id_)
    return found


def has_ended(deployment: Deployment) -> bool:
    """Whether nothing is going to change it any more, but nodes that are put right."""
    return deployment.state in ENDED


def running(view: View, name: str | None = None) -> list[Deployment]:
    """Those that have not ended; of a package there is one at most."""
    return [each for each in view.documents(Deployment) if not has_ended(each) and name in (None, each.name)]


def batches(deployment: Deployment) -> list[list[NodeProgress]]:
    """Its nodes, as many at a time as it says."""
    nodes, size = deployment.nodes, deployment.batch
    return [nodes[start : start + size] for start in range(0, len(nodes), size)]


def next_steps(deployment: Deployment) -> list[NodeProgress]:
    """The nodes where something is to be done now; what that is, says the state that each of them is in."""
    if has_ended(deployment):
        return [node for node in deployment.nodes if node.state == DeploymentState.FAILED]
    if deployment.message is None:
        return next((nodes for nodes in map(_unfinished, batches(deployment)) if nodes), list[NodeProgress]())
    due: list[NodeProgress] = []
    for batch in reversed(batches(deployment)):
        due += [node for node in batch if node.state == DeploymentState.ROLLING_BACK]
        if not all(node.is_away for node in due):
            break  # the newest first; but nobody waits for who is away
    return due


def _unfinished(batch: Sequence[NodeProgress]) -> list[NodeProgress]:
    return [node for node in batch if node.state != DeploymentState.DONE]


def all_next_steps(view: View) -> list[tuple[Deployment, NodeProgress]]:
    """Those of all deployments; of a package on a node the newest counts, and no other."""
    found: list[tuple[Deployment, NodeProgress]] = []
    newer: list[Deployment] = []
    for deployment in reversed(view.documents(Deployment)):
        if steps := next_steps(deployment):  # of hardly any, so that nodes are compared for those alone
            superseded = {node.node for other in newer if other.name == deployment.name for node in other.nodes}
            found += [(deployment, node) for node in steps if node.node not in superseded]
        newer.append(deployment)
    return found


def wanted_version(deployment: Deployment, node: NodeProgress) -> str | None:
    """The version that is to be on a node; None when nothing is to be there."""
    ahead = (DeploymentState.STARTING, DeploymentState.VERIFYING, DeploymentState.DONE)
    is_new = node.state in ahead or deployment.state == DeploymentState.DONE
    return deployment.version if is_new else node.from_version


def begun(deployment: Deployment) -> list[NodeProgress]:
    """The nodes where something may have been done, newest first."""
    found: list[NodeProgress] = []
    for batch in batches(deployment):
        found += batch
        if any(node.state != DeploymentState.DONE for node in batch):
            break
    if deployment.message is not None:
        found = [node for node in deployment.nodes if node.state != DeploymentState.UPLOADED]
    return found[::-1]


def what_is_missing(deployment: Deployment) -> str:
    """Why it is not done yet, in words."""
    missing = [f"{node.node} is {'away' if node.is_away else node.state}" for node in next_steps(deployment)]
    return f"{', '.join(missing)} after {deployment.turns_at - deployment.started_at}"


def state_of(deployment: Deployment) -> DeploymentState | UnknownValue:
    """The state of the whole, as its nodes are."""
    states = [node.state for node in deployment.nodes]
    if DeploymentState.ROLLING_BACK in states:
        return DeploymentState.ROLLING_BACK
    if deployment.message is not None:
        if DeploymentState.FAILED in states:
            return DeploymentState.FAILED
        return DeploymentState.CANCELLED if deployment.is_cancelled else DeploymentState.ROLLED_BACK
    steps = next_steps(deployment)
    return min((node.state for node in steps), key=_WAY.index, default=DeploymentState.DONE)


def percent(deployment: Deployment) -> int:
    """How much of it is done."""
    ways = [_WAY.index(node.state) if node.state in _WAY else 0 for node in deployment.nodes]
    return 100 * sum(ways) // (len(ways) * (len(_WAY) - 1))


def step_of(deployment: Deployment, node: NodeProgress | None, at: datetime) -> DeploymentStep:
    """What is told of a deployment, and of a node of it."""
    return DeploymentStep(
        deployment=deployment.id,
        name=deployment.name,
        version=deployment.version,
        at=at,
        state=deployment.state,
        node=node,
        percent=percent(deployment),
        message=deployment.message,
        revision=deployment.revision,
    )
