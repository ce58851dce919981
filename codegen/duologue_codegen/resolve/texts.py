"""Types whose values are texts on the wire: which texts two of them could both be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ..ir import Const, Ref, Scalar, ScalarKind, Type
from ..nodes import Node, ScalarNode
from .drafts import EnumDraft
from .types import Types
from .values import Misfit, fit

_BARE_UUID: Final = "0" * 32
"""UUIDs are read without their hyphens, too."""
_SAMPLES: Final[Mapping[ScalarKind, Sequence[str]]] = {
    ScalarKind.STRING: ["…"],  # which only an open enum takes for its own
    ScalarKind.BYTES: ["aGk=", "PT1H", "1234", "", _BARE_UUID],
    ScalarKind.DATE: ["2026-01-31"],
    ScalarKind.DATETIME: ["2026-01-31T12:00:00Z"],
    ScalarKind.DURATION: ["PT10S", "PT1H"],
    ScalarKind.UUID: ["9f1c8a52-3b1e-4c6e-9a52-0d5b1f3e7a10"],
    ScalarKind.INT64: ["0", "1", "-1", "1234", "9007199254740993"],
    ScalarKind.DECIMAL: ["19.99", "0", "1", "-1", "1234", _BARE_UUID],
}
"""Texts by which each is taken for another, if for any."""


def shared(types: Types, node: Node, one: Type, other: Type) -> str | None:
    """A text that could be either of two types, and would be another value in Python."""
    if _is_plain(one) and _is_plain(other):
        return None
    for sender, reader in ((one, other), (other, one)):
        for text in _samples(types, sender):
            if (_is_plain(sender) or _takes(types, node, sender, text)) and _takes(types, node, reader, text):
                return text
    return None


def _is_plain(type_: Type) -> bool:
    """Whether it is `str` in Python, as it is on the wire."""
    return isinstance(type_, Const) or (isinstance(type_, Scalar) and type_.kind is ScalarKind.STRING)


def _samples(types: Types, type_: Type) -> Sequence[str]:
    match type_:
        case Scalar(kind=kind):
            return _SAMPLES.get(kind, ())
        case Const(value=str() as value):
            return [value]
        case Ref(name=name):
            draft = types.definition(name)
            return [str(member.value) for member in draft.members] if isinstance(draft, EnumDraft) else ()
        case _:
            return ()


def _takes(types: Types, node: Node, type_: Type, text: str) -> bool:
    draft = types.definition(type_.name) if isinstance(type_, Ref) else None
    if isinstance(draft, EnumDraft) and draft.open:
        return True
    if text == _BARE_UUID and isinstance(type_, Scalar) and type_.kind is ScalarKind.UUID:
        return True
    try:
        fit(types, ScalarNode(text, node.file, node.line, node.column, plain=False), type_)
    except Misfit:
        return False
    return True
