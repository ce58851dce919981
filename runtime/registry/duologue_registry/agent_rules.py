"""The rules for agents: one speaks for a node, and what it says of its services is so."""

from __future__ import annotations

from datetime import datetime

from service_registry_sdk import (
    AgentAttached,
    AgentInfo,
    AgentLease,
    NotOwner,
    Remote,
    ServiceCommanded,
    ServiceEntry,
)

from .documents import Documents, Written, agent, agent_key
from .model import AcceptCommand, AttachAgent, Change, Outcome, Record, View


def node_of(entry: ServiceEntry) -> str | None:
    """The node that a service is on, if it says so."""
    return entry.location.node if isinstance(entry.location, Remote) else None


def check_lease(view: Documents, record: Record, lease: AgentLease | None) -> None:
    """Raise `NotOwner` where somebody speaks for a service who is not, or no longer, its agent."""
    if lease is None:
        return
    known = agent(view, lease.node)
    if known is None or known.lease_epoch != lease.lease_epoch or node_of(record.entry) != lease.node:
        raise NotOwner(node=lease.node)


def attach(view: View, command: AttachAgent, now: datetime) -> Outcome:
    """Whoever attaches speaks for the node from then on, and nobody else."""
    known, revision = agent(view, command.node), view.revision + 1
    epoch = 1 if known is None else known.lease_epoch + 1
    info = AgentInfo(
        node=command.node, lease_epoch=epoch, kinds=list(command.kinds), attached_at=now, is_attached=False
    )
    return Outcome(
        name=command.node,
        change=Change.DOCUMENT,
        record=None,
        revision=revision,
        events=(AgentAttached(node=command.node, lease_epoch=epoch, revision=revision),),
        documents=(Written(agent_key(command.node), info),),
    )


def accept(view: View, command: AcceptCommand) -> Outcome:
    """Who has asked for what is in the log before it is done."""
    revision = view.revision + 1
    told = ServiceCommanded(name=command.name, command=command.command, id=command.id, revision=revision)
    return Outcome(
        name=command.name,
        change=Change.DOCUMENT,
        record=None,
        revision=revision,
        events=(told,),
        reason=command.reason,
    )
