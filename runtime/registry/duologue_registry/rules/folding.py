"""What the log tells, folded into what has to be so after it. Pure: `check` compares it with what is kept.

A log whose beginning is no longer kept tells less: of a service that it does not register, only what changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from duologue import Event
from service_registry_sdk import (
    AgentAttached,
    AgentInfo,
    EndpointUpdated,
    Installation,
    PackageInfo,
    PackageInstalled,
    PackageRemoved,
    PackageUninstalled,
    PackageUploaded,
    ServiceDeregistered,
    ServiceEntry,
    ServiceRegistered,
    ServiceStateChanged,
)

from .documents import Document
from .model import Record

_NOT_LOGGED: Final = ("health", "last_health_check")
_FIELDS: Final = tuple(name for name in ServiceEntry.model_fields if name not in _NOT_LOGGED)


@dataclass(slots=True)
class Folded:
    """What has to be so.

    Attributes:
        first_revision: That of the first entry; what the log does not tell of is older. None of an empty one.
        is_complete: Whether the log goes back to the beginning, and so tells of everything.
        services: What is known of each that it tells of; None of one that is gone.
        packages: By name and version; None of one that is gone.
        epochs: The lease epoch of each agent that it tells of.
        installed: What each node has, by the names of services; None of what is gone.
    """

    is_complete: bool
    first_revision: int | None = None
    services: dict[str, dict[str, object] | None] = field(default_factory=dict[str, "dict[str, object] | None"])
    packages: dict[tuple[str, str], PackageInfo | None] = field(
        default_factory=dict[tuple[str, str], "PackageInfo | None"]
    )
    epochs: dict[str, int] = field(default_factory=dict[str, int])
    installed: dict[tuple[str, str], Installation | None] = field(
        default_factory=dict[tuple[str, str], "Installation | None"]
    )

    def add(self, event: Event, at: datetime, revision: int) -> None:
        """Take in the next entry of the log."""
        if self.first_revision is None:
            self.first_revision = revision
        match event:
            case ServiceRegistered(entry=entry):
                self.services[entry.name] = {name: getattr(entry, name) for name in _FIELDS}
            case ServiceStateChanged():
                self._move(event, at)
            case EndpointUpdated():
                self._know(event.service, endpoints=event.endpoints)
            case ServiceDeregistered(name=name):
                self.services[name] = None
            case PackageUploaded(package=info):
                self.packages[info.manifest.name, info.manifest.version] = info
            case PackageRemoved():
                self.packages[event.name, event.version] = None
            case AgentAttached():
                self.epochs[event.node] = event.lease_epoch
            case PackageInstalled():
                known = Installation(name=event.name, active=event.version, previous=event.previous)
                self.installed[event.node, event.name] = known
            case PackageUninstalled():
                self.installed[event.node, event.name] = None
            case _:
                pass  # it changes nothing that is kept

    def _move(self, event: ServiceStateChanged, at: datetime) -> None:
        known = self.services.get(event.name)
        if known is not None and known.get("revision") == event.revision and "last_state_change" in known:
            return  # the entry that it was registered with has it all
        self._know(
            event.name,
            state=event.new,
            state_reason=event.reason,
            last_state_change=at,
            revision=event.revision,
        )

    def _know(self, name: str, **more: object) -> None:
        known = self.services.get(name)
        if known is not None:
            known.update(more)
        elif name not in self.services:
            self.services[name] = dict(more)


def differences(
    folded: Folded, records: Sequence[Record], documents: Mapping[tuple[str, str], Document]
) -> Iterator[str]:
    """Where what is kept is not what the log tells, in words."""
    entries = {record.entry.name: record.entry for record in records}
    for name, known in folded.services.items():
        yield from _of_service(name, entries.get(name), known)
    for entry in entries.values():
        if entry.name not in folded.services:
            yield from _unheard_of(f"service {entry.name}", entry.revision, folded)
    yield from _of_packages(folded, [each for each in documents.values() if isinstance(each, PackageInfo)])
    yield from _of_agents(folded, {each.node: each for each in documents.values() if isinstance(each, AgentInfo)})


def _of_service(name: str, entry: ServiceEntry | None, known: dict[str, object] | None) -> Iterator[str]:
    if known is None and entry is not None:
        yield f"service {name} is there, and the log tells that it was removed"
    if known is not None and entry is None:
        yield f"service {name} is not there, and the log does not tell that it was removed"
    if known is not None and entry is not None:
        for field_name, value in known.items():
            if getattr(entry, field_name) != value:
                yield f"service {name}: its {field_name} is {getattr(entry, field_name)}, and in the log {value}"


def _unheard_of(what: str, revision: int, folded: Folded) -> Iterator[str]:
    if folded.is_complete or (folded.first_revision is not None and revision > folded.first_revision):
        yield f"{what} is there, and the log does not tell of it"


def _of_packages(folded: Folded, packages: Sequence[PackageInfo]) -> Iterator[str]:
    there = {(info.manifest.name, info.manifest.version): info for info in packages}
    for key, told in folded.packages.items():
        if there.get(key) != told:
            yield f"package {' '.join(key)} is not as the log tells"
    for key, info in there.items():
        if key not in folded.packages:
            yield from _unheard_of(f"package {' '.join(key)}", info.revision, folded)


def _of_agents(folded: Folded, agents: Mapping[str, AgentInfo]) -> Iterator[str]:
    for node, epoch in folded.epochs.items():
        if node not in agents or agents[node].lease_epoch != epoch:
            yield f"agent {node} is not as the log tells: its lease epoch is {epoch} there"
    for (node, name), told in folded.installed.items():
        there = agents[node].packages if node in agents else ()
        if next((each for each in there if each.name == name), None) != told:
            yield f"agent {node}: it has another {name} than the log tells"
