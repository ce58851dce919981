"""YAML text to nodes with positions: libyaml reads, we decide what a document may hold.

The tree is built from libyaml's events instead of its composer, so that depth and size are checked before anything is
built and an anchor, an alias or a tag is refused where it stands. PyYAML's own parser is no substitute: it refuses
flow keys such as `{pid?: integer}` and is slower by an order of magnitude.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from . import scalars
from .nodes import MapNode, Node, ScalarNode, SeqNode
from .problems import MAX_PROBLEMS, Problem, quote, too_many

MAX_BYTES = 5_000_000
MAX_DEPTH = 64
MAX_NODES = 200_000

_FLOW_HINT = (
    "quote text that holds any of `{ } [ ] , :` or begins with `` ` @ % & * ! | > ``: {message: 'host:port, or a URL'}"
)
_TOO_DEEP = f"nested more than {MAX_DEPTH} deep"
_TOO_DEEP_HINT = "give the inner part a name of its own"
_LIBYAML_TOO_DEEP = "exceeded maximum nesting depth"  # the scanner's own bound (libyaml 0.2.6), met as it looks ahead
_ALIAS_HINT = "write the value out, or name it once under `types`"


class Refused(Exception):
    """The document ends here: nothing after this place can be trusted."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


def require_libyaml() -> None:
    """Raise RuntimeError, with what to do, when PyYAML was built without libyaml."""
    if not hasattr(yaml, "CSafeLoader"):
        raise RuntimeError(
            "PyYAML was installed without libyaml, which reading a spec needs: "
            "install a wheel (pip install --force-reinstall --only-binary=:all: pyyaml)"
        )


def read_bytes(path: Path) -> bytes:
    """The contents of a file, and no more of them than the limit needs: a device may have no end."""
    with path.open("rb") as stream:
        return stream.read(MAX_BYTES + 1)


def load_text(data: bytes, file: str) -> tuple[MapNode | None, list[Problem]]:
    """The document's mapping, and what is wrong with it as YAML. No mapping: nothing more can be said."""
    require_libyaml()
    builder = _Builder(file)
    try:
        text = _decode(data, file)
        root = builder.document(text)
    except Refused as refused:
        return None, [*builder.problems, refused.problem]
    if not isinstance(root, MapNode):
        problem = Problem(file, 1, 1, "a spec is a mapping", "begin with `duologue: 1`")
        return None, [*builder.problems, problem]
    return root, builder.problems


def _decode(data: bytes, file: str) -> str:
    if len(data) > MAX_BYTES:
        raise Refused(Problem(file, 1, 1, f"the file has more than {MAX_BYTES:,} bytes", "split it with `imports`"))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        raise Refused(Problem(file, line, column, "the file is not UTF-8", "save it as UTF-8")) from None


