"""What the registry keeps beside its services: documents, each of a kind and with an id of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias, TypeVar

from duologue import Model
from service_registry_sdk import AgentInfo, Deployment, PackageInfo

Document: TypeAlias = PackageInfo | AgentInfo | Deployment
DocumentKey: TypeAlias = tuple[str, str]
"""Of which kind, and which one."""

D = TypeVar("D", bound=Model)

KINDS: Final[Mapping[str, type[Document]]] = {"package": PackageInfo, "agent": AgentInfo, "deployment": Deployment}


@dataclass(frozen=True, slots=True)
class Written:
    """A document as it is from now on; None when it is gone."""

    key: DocumentKey
    document: Document | None


class Documents(Protocol):
    """Where documents are looked up."""

    def document(self, key: DocumentKey, /) -> Document | None:
        """One of them."""
        ...


def package_key(name: str, version: str) -> DocumentKey:
    """Where the document of a package is."""
    return "package", f"{name} {version}"


def package(view: Documents, name: str, version: str) -> PackageInfo | None:
    """A package, if the registry has it."""
    return _typed(view.document(package_key(name, version)), PackageInfo)


def agent_key(node: str) -> DocumentKey:
    """Where the document of a node's agent is."""
    return "agent", node


def agent(view: Documents, node: str) -> AgentInfo | None:
    """The agent of a node, if one has ever attached."""
    return _typed(view.document(agent_key(node)), AgentInfo)


def deployment_key(deployment: Deployment) -> DocumentKey:
    """Where the document of a deployment is."""
    return "deployment", str(deployment.id)


def deployment(view: Documents, id_: str) -> Deployment | None:
    """A deployment, if it is kept."""
    return _typed(view.document(("deployment", id_)), Deployment)


def _typed(document: Document | None, kind: type[D]) -> D | None:
    return document if isinstance(document, kind) else None
