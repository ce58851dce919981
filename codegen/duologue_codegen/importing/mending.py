"""The compiler is the judge: what it refuses of an imported spec is said more widely, with its words as the reason.

It tells where it stumbled; that place is looked up in the text that was written, and leads to the entry of the draft
that has to change: a default that does not fit is left out, a name that is taken becomes another, a union that readers
could not tell apart becomes `json`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from .. import names
from ..compiler import compile_spec
from ..ir import Protocol
from ..load import load_text
from ..nodes import MapNode, Node, SeqNode
from ..problems import Problem, SpecErrors
from ..resolve.constraints import WORDS
from ..resolve.context import IN_PLACE, RENAME
from ..scratch import scratch
from ..typetree import Long
from ..unparse import SECTIONS
from ..yamltext import Commented, Tree, dump
from .draft import Draft, Kind, comment, shortened
from .source import ImportRefused, is_list, is_map
from .spelling import local, namespace, unique

Way: TypeAlias = "tuple[str | int, ...]"
"""The keys that lead to something in a spec: `("types", "Room", "fields", "name")`."""

_MOST_ROUNDS: Final = 20
_SECTIONS: Final = ("namespaces", "types", "errors", "actions", "events")
_FIELD_MAPS: Final = frozenset({"params", "data", "details", "fields"})
_POSITIONS: Final = frozenset({"result", "stream"})
_DROPPED: Final = frozenset({"default", "examples", *WORDS.values()})
_KEPT: Final = ("description", "since", "deprecated", "experimental", "python")
_SUFFIX: Final = {"types": "Type", "errors": "Error", "events": "Event", "namespaces": "Domain", "actions": "Action"}


def written(draft: Draft) -> tuple[str, Protocol]:
    """The text of a spec that compiles, and its protocol. What had to change for that is told in the draft."""
    for _ in range(_MOST_ROUNDS):
        try:
            text = dump(draft.tree(), blocks=SECTIONS)
        except ValueError as error:  # a name is too long
            raise ImportRefused(f"no spec can hold it: {error}") from None
        try:
            return text, _compiled(text)
        except SpecErrors as errors:
            problem = errors.problems[0]
            if not _Mender(draft, text).mend(errors.problems):
                break
    else:
        raise ImportRefused(f"{_MOST_ROUNDS} rounds of mending made no spec of it")
    line = text.splitlines()[problem.line - 1].strip()[:100]
    raise ImportRefused(f"no spec can be made of it: {problem.message}: {line}")


def _compiled(text: str) -> Protocol:
    with scratch() as folder:
        path = folder / "spec.yaml"
        path.write_bytes(text.encode())
        return compile_spec(path)


class _Mender:
    """Changes a draft, each place at most once for each list of problems."""

    def __init__(self, draft: Draft, text: str) -> None:
        self._draft = draft
        self._sections: dict[str, Commented] = {name: getattr(draft, name) for name in _SECTIONS}
        root, _ = load_text(text.encode(), "spec.yaml")
        self._ways = dict(_ways(root, ())) if root is not None else {}
        self._done: set[Way] = set()

    def mend(self, problems: tuple[Problem, ...]) -> bool:
        """Whether anything was changed."""
        return sum(self._mend(problem) for problem in problems) > 0

    def _mend(self, problem: Problem) -> bool:
        way = self._ways.get((problem.line, problem.column), ())
        if len(way) < 2 or way[0] not in _SECTIONS:
            return False
        if problem.hint == RENAME:
            return self._rename(way, problem.message)
        if problem.hint == IN_PLACE:
            return self._declare(self._position(way))
        if problem.hint and "absent: missing" in problem.hint:
            return self._python(way, {"absent": "missing"})
        word = self._word(way)
        if word and word[-1] == "examples" and len(way) > len(word):
            return self._drop_example(word, way[len(word)], problem.message)
        return self._drop(word, problem.message) if word else self._widen(self._position(way), problem.message)

    # --------------------------------------------------------------------------------------------------------- changes
    def _rename(self, way: Way, why: str) -> bool:
        """Another name in Python: `Exception` becomes `ExceptionType`."""
        section, name = str(way[0]), str(way[-1]).removesuffix("?")
        inner = local(name, namespace(name))
        if len(way) > 2:
            other = f"{names.snake(inner) or 'a'}_field"
        elif section == "actions":
            other = f"{names.snake(inner) or 'an'}_action"
        else:
            other = f"{names.pascal(inner) or ''}{_SUFFIX[section]}"
        if not self._python(way, {"name": other}):
            return False
        self._tell(way, Kind.RENAMED, why)
        return True

    def _python(self, way: Way, said: dict[str, str]) -> bool:
        entry = self._at(way)
        if way in self._done or entry is None:
            return False
        is_type = way[0] == "types" or len(way) > 2
        form = Long(type=entry) if is_type and not isinstance(entry, Long) else entry
        before = form.get("python", {}) if is_map(form) else None
        if not is_map(before) or said.items() <= before.items():
            return False
        form["python"] = {**before, **said}
        self._put(way, form)
        return True

    def _drop(self, way: Way, why: str) -> bool:
        owner = self._at(way[:-1])
        if way in self._done or not is_map(owner) or way[-1] not in owner:
            return False
        value = owner.pop(way[-1])
        self._done.add(way)
        self._tell(way[:-1], Kind.LEFT_OUT, f"{way[-1]} {shortened(value)}: {why}")
        fields = self._at(way[:-2])
        if way[-1] == "default" and isinstance(fields, Commented):
            _make_optional(fields, str(way[-2]))
        return True

    def _drop_example(self, way: Way, number: str | int, why: str) -> bool:
        """One a round: the others have other numbers then."""
        examples = self._at(way)
        if way in self._done or not is_list(examples) or not isinstance(number, int):
            return False
        self._done.add(way)
        self._tell(way[:-1], Kind.LEFT_OUT, f"example {shortened(examples.pop(number))}: {why}")
        return True

    def _declare(self, way: Way) -> bool:
        """A class written in place whose name is taken becomes a type with a name of its own."""
        tree = self._at(way)
        if way in self._done or not isinstance(tree, Long) or len(way) < 3:
            return False
        self._done.add(way)
        owner, last = (names.pascal(str(step).rpartition(".")[2]) or "" for step in (way[1], way[-1]))
        name = unique(f"{owner}{last}Value", self._draft.types)
        self._draft.types[name] = Long({key: tree.pop(key) for key in list(tree) if key not in (*_KEPT, "default")})
        tree["type"] = name
        return True

    def _widen(self, way: Way, why: str) -> bool:
        tree = self._at(way)
        is_type = way[0] == "types" or len(way) > 2
        if way in self._done or tree == "json" or not is_type:
            return False
        said = {key: tree[key] for key in _KEPT if key in tree} if isinstance(tree, Long) else {}
        if tree == {**said, "type": "json"}:
            return False
        self._put(way, Long({"type": "json", **said}) if said else "json")
        self._tell(way, Kind.WIDENED, why)
        return True

    # ------------------------------------------------------------------------------------------------------------ ways
    def _word(self, way: Way) -> Way:
        """The way to a word of the grammar that can be left out, if it leads to or through one."""
        for end in range(3, len(way) + 1):
            if way[end - 1] in _DROPPED and way[end - 2] not in _FIELD_MAPS and way[end - 2] != "schema":
                return way[:end]
        return ()

    def _position(self, way: Way) -> Way:
        """The innermost type around a place above which a comment can stand: a field, a result, a declaration."""
        found = way[:2]
        for end in range(3, len(way) + 1):
            is_field = way[end - 2] in _FIELD_MAPS and isinstance(self._at(way[: end - 1]), Commented)
            if is_field or (end == 3 and way[end - 1] in _POSITIONS):
                found = way[:end]
        return found

    def _at(self, way: Way) -> Any:
        value: Any = self._sections
        for step in way:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def _put(self, way: Way, tree: Tree) -> None:
        self._done.add(way)
        self._at(way[:-1])[way[-1]] = tree

    def _tell(self, way: Way, kind: Kind, why: str) -> None:
        """A comment above the place, or above what it is a part of."""
        self._draft.counts[kind] += 1
        for end in range(len(way), 1, -1):
            owner, key = self._at(way[: end - 1]), str(way[end - 1])
            if isinstance(owner, Commented):
                owner.comments[key] = "\n".join(filter(None, [owner.comments.get(key), comment(kind, why)]))
                return


def _ways(node: Node, way: Way) -> Iterator[tuple[tuple[int, int], Way]]:
    """Every key and value of a document by line and column; keys, which say more than what they hold, last."""
    yield (node.line, node.column), way
    if isinstance(node, MapNode):
        for key, value in node.items():
            at = node.keys_at[key]
            yield from _ways(value, (*way, key))
            yield (at.line, at.column), (*way, key)
    elif isinstance(node, SeqNode):
        for number, item in enumerate(node):
            yield from _ways(item, (*way, number))


def _make_optional(fields: Commented, name: str) -> None:
    """Let a field that has lost its default still be absent, where it was."""
    entries = list(fields.items())
    fields.clear()
    fields.update((f"{key}?" if key == name else key, tree) for key, tree in entries)
    if name in fields.comments:
        fields.comments[f"{name}?"] = fields.comments.pop(name)
