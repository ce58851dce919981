"""The pieces that the grammar's models are made of: how each kind of value is read from a node.

Every piece says three things: how a node is checked, what comes out, and what an editor is told (JSON Schema).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import isfinite
from typing import Annotated, Any, Final, TypeAlias

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from . import quantities
from .nodes import MapNode, Node, ScalarNode, SeqNode, describe


class Grammar(BaseModel):
    """Base of all grammar models: an unknown key is an error, aliases are the words of the grammar."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, populate_by_name=True)


def refuse(message: str, hint: str | None = None) -> PydanticCustomError:
    """An error in our own words. Braces in spec text must not be taken for placeholders, hence the context."""
    return PydanticCustomError("spec", "{message}", {"message": message, "hint": hint})


def ref(definition: str) -> JsonSchemaValue:
    """A reference to a definition of the editors' schema; `grammar_schema` writes it as `$ref`."""
    return {"x-ref": definition}


class Reader:
    """Annotated metadata: a function from node to value, and the JSON Schema that editors see."""

    def __init__(self, read: Callable[[Any], Any], schema: JsonSchemaValue) -> None:
        self._read = read
        self._schema = schema

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return dict(self._schema)


# ----------------------------------------------------------------------------------------------------------- text
def read_text(node: Node) -> str:
    """Where text is expected the source counts: `since: 1.10` stays `1.10`."""
    if not isinstance(node, ScalarNode):
        raise refuse(f"text expected, not {describe(node)}", "quote text that holds any of `{ } [ ] , :`")
    if node.is_null:
        raise refuse("text expected, not nothing", "write it, or remove the key")
    return node.text


def matching(pattern: str, message: str, hint: str) -> Callable[[Node], str]:
    compiled = re.compile(pattern)

    def read(node: Node) -> str:
        text = read_text(node)
        if not compiled.fullmatch(text):
            raise refuse(f"`{text}` is no {message}", hint)
        return text

    return read


def one_of(*words: str) -> Reader:
    def read(node: Node) -> str:
        text = read_text(node)
        if text not in words:
            raise refuse(f"`{text}` is none of {', '.join(words)}", did_you_mean(text, words))
        return text

    return Reader(read, {"type": "string", "enum": list(words)})


_COMPARED = 300
"""Names that a wrong one is compared with, which takes some ten microseconds each."""


def did_you_mean(text: str, known: Any) -> str | None:
    """A hint that names what is most like it, if anything is."""
    from difflib import get_close_matches

    names = [str(name) for name in known]
    if len(names) > _COMPARED:
        names = [name for name in names if name[:1] == text[:1] and abs(len(name) - len(text)) < 3][:_COMPARED]
    close = get_close_matches(text, names, n=1, cutoff=0.7)
    return f"did you mean `{close[0]}`?" if close else None


# Unquoted `1.10` and `true` are text here, but numbers and booleans to an editor.
_TEXT_SCHEMA: JsonSchemaValue = {"type": ["string", "number", "boolean"]}
Text: TypeAlias = Annotated[str, Reader(read_text, _TEXT_SCHEMA)]

KEBAB = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
SEMVER = (
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
)
IDENTIFIER = r"[A-Za-z][A-Za-z0-9_]*"
Kebab: TypeAlias = Annotated[
    str,
    Reader(
        matching(KEBAB, "kebab-case name", "lower-case words joined by `-`, as in `service-registry`"),
        {"type": "string", "pattern": f"^{KEBAB}$"},
    ),
]
Semver: TypeAlias = Annotated[
    str,
    Reader(
        matching(SEMVER, "semantic version", "three numbers, as in `1.4.0`"),
        {"type": "string", "pattern": f"^{SEMVER}$"},
    ),
]
Identifier: TypeAlias = Annotated[
    str,
    Reader(
        matching(IDENTIFIER, "Python name", "letters, digits and `_`, beginning with a letter"),
        {"type": "string", "pattern": f"^{IDENTIFIER}$"},
    ),
]
_MEDIA_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
MEDIA = rf"{_MEDIA_NAME}/{_MEDIA_NAME}( ?; ?[a-z0-9-]+=[A-Za-z0-9!#$&^_.+-]+)*"
Media: TypeAlias = Annotated[
    str,
    Reader(
        matching(MEDIA, "media type", "a type and a subtype, as in `application/gzip`"),
        {"type": "string", "pattern": f"^{MEDIA}$"},
    ),
]


