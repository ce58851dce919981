"""Where the names of a generated package live, and how each of its modules gets them.

What belongs to a namespace has a folder of its own, `namespaces/page`, laid out as the package itself, and nothing
loads it before it is used: whatever is outside of it names its classes *late* (see `duologue.Later`). A protocol
without namespaces has no late names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from . import ir
from .imports import Find, Found
from .resolve.recursion import definition_references

NAMESPACES: Final = "namespaces"
"""The folder of the namespaces' folders: none of them can be called like a module of the package."""

_OWNERS: Final = frozenset({"client", "sync_client", "peer", "events"})
"""Modules of the package that a namespace names, but does not load: they lead to it."""


def folder(protocol: ir.Protocol, namespace: str | None) -> str:
    """The package of a namespace inside the whole package: `namespaces.page`, and "" outside of namespaces."""
    found = next((one.accessor for one in protocol.namespaces if one.name == namespace), None)
    return "" if found is None else f"{NAMESPACES}.{found}"


def inside(package: str, module: str) -> str:
    return f"{package}.{module}" if package else module


def types_module(definition: ir.Definition) -> str:
    """The module that has it: a namespace's enums and names of scalars are apart, so that others can import them."""
    plain = isinstance(definition, ir.EnumDef | ir.AliasDef) and not definition_references(definition)
    return "values" if plain and definition.namespace is not None else "models"


@dataclass(frozen=True, slots=True)
class Places:
    """The home of each name: a module relative to the package, `namespaces.page.models`."""

    homes: Mapping[str, str]
    renamed: Mapping[str, str]
    """Modules by the names that the server's module has for them: `page_actions` → `namespaces.page:actions`."""

    @classmethod
    def of(cls, protocol: ir.Protocol) -> Places:
        folders = {name: folder(protocol, name) for name in (None, *(one.name for one in protocol.namespaces))}
        homes = {d.class_name: inside(folders[d.namespace], types_module(d)) for d in protocol.definitions}
        for one in protocol.definitions:
            if isinstance(one, ir.UnionDef) and one.unknown_class is not None:
                homes[one.unknown_class] = inside(folders[one.namespace], "unknown")
        homes |= {error.class_name: "errors" for error in protocol.errors}
        names = protocol.python
        homes |= dict.fromkeys((names.event_type, names.event, names.events, names.sync_events), "events")
        homes |= {names.client: "client", names.sync_client: "sync_client", names.peer: "peer", "PROTOCOL": "protocol"}
        for space in protocol.namespaces:
            place = folders[space.name]
            homes |= {space.client_class: f"{place}.client", space.sync_client_class: f"{place}.sync_client"}
            homes |= {space.peer_class: f"{place}.peer"}
            homes |= dict.fromkeys((space.events_class, space.sync_events_class), f"{place}.events")
        spaces = [(f"{NAMESPACES}.{one.accessor}", one.accessor) for one in protocol.namespaces]
        kinds = ("actions", "events")
        return cls(homes, {f"{accessor}_{kind}": f"{place}:{kind}" for place, accessor in spaces for kind in kinds})

    def finder(self, module: str) -> Find:
        """For the text of a module: where it has a name from."""
        own, _, _ = module.rpartition(".")
        modules = {name: _relative(own, own) for name in ("actions", "errors", "events")}
        if module == "server":
            modules |= {name: _relative(place, own) for name, place in self.renamed.items()}

        def find(name: str) -> Found | None:
            home = self.homes.get(name)
            if home is None or home == module:
                return Found(modules[name]) if name in modules else None
            return Found(_relative(home, own), late=_is_late(home, module))

        return find


def _is_late(home: str, module: str) -> bool:
    if home.endswith(".values"):
        return False
    if home.startswith(f"{NAMESPACES}."):
        return home.rpartition(".")[0] != module.rpartition(".")[0]
    return home in _OWNERS and module.startswith(f"{NAMESPACES}.")


def _relative(target: str, package: str) -> str:
    """`target` as a module of `package` imports it: `namespaces.dom.models` is `..dom.models` to `namespaces.page`."""
    wanted, here = target.split(".") if target else [], package.split(".") if package else []
    common = next((i for i, pair in enumerate(zip(wanted, here, strict=False)) if pair[0] != pair[1]), None)
    shared = min(len(wanted), len(here)) if common is None else common
    return "." * (len(here) - shared + 1) + ".".join(wanted[shared:])
