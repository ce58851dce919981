"""The rules for agents: one speaks for a node, and what it says of its services is so."""

from __future__ import annotations

from datetime import datetime

from service_registry_sdk import (
    AgentAttached,
    AgentInfo,
    AgentLease,
    Location,
    NotOwner,
    PackageInstalled,
    PackageUninstalled,
    Remote,
    ServiceCommanded,
    ServiceEntry,
)

from .documents import Documents, Written, agent, agent_key
from .model import AcceptCommand, AttachAgent, Change, Installed, Outcome, Record, Uninstalled, View


def node_of(entry: ServiceEntry) -> str | None:
    """The node that a service is on, if it says so."""
    return node_at(entry.location)


def node_at(location: Location) -> str | None:
    """The node of a location, if it names one."""
    return location.node if isinstance(location, Remote) else None


def package_name(entry: ServiceEntry) -> str:
    """Of which package a service is: that of its own name, without the node."""
    return entry.name.partition("@")[0]


def check_lease(view: Documents, record: Record, lease: AgentLease | None) -> None:
    """Raise `NotOwner` where somebody speaks for a service who is not, or no longer, its agent."""
    if lease is None:
        return
    known = agent(view, lease.node)
    if known is None or known.lease_epoch != lease.lease_epoch or node_of(record.entry) != lease.node:
        raise NotOwner(node=lease.node)


def decide_agent(view: View, command: AttachAgent | Installed | Uninstalled | AcceptCommand, now: datetime) -> Outcome:
    """Apply what agents say of themselves and of packages, and what they are asked for."""
    match command:
        case AttachAgent():
            return _attach(view, command, now)
        case Installed():
            return _installed(view, command)
        case Uninstalled():
            return _uninstalled(view, command)
        case AcceptCommand():
            return _accept(view, command)


def _attach(view: View, command: AttachAgent, now: datetime) -> Outcome:
    """Whoever attaches speaks for the node from then on, and nobody else."""
    known, revision = agent(view, command.node), view.revision + 1
    epoch = 1 if known is None else known.lease_epoch + 1
    info = AgentInfo(
        node=command.node,
        lease_epoch=epoch,
        kinds=list(command.kinds),
        packages=[] if known is None else known.packages,
        attached_at=now,
        is_attached=False,
    )
    return Outcome(
        name=command.node,
        change=Change.DOCUMENT,
        record=None,
        revision=revision,
        events=(AgentAttached(node=command.node, lease_epoch=epoch, revision=revision),),
        documents=(Written(agent_key(command.node), info),),
    )


def _installed(view: View, command: Installed) -> Outcome:
    """What a node has installed is known, so that what it may go back to is kept."""
    now, known, revision = command.installation, agent(view, command.node), view.revision + 1
    if known is None or now in known.packages:
        return Outcome(name=now.name, change=Change.NOTHING, record=None, revision=view.revision)
    packages = [*(each for each in known.packages if each.name != now.name), now]
    told = PackageInstalled(
        node=command.node, name=now.name, version=now.active, previous=now.previous, revision=revision
    )
    return Outcome(
        name=now.name,
        change=Change.DOCUMENT,
        record=None,
        revision=revision,
        events=(told,),
        documents=(Written(agent_key(command.node), known.model_copy(update={"packages": packages})),),
    )


def _uninstalled(view: View, command: Uninstalled) -> Outcome:
    """A node has nothing of a package any more."""
    known, revision = agent(view, command.node), view.revision + 1
    left = [] if known is None else [each for each in known.packages if each.name != command.name]
    if known is None or left == known.packages:
        return Outcome(name=command.name, change=Change.NOTHING, record=None, revision=view.revision)
    return Outcome(
        name=command.name,
        change=Change.DOCUMENT,
        record=None,
        revision=revision,
        events=(PackageUninstalled(node=command.node, name=command.name, revision=revision),),
        documents=(Written(agent_key(command.node), known.model_copy(update={"packages": left})),),
    )


def _accept(view: View, command: AcceptCommand) -> Outcome:
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