# -------------------------------------------------------------------------------------------------------- numbers
_MOST: Final = 2**53 - 1


def read_integer(node: Node) -> int:
    value = node.value if isinstance(node, ScalarNode) else None
    if isinstance(value, bool) or not isinstance(value, int):
        raise refuse(f"a whole number expected, not {describe(node)}")
    return value


def read_count(node: Node) -> int:
    value = read_integer(node)
    if value < 0:
        raise refuse(f"{value} is less than 0")
    if value > _MOST:
        raise refuse(f"{value} is beyond 2**53 - 1", "leave it out where any number will do")
    return value


def read_positive(node: Node) -> int:
    value = read_integer(node)
    if value < 1:
        raise refuse(f"{value} is less than 1")
    return value


def read_number(node: Node) -> ScalarNode:
    """Bounds stay nodes: what they become (int, float, Decimal) depends on the type that they bound."""
    value = node.value if isinstance(node, ScalarNode) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise refuse(f"a number expected, not {describe(node)}")
    assert isinstance(node, ScalarNode)
    return node


def read_boolean(node: Node) -> bool:
    value = node.value if isinstance(node, ScalarNode) else None
    if not isinstance(value, bool):
        raise refuse(f"`true` or `false` expected, not {describe(node)}")
    return value


Integer: TypeAlias = Annotated[int, Reader(read_integer, {"type": "integer"})]
Count: TypeAlias = Annotated[int, Reader(read_count, {"type": "integer", "minimum": 0, "maximum": _MOST})]
Positive: TypeAlias = Annotated[int, Reader(read_positive, {"type": "integer", "minimum": 1})]


def read_step(node: Node) -> ScalarNode:
    number = read_number(node)
    if isinstance(number.value, int | float) and number.value <= 0:
        raise refuse(f"{number.text} is not above 0")
    return number


Bound: TypeAlias = Annotated[Any, Reader(read_number, {"type": "number"})]
Step: TypeAlias = Annotated[Any, Reader(read_step, {"type": "number", "exclusiveMinimum": 0})]
Boolean: TypeAlias = Annotated[bool, Reader(read_boolean, {"type": "boolean"})]


# ----------------------------------------------------------------------------------------------------- quantities
Never = "never"  # what `none` reads as: a timeout that was written, and is none


def read_duration(node: Node) -> float:
    text = read_text(node)
    amount = quantities.seconds(text)
    if amount is None:
        raise refuse(f"`{text}` is no duration", quantities.DURATION_HINT)
    return amount


def read_timeout(node: Node) -> float | str:
    if isinstance(node, ScalarNode) and node.text == "none":
        return Never
    text = read_text(node)
    amount = quantities.seconds(text)
    if amount is None:
        raise refuse(f"`{text}` is no duration", f"{quantities.DURATION_HINT}, `none`")
    return amount


def read_size(node: Node) -> int:
    text = read_text(node)
    amount = quantities.size(text)
    if amount is None:
        raise refuse(f"`{text}` is no size", quantities.SIZE_HINT)
    return amount


def read_rate(node: Node) -> float:
    text = read_text(node)
    amount = quantities.per_second(text)
    if amount is None:
        raise refuse(f"`{text}` is no rate", quantities.RATE_HINT)
    return amount