class _Builder:
    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self._nodes = 0

    def _tell(self, problem: Problem) -> None:
        if len(self.problems) >= MAX_PROBLEMS:
            raise Refused(too_many(problem))
        self.problems.append(problem)

    def document(self, text: str) -> Node | None:
        loader: Any = None
        try:
            loader = yaml.CSafeLoader(text)
            return self._events(loader)
        except yaml.MarkedYAMLError as error:
            raise Refused(self._syntax(error)) from None
        except yaml.YAMLError as error:
            raise Refused(self._unreadable(error, text)) from None
        finally:
            if loader is not None:
                loader.dispose()

    def _events(self, loader: Any) -> Node | None:
        """Iterative on purpose: a hostile depth must not become a recursion."""
        root: Node | None = None
        parents: list[MapNode | SeqNode] = []
        keys: list[ScalarNode | None] = []  # the key that waits for its value, one for each open mapping
        documents = 0
        while True:
            event: Any = loader.get_event()
            kind: type[Any] = event.__class__
            if kind is yaml.ScalarEvent:
                node: Node = self._scalar(event)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                node = self._collection(event, len(parents), mapping=kind is yaml.MappingStartEvent)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                parents.pop()
                keys.pop()
                continue
            elif kind is yaml.AliasEvent:
                raise Refused(self._at(event, f"an alias, {quote('*' + event.anchor)}", _ALIAS_HINT))
            elif kind is yaml.StreamEndEvent:
                return root
            else:
                documents += kind is yaml.DocumentStartEvent
                if documents > 1:
                    raise Refused(self._at(event, "a second document", "one file holds one document; use `imports`"))
                continue
            if not parents:
                root = node
            elif isinstance(parents[-1], SeqNode):
                parents[-1].append(node)
            elif keys[-1] is None:
                keys[-1] = self._key(node)
                continue
            else:
                self._put(parents[-1], keys[-1], node)
                keys[-1] = None
            if not isinstance(node, ScalarNode):
                parents.append(node)
                keys.append(None)

    def _scalar(self, event: Any) -> ScalarNode:
        self._check(event)
        mark = event.start_mark
        node = ScalarNode(event.value, self.file, mark.line + 1, mark.column + 1, plain=event.implicit[0])
        if node.plain and scalars.is_overlong_number(node.text):
            self._tell(self._at(event, f"the number {quote(node.text)} is too long"))
        return node

    def _collection(self, event: Any, depth: int, *, mapping: bool) -> MapNode | SeqNode:
        self._check(event)
        if depth >= MAX_DEPTH:
            raise Refused(self._at(event, _TOO_DEEP, _TOO_DEEP_HINT))
        mark = event.start_mark
        return (MapNode if mapping else SeqNode)(self.file, mark.line + 1, mark.column + 1)

    def _check(self, event: Any) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise Refused(self._at(event, f"more than {MAX_NODES:,} nodes", "split the spec with `imports`"))
        if event.anchor is not None:
            self._tell(self._at(event, f"an anchor, {quote('&' + event.anchor)}", _ALIAS_HINT))
        if event.tag is not None:
            self._tell(
                self._at(
                    event, f"a tag, {quote(_shown_tag(event.tag))}", "remove it: the grammar decides what a value is"
                )
            )

    def _key(self, node: Node) -> ScalarNode:
        if not isinstance(node, ScalarNode):
            # Most often a bare `{name}` where text was meant.
            raise Refused(Problem(self.file, node.line, node.column, "a key that is no text", _FLOW_HINT))
        return node

    def _put(self, parent: MapNode, key: ScalarNode, node: Node) -> None:
        name = key.text
        if name == "<<" and key.plain:
            self._tell(Problem(self.file, key.line, key.column, "a merge key, `<<`", "use `with: Name` instead"))
        elif name in parent:
            first = parent.keys_at[name]
            message = f"the key {quote(name)} stands here twice; first on line {first.line}"
            self._tell(Problem(self.file, key.line, key.column, message, "keep one of the two"))
        else:
            parent[name] = node
            parent.keys_at[name] = key

    def _at(self, event: Any, message: str, hint: str | None = None) -> Problem:
        mark = event.start_mark
        return Problem(self.file, mark.line + 1, mark.column + 1, message, hint)

    def _syntax(self, error: yaml.MarkedYAMLError) -> Problem:
        mark: Any = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        if error.problem == _LIBYAML_TOO_DEEP:
            return Problem(self.file, line, column, _TOO_DEEP, _TOO_DEEP_HINT)
        told = ", ".join(part for part in (error.context, error.problem) if part)
        return Problem(self.file, line, column, f"not YAML: {told}", _FLOW_HINT)

    def _unreadable(self, error: yaml.YAMLError, text: str) -> Problem:
        found = re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]", text)
        if found is None:
            return Problem(self.file, 1, 1, f"not YAML: {' '.join(str(error).split())}")
        before = text[: found.start()]
        line, column = before.count("\n") + 1, found.start() - before.rfind("\n")
        return Problem(self.file, line, column, f"the control character U+{ord(found[0]):04X}", "remove it")


def _shown_tag(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!", 1)
