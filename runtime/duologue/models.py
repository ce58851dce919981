"""Bases of the generated models: Python names in Python, wire names on the wire.

Constructors take Python names and convert as pydantic does; what comes from the wire is validated strictly (`true` is
no integer, `"1"` is none) and by wire names alone, so that `fooBar` beside `foo_bar` cannot be mixed up.
"""

# Annotations are no text here (`from __future__`): pydantic would compile those of a base for each class below it.
import base64
import math
import operator
import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from functools import lru_cache, partial
from typing import Annotated, Any, ClassVar, Final, Self, TypeAlias, TypeVar, cast, overload

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetPydanticSchema,
    JsonValue,
    TypeAdapter,
)
from pydantic_core import (
    CoreSchema,
    PydanticCustomError,
    PydanticSerializationError,
    PydanticSerializationUnexpectedValue,
    SchemaSerializer,
    SchemaValidator,
    core_schema,
)
from typing_extensions import override


def _check_finite(value: JsonValue) -> JsonValue:
    """JSON has no infinity, and a number that overflows is none (RFC 8259, section 6)."""
    if isinstance(value, float) and not math.isfinite(value):
        raise PydanticCustomError("finite_number", "a number that no float can hold")
    if isinstance(value, (list, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            _check_finite(part)
    return value


Json: TypeAlias = Annotated[JsonValue, AfterValidator(_check_finite)]
"""Any JSON value."""


class UnknownValue(str):
    """A value of an open enum that this side does not know yet; it is sent on as it came."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            cls, core_schema.str_schema(strict=True), metadata={"duologue_unknown": True}
        )


def _children(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The core schemas directly inside one: fields, items, choices, wrapped schemas."""
    for key in ("schema", "items_schema", "values_schema", "keys_schema"):
        inner = schema.get(key)
        if isinstance(inner, dict):
            yield cast("dict[str, Any]", inner)
        elif isinstance(inner, list):  # a tuple's
            yield from cast("list[dict[str, Any]]", inner)
    choices: Any = schema.get("choices", ())
    listed: list[Any] = list(choices.values() if schema["type"] == "tagged-union" else choices)
    for choice in listed:
        yield choice[0] if isinstance(choice, tuple) else choice


def _is_unknown_value(choice: Any) -> bool:
    schema: dict[str, Any] = cast("Any", choice)[0] if isinstance(choice, tuple) else choice
    return bool(schema.get("metadata", {}).get("duologue_unknown"))


def _try_known_first(schema: dict[str, Any]) -> None:
    """Make unions with `UnknownValue` try their members in order.

    pydantic prefers the member whose type fits exactly, and to it any text is more of an `UnknownValue` than of the
    enum that declares it.
    """
    if schema["type"] in ("model", "dataclass", "definition-ref"):
        return
    if schema["type"] == "union" and any(map(_is_unknown_value, schema["choices"])):
        schema["mode"] = "left_to_right"
    for child in _children(schema):
        _try_known_first(child)


T = TypeVar("T")

_DEFERRED: Final = ConfigDict(defer_build=True)
_COLLECTIONS: Final = frozenset({"list", "tuple", "set", "frozenset", "dict"})

Resolve: TypeAlias = Callable[[Any], Any]


def _tighten(schema: dict[str, Any], resolve: Resolve, seen: frozenset[str] = frozenset()) -> None:
    """Make of what pydantic reads what the wire has.

    Collections are refused for their first bad member: a message has room for half a million of them, and to describe
    each took 14 seconds and 400 MB. Decimals are text alone, and no member of an enum of numbers is `true`. What may be
    a date comes last in a union: pydantic reads the text of a number as one, and so took `int64` and `decimal` for it.
    """
    if schema["type"] == "definition-ref":
        name: str = schema["schema_ref"]
        with suppress(LookupError):  # a model that is being made
            if name not in seen:
                _tighten(resolve(schema), resolve, seen | {name})
        return
    if schema["type"] in ("model", "dataclass"):  # has done it for its own members
        return
    if schema["type"] in _COLLECTIONS:
        schema["fail_fast"] = True
    elif schema["type"] == "decimal":
        schema["serialization"] = _WRITTEN_OUT
        _read_as(schema, lambda inner: core_schema.chain_schema([_DECIMAL_TEXT, inner], serialization=_WRITTEN_OUT))
    elif schema["type"] == "enum" and schema.get("sub_type") == "int":
        _read_as(schema, _whole_numbers)
    elif schema["type"] == "union":
        schema["choices"].sort(key=partial(_holds_dates, resolve=resolve))
    for child in _children(schema):
        _tighten(child, resolve, seen)


def _holds_dates(choice: Any, resolve: Resolve) -> bool:
    """Whether a member of a union is a date or a time, by whatever name, or may be one."""
    schema: dict[str, Any] = cast("Any", choice)[0] if isinstance(choice, tuple) else choice
    if schema["type"] == "definition-ref":
        with suppress(LookupError):  # a model that is being made
            return _holds_dates(resolve(schema), resolve)
    if schema["type"] in ("nullable", "union"):
        return any(_holds_dates(child, resolve) for child in _children(schema))
    return schema["type"] in ("date", "datetime")


def _read_as(schema: dict[str, Any], from_json: Callable[[CoreSchema], CoreSchema]) -> None:
    """Change, in its place, how a schema reads JSON; Python values it takes as before."""
    inner = cast("CoreSchema", {key: value for key, value in schema.items() if key != "ref"})
    named = {key: value for key, value in schema.items() if key == "ref"}
    schema.clear()
    schema |= core_schema.json_or_python_schema(json_schema=from_json(inner), python_schema=inner) | named


_DECIMAL_TEXT: Final = core_schema.no_info_after_validator_function(
    Decimal, core_schema.str_schema(strict=True, pattern=r"^-?[0-9]+(\.[0-9]+)?$")
)


def _write_decimal(value: object) -> str:
    """Digits alone: `str` of a decimal may have an exponent."""
    if not isinstance(value, Decimal):
        raise PydanticSerializationUnexpectedValue("Expected `Decimal`")  # of a union, the next member is asked
    return f"{value:f}"


_WRITTEN_OUT: Final = core_schema.plain_serializer_function_ser_schema(
    _write_decimal, when_used="json", return_schema=core_schema.str_schema()
)


def _whole_numbers(enum: Any) -> CoreSchema:
    members: dict[int, Any] = {member.value: member for member in enum["members"]}

    def member(value: int) -> Any:
        if value not in members:
            raise PydanticCustomError("enum", "Input should be {expected}", {"expected": ", ".join(map(str, members))})
        return members[value]

    whole = core_schema.no_info_after_validator_function(member, core_schema.int_schema(strict=True))
    return core_schema.chain_schema([whole, enum])


@overload
def deferred(type_: type[T]) -> TypeAdapter[T]: ...
@overload
def deferred(type_: Any) -> TypeAdapter[Any]: ...
def deferred(type_: Any) -> TypeAdapter[Any]:
    """An adapter of a type that is no model (those say so themselves), which is built when it is first used."""
    return TypeAdapter(type_, config=_DEFERRED)


@lru_cache(maxsize=4096)  # a process has as many as its protocols have actions
def validator_of(adapter: TypeAdapter[Any]) -> Any:
    """The adapter's validator, which stops at the first bad member of a collection."""
    adapter.rebuild()
    schema: dict[str, Any] = cast("Any", adapter.core_schema)
    definitions: dict[str, Any] = {}
    if schema["type"] == "definitions":
        definitions = {definition["ref"]: definition for definition in schema["definitions"]}
        schema = schema["schema"]
    if schema["type"] == "model":
        return adapter.validator
    _tighten(schema, lambda reference: definitions[reference["schema_ref"]])
    return SchemaValidator(adapter.core_schema)


_is_none: Final[Callable[[object], bool]] = partial(operator.is_, None)
"""No function of Python, since pydantic asks it for each optional member of whatever is encoded."""


def _is_same(default: object, value: object) -> bool:
    """Whether a value may be left out for its default: `1`, `1.0` and `True` are equal, but not the same JSON."""
    if value is default:  # nearly always
        return True
    if type(value) is not type(default):
        return False
    match default:
        case BaseModel():
            extra = cast("BaseModel", value).model_extra
            return _is_same(vars(default), vars(value)) and _is_same(default.model_extra, extra)
        case dict():
            old, new = cast("dict[object, object]", default), cast("dict[object, object]", value)
            return old.keys() == new.keys() and all(_is_same(old[key], new[key]) for key in old)
        case list() | tuple():
            items, given = cast("Sequence[object]", default), cast("Sequence[object]", value)
            return len(items) == len(given) and all(map(_is_same, items, given))
        case float() | Decimal() | datetime():  # `0.0` and `-0.0`, `0.1` and `0.10`, an instant in two zones
            return str(value) == str(default)
        case _:
            return value == default


def _model_fields(schema: dict[str, Any]) -> dict[str, Any] | None:
    while schema["type"] != "model-fields":
        if "schema" not in schema:
            return None
        schema = schema["schema"]
    return cast("dict[str, Any]", schema["fields"])


def _adapt(schema: CoreSchema, resolve: Resolve, *, leave_out_defaults: bool) -> CoreSchema:
    """Leave out members that are absent (None by default) or, for params, equal to their default."""
    fields = _model_fields(cast("dict[str, Any]", schema))
    for field in (fields or {}).values():
        _try_known_first(field["schema"])
        _tighten(field["schema"], resolve)
        default = field["schema"]
        if default["type"] != "default" or default["schema"]["type"] == "literal":
            continue
        if "default" not in default and not leave_out_defaults:
            continue
        value = default["default"] if "default" in default else default["default_factory"]()
        if value is None:
            field["serialization_exclude_if"] = _is_none
        elif leave_out_defaults:
            is_same = operator.is_ if isinstance(value, bool) else _is_same
            field["serialization_exclude_if"] = partial(is_same, value)
    return schema


class Model(BaseModel):
    """Base of all generated models. An absent optional reads None, and None of an optional is not sent."""

    # No annotations here, and none below it but of `Event`: pydantic reads them anew for each class of a protocol.
    model_config = ConfigDict(
        validate_by_name=True,
        validate_by_alias=False,
        serialize_by_alias=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,  # errors reach logs, and values may be secret
        protected_namespaces=(),
        defer_build=True,  # a program that imports a protocol uses a few of its models, and builds these when it does
    )

    @classmethod
    @override
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return _adapt(handler(source), handler.resolve_ref_schema, leave_out_defaults=issubclass(cls, Params))

    @classmethod
    def from_wire(cls, raw: bytes | str) -> Self:
        """Validate JSON text as it stands on the wire; raises `pydantic.ValidationError`."""
        found: Self = cls.__pydantic_validator__.validate_json(raw, strict=True, by_alias=True, by_name=False)
        return found

    def to_wire(self) -> bytes:
        """The model as JSON text, by wire names."""
        return to_json(self.__pydantic_serializer__, self)


def to_json(serializer: SchemaSerializer, value: object) -> bytes:
    """A value as JSON text, by wire names.

    Raises:
        TypeError: It does not fit its type; the message does not quote it, since it may be secret.
    """
    try:
        return serializer.to_json(value, by_alias=True, warnings="error")
    except PydanticSerializationError as error:
        told = re.sub(r"input_value=.*, (?=input_type=)", "", str(error), flags=re.DOTALL)
    raise TypeError(told)


class Params(Model):
    """Params of an action. Unknown members are refused; members that equal their default are not sent."""

    model_config = ConfigDict(extra="forbid")


class Event(Model):
    """Base of all events."""

    event_name: ClassVar[str] = ""


class UnknownVariant(Model):
    """A member of an open union that this side does not know yet; everything it carried is in `model_extra`."""

    model_config = ConfigDict(extra="allow")
    known_tags: ClassVar[frozenset[str]] = frozenset()
    tag_field: ClassVar[str] = "kind"

    @override
    def model_post_init(self, context: Any, /) -> None:
        if getattr(self, self.tag_field) in self.known_tags:
            raise PydanticCustomError("known_tag", "not an unknown variant")


def _identity(value: object) -> Hashable:
    """What is equal for two values exactly when they are the same JSON."""
    match value:
        case BaseModel():
            members = [_identity(getattr(value, name)) for name in type(value).model_fields]
            return type(value), *members, _identity(value.model_extra)
        case dict():
            items = cast("dict[object, object]", value).items()
            return dict, frozenset((_identity(key), _identity(item)) for key, item in items)
        case list() | tuple():
            return list, *map(_identity, cast("Sequence[object]", value))
        case bool():
            return bool, value  # equal to 1 and 0 in Python alone
        case _:
            return value


def _check_unique(items: list[Any]) -> list[Any]:
    if len(set(map(_identity, items))) != len(items):
        raise PydanticCustomError("unique_items", "an item that is there twice")
    return items


UniqueItems: Final = AfterValidator(_check_unique)
"""Beside a list: no item comes twice (`uniqueItems` of JSON Schema)."""


def is_unique(validator: object) -> bool:
    """Whether it is the one of `UniqueItems`."""
    return validator is _check_unique


def _text_form(
    python: CoreSchema, parse: Callable[[str], object], render: Callable[[Any], str], **told: str
) -> GetPydanticSchema:
    """A type that is text on the wire and something else in Python; `told` is what its JSON Schema says of the text."""
    text = core_schema.str_schema(strict=True)
    from_text = core_schema.no_info_after_validator_function(parse, text, metadata={"duologue_form": told})

    def schema(source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.json_or_python_schema(
            json_schema=from_text,
            python_schema=python,
            serialization=core_schema.plain_serializer_function_ser_schema(
                render, when_used="json", return_schema=core_schema.str_schema()
            ),
        )

    return GetPydanticSchema(schema)


def _decode_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:  # `binascii.Error`, or characters beyond ASCII
        raise PydanticCustomError("base64", "not standard base64 (RFC 4648, section 4)") from error


def _decode_int64(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = None
    if value is None or str(value) != text or not -(2**63) <= value < 2**63:
        raise PydanticCustomError("int64", "not a 64-bit integer in decimal notation")
    return value


def _write_int64(value: object) -> str:
    if type(value) is not int:  # `True` and members of enums are others'
        raise PydanticSerializationUnexpectedValue("Expected `int`")
    return str(value)


Base64: TypeAlias = Annotated[
    bytes,
    _text_form(
        core_schema.bytes_schema(),
        _decode_base64,
        lambda raw: base64.b64encode(raw).decode("ascii"),
        contentEncoding="base64",
    ),
]
"""Bytes; on the wire standard base64 with padding (RFC 4648, section 4)."""

Int64: TypeAlias = Annotated[
    int,
    _text_form(
        core_schema.int_schema(ge=-(2**63), le=2**63 - 1, strict=True), _decode_int64, _write_int64, format="int64"
    ),
]
"""A 64-bit integer; on the wire decimal text, since JSON numbers are exact only up to 2**53 (RFC 8259, section 6)."""
