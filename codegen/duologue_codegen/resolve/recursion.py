"""Recursion: allowed through fields, lists and maps, refused where nothing could ever be built; and the order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from .. import ir
from ..problems import quote
from .context import Context
from .drafts import AliasDraft, AnyDraft, EnumDraft, ObjectDraft, UnionDraft


def references(type_: ir.Type) -> Iterator[str]:
    """Class names that a type refers to."""
    match type_:
        case ir.Ref():
            yield type_.name
        case ir.Array():
            yield from references(type_.item)
        case ir.Map():
            yield from references(type_.key)
            yield from references(type_.value)
        case ir.Nullable():
            yield from references(type_.inner)
        case ir.Union():
            for member in type_.members:
                yield from references(member)
        case ir.Tuple():
            for item in type_.items:
                yield from references(item)
        case _:
            return


def draft_references(draft: AnyDraft) -> list[str]:
    match draft:
        case ObjectDraft():
            return [name for field in draft.fields for name in references(field.type)]
        case UnionDraft():
            return [name for _, type_ in draft.members for name in references(type_)]
        case AliasDraft():
            return list(references(draft.type))
        case EnumDraft():
            return []


def definition_references(item: ir.Definition | ir.Type) -> list[str]:
    """Class names that a finished definition, or a type, refers to."""
    match item:
        case ir.ObjectDef():
            return [name for field in item.fields for name in references(field.type)]
        case ir.UnionDef():
            return [name for variant in item.variants for name in references(variant.type)]
        case ir.AliasDef():
            return list(references(item.type))
        case ir.EnumDef():
            return []
        case _:
            return list(references(item))


def check(context: Context) -> bool:
    """Tell recursion that cannot work; False when there is any."""
    before = len(context.problems)
    drafts = context.definitions
    names = {name for name, draft in drafts.items() if not isinstance(draft, ObjectDraft)}
    hint = "recursion goes through a field of an object, a list or a map"
    _tell(context, names, _same, "refers to itself", hint)
    hint = "make a field on the way optional (`name?`), nullable or a list"
    _tell(context, set(drafts) - _finite(drafts), draft_references, "can never be built: each needs another one", hint)
    return len(context.problems) == before


def _same(draft: AnyDraft) -> list[str]:
    """What a name that is no object is another name for, or holds without anything around it."""
    types = [type_ for _, type_ in draft.members] if isinstance(draft, UnionDraft) else []
    types += [draft.type] if isinstance(draft, AliasDraft) else []
    return [name for type_ in types for name in _bare(type_)]


def _bare(type_: ir.Type) -> Iterator[str]:
    match type_:
        case ir.Ref():
            yield type_.name
        case ir.Nullable():
            yield from _bare(type_.inner)
        case ir.Union():
            for member in type_.members:
                yield from _bare(member)
        case _:
            return


def _finite(drafts: Mapping[str, AnyDraft]) -> set[str]:
    """Names of which some value exists."""
    users: dict[str, list[str]] = {}
    for name, draft in drafts.items():
        for used in draft_references(draft):
            users.setdefault(used, []).append(name)
    found: set[str] = set()
    waiting = list(drafts)
    while waiting:  # each is looked at again when something that it refers to turns out to exist
        name = waiting.pop()
        if name not in found and _is_finite_draft(drafts[name], found, drafts):
            found.add(name)
            waiting += users.get(name, ())
    return found


def _is_finite_draft(draft: AnyDraft, known: set[str], drafts: Mapping[str, AnyDraft]) -> bool:
    def finite(type_: ir.Type) -> bool:
        return _is_finite(type_, known, drafts)

    match draft:
        case ObjectDraft():
            return all(finite(field.type) for field in draft.fields if field.presence is ir.Presence.REQUIRED)
        case UnionDraft():
            return any(finite(type_) for _, type_ in draft.members)
        case AliasDraft():
            return finite(draft.type)
        case EnumDraft():
            return True


def _is_finite(type_: ir.Type, known: set[str], drafts: Mapping[str, AnyDraft]) -> bool:
    match type_:
        case ir.Ref(name=name):
            return name in known or name not in drafts
        case ir.Array(item=item, min_items=low):
            return not low or _is_finite(item, known, drafts)
        case ir.Union(members=members):
            return any(_is_finite(member, known, drafts) for member in members)
        case ir.Tuple(items=items):
            return all(_is_finite(item, known, drafts) for item in items)
        case _:
            return True


def _tell(context: Context, names: set[str], edges: Callable[[AnyDraft], list[str]], what: str, hint: str) -> None:
    graph = {name: [edge for edge in edges(context.definitions[name]) if edge in names] for name in sorted(names)}
    for group in components(graph):
        first = min(
            (context.definitions[name] for name in group), key=lambda draft: (draft.origin.line, draft.class_name)
        )
        if len(group) > 1 or first.class_name in graph[first.class_name]:
            context.complain(first.origin, f"{quote(first.name or first.class_name)} {what}", hint)


def ordered(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """Names such that each follows what it refers to, as far as recursion allows; else in the order given."""
    position = {name: index for index, name in enumerate(graph)}
    groups = components(graph)
    home = {name: index for index, group in enumerate(groups) for name in group}
    result: list[str] = []
    for group in groups:
        # Inside a group every order breaks some edge: keep the author's.
        result.extend(sorted(group, key=lambda name: position[name]))
    assert all(home[edge] <= home[name] for name in graph for edge in graph[name] if edge in home)
    return result


def components(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Strongly connected components, dependencies first (Tarjan, without recursion: specs are hostile)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    found: list[list[str]] = []
    for root in graph:
        if root in index:
            continue
        work: list[tuple[str, Iterator[str]]] = [(root, iter(graph[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            name, edges = work[-1]
            for edge in edges:
                if edge not in graph:
                    continue
                if edge not in index:
                    index[edge] = low[edge] = len(index)
                    stack.append(edge)
                    on_stack.add(edge)
                    work.append((edge, iter(graph[edge])))
                    break
                if edge in on_stack:
                    low[name] = min(low[name], index[edge])
            else:
                work.pop()
                if work:
                    parent = work[-1][0]
                    low[parent] = min(low[parent], low[name])
                if low[name] == index[name]:
                    group: list[str] = []
                    while not group or group[-1] != name:
                        group.append(stack.pop())
                        on_stack.discard(group[-1])
                    found.append(group)
    return found
