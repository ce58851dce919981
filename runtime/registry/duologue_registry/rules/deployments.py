"""The rules for deployments that run: what each step leads to.

A node goes forward, state by state; whatever goes wrong, on any node, turns the whole deployment back, once and for
all. Who acts on these rules may die at any moment, and do the same step again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from service_registry_sdk import Deployment, DeploymentProgress, DeploymentState, NodeProgress

from .documents import Written, deployment_key
from .documents import deployment as kept
from .model import AgentReport, CancelDeployment, Change, NodeAway, NodeFailed, NodeStepped, Outcome, TimeIsUp, View
from .progress import (
    ENDED,
    NEXT,
    begun,
    find_deployment,
    has_ended,
    next_steps,
    state_of,
    step_of,
    wanted_version,
    what_is_missing,
)


def stepped(view: View, command: NodeStepped, now: datetime) -> Outcome:
    """A step of a node is done. An answer that comes late, of a step that is not the node's any more, is nothing."""
    deployment, node = _node(view, command.deployment, command.node)
    if node is None or node.state != command.was or not _is_due(deployment, node):
        return unchanged(view, deployment)
    following = NEXT.get(node.state)
    if following is None:  # it had failed, and is right now
        is_done = deployment.state == DeploymentState.DONE
        following = DeploymentState.DONE if is_done else DeploymentState.ROLLED_BACK
    is_touched = node.is_touched or following is DeploymentState.STOPPING
    update: dict[str, object] = {"state": following, "since": now, "is_touched": is_touched, "is_away": False}
    if following is DeploymentState.DONE:
        update["message"] = None
    return _moved(view, deployment, [node.model_copy(update=update)], now)


def failed(view: View, command: NodeFailed, now: datetime) -> Outcome:
    """A step of a node did not succeed: everything goes back; when it is going back already, it is tried again."""
    deployment, node = _node(view, command.deployment, command.node)
    if node is None or node.state != command.was or not _is_due(deployment, node):
        return unchanged(view, deployment)
    node = node.model_copy(update={"message": command.message, "is_away": False})
    if deployment.message is not None or has_ended(deployment):
        return _moved(view, deployment, [node], now)
    return _turn(view, deployment, f"{node.node}, {node.state}: {command.message}", now, node)


def away(view: View, command: NodeAway, now: datetime) -> Outcome:
    """Whether the agent of a node is waited for."""
    deployment, node = _node(view, command.deployment, command.node)
    if node is None or node.is_away == command.is_away or has_ended(deployment):
        return unchanged(view, deployment)
    return _moved(view, deployment, [node.model_copy(update={"is_away": command.is_away})], now)


def cancel(view: View, command: CancelDeployment, now: datetime) -> Outcome:
    """Turn back because somebody wants it."""
    deployment = find_deployment(view, command.id)
    if has_ended(deployment) or deployment.message is not None:
        return unchanged(view, deployment)
    why = f"cancelled by {command.actor}" + (f": {command.reason}" if command.reason else "")
    cancelled = deployment.model_copy(update={"is_cancelled": True})
    return _turn(view, cancelled, why, now, reason=command.reason)


def time_is_up(view: View, command: TimeIsUp, now: datetime) -> Outcome:
    """Turn back when it is time to, and come to an end when that is over, too."""
    deployment = find_deployment(view, command.deployment)
    if has_ended(deployment) or now < deployment.turns_at:
        return unchanged(view, deployment)
    if now < deployment.deadline:
        if deployment.message is not None:
            return unchanged(view, deployment)
        return _turn(view, deployment, f"{what_is_missing(deployment)}, and the time left is for rolling back", now)
    message = deployment.message or what_is_missing(deployment)
    given_up = [
        node.model_copy(
            update={
                "state": DeploymentState.FAILED,
                "since": now,
                "message": "its agent is away" if node.is_away else node.message or "it was not put back in time",
            }
        )
        for node in begun(deployment)
        if node.state != DeploymentState.ROLLED_BACK
    ]
    return _moved(view, deployment.model_copy(update={"message": message}), given_up, now)


def reported(view: View, command: AgentReport, now: datetime) -> Outcome:
    """Compare what a node has, as its agent attaches, with what the newest deployment there has left."""
    for deployment in reversed(view.documents(Deployment)):
        node = next((each for each in deployment.nodes if each.node == command.node), None)
        if node is None or node.service != command.service:
            continue
        wanted, record = wanted_version(deployment, node), view.get(node.service)
        settled = node.state in (DeploymentState.DONE, DeploymentState.ROLLED_BACK) and has_ended(deployment)
        if not settled or record is None or record.entry.version != wanted or command.active in (wanted, None):
            return unchanged(view, deployment)
        message = f"it has come back with {command.active}, not {wanted}"
        update = {"state": DeploymentState.FAILED, "since": now, "message": message}
        return _moved(view, deployment, [node.model_copy(update=update)], now)
    return Outcome(name=command.service, change=Change.NOTHING, record=None, revision=view.revision)


# -------------------------------------------------------------------------------------------------------------- helpers
def _node(view: View, id_: UUID, name: str) -> tuple[Deployment, NodeProgress | None]:
    deployment = find_deployment(view, id_)
    return deployment, next((node for node in deployment.nodes if node.node == name), None)


def _is_due(deployment: Deployment, node: NodeProgress) -> bool:
    return any(each.node == node.node for each in next_steps(deployment))


def _turn(
    view: View,
    deployment: Deployment,
    message: str,
    now: datetime,
    failing: NodeProgress | None = None,
    reason: str | None = None,
) -> Outcome:
    back = {"state": DeploymentState.ROLLING_BACK, "since": now}
    nodes = [
        (failing if failing is not None and failing.node == node.node else node).model_copy(update=back)
        for node in begun(deployment)
    ]
    turned = deployment.model_copy(update={"message": message})
    return _moved(view, turned, nodes, now, reason=reason)


def _moved(
    view: View, deployment: Deployment, changed: Sequence[NodeProgress], now: datetime, reason: str | None = None
) -> Outcome:
    by_node = {node.node: node for node in changed}
    nodes = [by_node.get(node.node, node) for node in deployment.nodes]
    moved = deployment.model_copy(update={"nodes": nodes})
    if not has_ended(deployment):
        state = state_of(moved)
        moved = moved.model_copy(update={"state": state, "finished_at": now if state in ENDED else None})
    return written(view, moved, changed, now, reason=reason)


def written(
    view: View,
    deployment: Deployment,
    changed: Sequence[NodeProgress],
    now: datetime,
    outdated: Iterable[Written] = (),
    reason: str | None = None,
) -> Outcome:
    revision = view.revision + 1
    deployment = deployment.model_copy(update={"revision": revision})
    before = kept(view, str(deployment.id))
    told: list[NodeProgress | None] = list(changed)
    if before is None or (before.state != deployment.state and has_ended(deployment)):
        told.append(None)
    return Outcome(
        name=deployment.name,
        change=Change.DOCUMENT,
        record=None,
        revision=revision,
        events=tuple(DeploymentProgress(step=step_of(deployment, node, now)) for node in told),
        documents=(Written(deployment_key(deployment), deployment), *outdated),
        reason=reason,
    )


def unchanged(view: View, deployment: Deployment) -> Outcome:
    documents = (Written(deployment_key(deployment), deployment),)
    return Outcome(
        name=deployment.name, change=Change.NOTHING, record=None, revision=view.revision, documents=documents
    )