_DURATION = r"[0-9]+(\.[0-9]+)? ?(ms|s|min|h|d)"
Duration: TypeAlias = Annotated[float, Reader(read_duration, {"type": "string", "pattern": f"^{_DURATION}$"})]
Timeout: TypeAlias = Annotated[
    float | str, Reader(read_timeout, {"type": "string", "pattern": f"^({_DURATION}|none)$"})
]
Size: TypeAlias = Annotated[
    int, Reader(read_size, {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? ?(B|KiB|MiB|GiB|kB|MB|GB)$"})
]
PerTime: TypeAlias = Annotated[
    float, Reader(read_rate, {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? ?/ ?(ms|s|min|h|d)$"})
]


# ------------------------------------------------------------------------------------------------- lists and maps
def read_texts(node: Node) -> tuple[ScalarNode, ...]:
    """A list of text, as nodes, so that each can be pointed at."""
    if not isinstance(node, SeqNode):
        raise refuse(f"a list expected, not {describe(node)}", "write `[one, two]`")
    return tuple(_text_node(item) for item in node)


def read_one_or_many(node: Node) -> tuple[ScalarNode, ...]:
    return read_texts(node) if isinstance(node, SeqNode) else (_text_node(node),)


def _text_node(node: Node) -> ScalarNode:
    read_text(node)
    assert isinstance(node, ScalarNode)
    return node


def read_mapping(node: Node) -> MapNode:
    if isinstance(node, ScalarNode) and node.is_null:
        raise refuse("a mapping expected, not nothing", "write `{}`, or remove the key")
    if not isinstance(node, MapNode):
        raise refuse(f"a mapping expected, not {describe(node)}", "write `name: …` below it")
    return node


def read_words(node: Node) -> MapNode:
    """A mapping whose values are text, and are not looked at one by one by who reads it."""
    mapping = read_mapping(node)
    for value in mapping.values():
        read_text(value)
    return mapping


def read_sequence(node: Node) -> SeqNode:
    if not isinstance(node, SeqNode):
        raise refuse(f"a list expected, not {describe(node)}", "write `[one, two]`")
    return node


_TEXTS_SCHEMA: JsonSchemaValue = {"type": "array", "items": _TEXT_SCHEMA}
Texts: TypeAlias = Annotated[tuple[ScalarNode, ...], Reader(read_texts, _TEXTS_SCHEMA)]
OneOrMany: TypeAlias = Annotated[
    tuple[ScalarNode, ...],
    Reader(read_one_or_many, {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
TextMap: TypeAlias = Annotated[MapNode, Reader(read_mapping, {"type": "object", "additionalProperties": _TEXT_SCHEMA})]
Words: TypeAlias = Annotated[MapNode, Reader(read_words, {"type": "object", "additionalProperties": _TEXT_SCHEMA})]
ListMap: TypeAlias = Annotated[MapNode, Reader(read_mapping, {"type": "object", "additionalProperties": _TEXTS_SCHEMA})]
Anything: TypeAlias = Annotated[Any, Reader(lambda node: node, {})]
Sequence: TypeAlias = Annotated[SeqNode, Reader(read_sequence, {"type": "array"})]
Mapping: TypeAlias = Annotated[MapNode, Reader(read_mapping, {"type": "object"})]

# Types and field maps stay nodes: the resolver reads them, since what they mean depends on what is declared.
TypeNode: TypeAlias = Annotated[Any, Reader(lambda node: node, ref("Type"))]
TypeList: TypeAlias = Annotated[SeqNode, Reader(read_sequence, {"type": "array", "items": ref("Type"), "minItems": 1})]
FieldMap: TypeAlias = Annotated[MapNode, Reader(read_mapping, ref("FieldMap"))]
Data: TypeAlias = Annotated[Any, Reader(lambda node: node, {"anyOf": [{"type": "string"}, ref("FieldMap")]})]


def section_of(name: str) -> Reader:
    """A mapping whose values are checked one by one, later: one wrong entry must not hide what is wrong in others."""
    return Reader(read_mapping, {"type": "object", "additionalProperties": ref(name)})


def list_of(name: str) -> Reader:
    return Reader(read_sequence, {"type": "array", "items": ref(name)})
