"""The grammar, version 1, as pydantic models: what may be written where.

They check shape alone. What names mean, whether a default fits, what collides … is the resolver's. The JSON Schema for
editors is generated from these models (`grammar_schema`), descriptions included: an author reads them on hover.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema

from . import grammar as g
from .grammar import Grammar
from .ir import Status
from .nodes import MapNode, Node, ScalarNode, SeqNode, describe
from .wirespec import NATIVE, PROFILES

GRAMMAR_VERSION = 1


def _read_version(node: Node) -> int:
    version = g.read_integer(node)
    if version != GRAMMAR_VERSION:
        raise g.refuse(f"grammar {version} is not known", f"this generator reads grammar {GRAMMAR_VERSION}")
    return version


# --------------------------------------------------------------------------------------------------------- common
_ABSENT = g.one_of("none", "missing")


class PythonName(Grammar):
    """How it is called in Python."""

    name: g.Identifier | None = Field(None, description="Name in Python instead of the one made from the spec's.")


class PythonField(PythonName):
    """How it is called in Python, and what it reads as where it is absent."""

    absent: Annotated[str, _ABSENT] | None = Field(
        None, description="What an absent field reads as: `None`, or pydantic's `MISSING`; the protocol's by default."
    )


class DeprecationSpec(Grammar):
    """Why something should no longer be used."""

    since: g.Text | None = Field(None, description="Version that deprecated it.")
    use: g.Text | None = Field(None, description="What to use instead.")
    reason: g.Text | None = Field(None, description="Why.")


def _deprecated_mapping(node: Node) -> Node:
    if not isinstance(node, ScalarNode):
        return node
    if node.value is not True:
        raise g.refuse(f"`deprecated` is `true` or a mapping, not {describe(node)}", "remove the key, or say why")
    return MapNode(node.file, node.line, node.column)


Deprecated: TypeAlias = Annotated[
    DeprecationSpec,
    BeforeValidator(_deprecated_mapping),
    WithJsonSchema({"anyOf": [{"const": True}, g.ref("DeprecationSpec")]}),
]


class Told(Grammar):
    description: g.Text | None = Field(None, description="What it is; becomes documentation and docstrings.")
    deprecated: Deprecated | None = Field(None, description="`true`, or since when, what to use instead and why.")
    experimental: g.Boolean = Field(False, description="May change or go in any version.")
    since: g.Text | None = Field(None, description="Version of the protocol that brought it.")


class Described(Told):
    python: PythonName | None = Field(None, description="How it is called in Python.")


# ---------------------------------------------------------------------------------------------------------- types
class LongForm(Told):
    python: PythonField | None = Field(None, description="Name in Python, and what an absent field reads as.")
    examples: g.Sequence | None = Field(None, description="Values that fit the type.")


class TypeForm(LongForm):
    """A type with constraints, a default or documentation."""

    type: g.TypeNode = Field(description="A builtin, a declared type, `[Item]`, `{string: Value}` or `A|B|null`.")
    pattern: g.Text | None = Field(None, description="Regular expression without look-around and back-references.")
    min_length: g.Count | None = Field(None, alias="minLength", description="Fewest characters.")
    max_length: g.Count | None = Field(None, alias="maxLength", description="Most characters.")
    minimum: g.Bound | None = Field(None, description="Least value.")
    maximum: g.Bound | None = Field(None, description="Greatest value.")
    exclusive_minimum: g.Bound | None = Field(None, alias="exclusiveMinimum", description="Greater than this.")
    exclusive_maximum: g.Bound | None = Field(None, alias="exclusiveMaximum", description="Less than this.")
    multiple_of: g.Step | None = Field(None, alias="multipleOf", description="A multiple of this.")
    min_items: g.Count | None = Field(None, alias="minItems", description="Fewest items.")
    max_items: g.Count | None = Field(None, alias="maxItems", description="Most items.")
    unique_items: g.Boolean | None = Field(None, alias="uniqueItems", description="No item twice.")
    default: g.Anything | None = Field(None, description="Makes the field optional: what an absent one reads as.")


class FieldsForm(LongForm):
    """An object."""

    fields: g.FieldMap = Field(description="`name: Type`; `name?: Type` may be absent.")
    with_: g.OneOrMany = Field((), alias="with", description="Object types whose fields come first.")


class EnumForm(LongForm):
    """One of some values."""

    enum: g.Sequence = Field(description="Texts, or whole numbers.")
    open: g.Boolean = Field(False, description="Later versions may add values; unknown ones survive.")
    names: g.TextMap | None = Field(None, description="Python names of values: `{value: PYTHON_NAME}`.")
    default: g.Anything | None = Field(None, description="Makes the field optional: what an absent one reads as.")


class ConstForm(LongForm):
    """Always this value: always sent, never has to be given."""

    const: g.Anything = Field(description="Text, a whole number, `true` or `false`.")


class OneOfForm(LongForm):
    """One of some types."""

    one_of: g.Texts = Field(alias="oneOf", description="Names of types.")
    discriminator: g.Text | None = Field(None, description="Field that tells them apart: a `const` in each of them.")
    open: g.Boolean = Field(False, description="Later versions may add members; unknown ones survive.")


class TupleForm(LongForm):
    """An array of exactly these items."""

    tuple_: g.TypeList = Field(alias="tuple", description="Types of the items, in order.")


class SchemaForm(LongForm):
    """A type in JSON Schema 2020-12, a subset of it; `$ref: '#/types/Name'` points at declared types."""

    schema_: g.Anything = Field(alias="schema", description="The schema.")
    default: g.Anything | None = Field(None, description="Makes the field optional: what an absent one reads as.")


LONG_FORMS: dict[str, type[LongForm]] = {
    "type": TypeForm,
    "fields": FieldsForm,
    "enum": EnumForm,
    "const": ConstForm,
    "oneOf": OneOfForm,
    "tuple": TupleForm,
    "schema": SchemaForm,
}
LONG_FORM_KEYS = frozenset(
    field.alias or name for form in LONG_FORMS.values() for name, field in form.model_fields.items()
)


# --------------------------------------------------------------------------------------------------------- errors
class ErrorSpec(Described):
    """An error that an action may end in."""

    status: Annotated[str, g.one_of(*Status)] = Field(description="Which of the fixed statuses it is.")
    code: g.Integer | None = Field(None, description="Its number, where `wire` has numbers for codes.")
    message: g.Text | None = Field(None, description="Text; `{field}` stands for a field of `details`.")
    with_: g.OneOrMany = Field((), alias="with", description="Object types whose fields come first in the details.")
    details: g.Data | None = Field(None, description="Fields, or the name of an object type.")
    retry: g.Duration | None = Field(None, description="When trying again makes sense.")


# -------------------------------------------------------------------------------------------------------- actions
class LimitsSpec(Grammar):
    """What one connection may ask for."""

    rate: g.PerTime | None = Field(None, description="Calls a unit of time, as in `10/s`.")
    burst: g.Positive | None = Field(None, description="Calls at once above the rate.")
    concurrency: g.Positive | None = Field(None, description="Calls that may run at the same time.")
    request: g.Size | None = Field(None, description="Largest request, as in `64KiB`.")
    response: g.Size | None = Field(None, description="Largest response, as in `1MiB`.")


def _transfer_mapping(node: Node) -> Node:
    if not isinstance(node, MapNode):
        raise g.refuse(f"a mapping expected, not {describe(node)}", "write `{}`, or what differs, as in `{max: 1GiB}`")
    return node


class TransferSpec(Grammar):
    """Bytes that travel beside params and result."""

    media: g.Media = Field("application/octet-stream", description="Media type of the bytes.")
    max: g.Size | None = Field(None, description="Most bytes, as in `1GiB`; `64MiB` by default.")


class UploadSpec(TransferSpec):
    """Bytes that the caller sends."""

    resumable: g.Boolean = Field(True, description="After a lost connection it is continued, not begun again.")


Upload: TypeAlias = Annotated[UploadSpec, BeforeValidator(_transfer_mapping)]
Download: TypeAlias = Annotated[TransferSpec, BeforeValidator(_transfer_mapping)]


class ExampleSpec(Grammar):
    """A call, and what came of it."""

    params: g.Mapping | None = Field(None, description="What was asked.")
    result: g.Anything | None = Field(None, description="What was answered.")
    error: g.Text | None = Field(None, description="Or the error that it ended in.")


_FROM = g.one_of("client", "server", "both")
_DELIVERY = g.one_of("log", "state", "volatile")
_SCOPE = "A scope, a list of scopes that are all needed, or `public`."


class ActionSpec(Described):
    """A call with a result."""

    from_: Annotated[str, _FROM] = Field("client", alias="from", description="Who calls.")
    with_: g.OneOrMany = Field((), alias="with", description="Object types whose fields come first in the params.")
    params: g.Data | None = Field(None, description="Fields, or the name of an object type.")
    result: g.TypeNode | None = Field(None, description="What it answers; nothing when left out.")
    stream: g.TypeNode | None = Field(None, description="Type of the items that come before the result.")
    upload: Upload | None = Field(None, description="Bytes that the caller sends; the action is `effect: keyed`.")
    download: Download | None = Field(None, description="Bytes that come before the result; never `effect: keyed`.")
    pages: g.Text | None = Field(None, description="The result's array; needs `cursor?` and `next_cursor?`.")
    scope: g.OneOrMany | None = Field(None, description=_SCOPE)
    effect: Annotated[str, g.one_of("safe", "keyed", "unsafe")] | None = Field(
        None, description="`safe` may run twice, `keyed` runs at most once a key, `unsafe` is never retried."
    )
    errors: g.Texts = Field((), description="Errors it may end in, besides those of `defaults`.")
    timeout: g.Timeout | None = Field(None, description="How long a caller waits by default; `none` is for ever.")
    limits: LimitsSpec | None = Field(None, description="What one connection may ask for.")
    examples: Annotated[SeqNode, g.list_of("ExampleSpec")] | None = Field(
        None, description="Calls and what came of them."
    )


# --------------------------------------------------------------------------------------------------------- events
class EventSpec(Described):
    """Something that happened."""

    from_: Annotated[str, _FROM] = Field(
        "server", alias="from", description="Who sends it; `client` is a notification."
    )
    with_: g.OneOrMany = Field((), alias="with", description="Object types whose fields come first in the data.")
    data: g.Data | None = Field(None, description="Fields, or the name of an object type.")
    delivery: Annotated[str, _DELIVERY] | None = Field(
        None, description="`log`: every one, in order. `state`: the latest for each `key`. `volatile`: best effort."
    )
    key: g.Texts | None = Field(None, description="Dotted paths into the data; exactly with `delivery: state`.")
    filter: g.Texts = Field((), description="Dotted paths to scalars and enums that subscribers may ask for.")
    scope: g.OneOrMany | None = Field(None, description=_SCOPE)
    examples: g.Sequence | None = Field(None, description="Data that fits.")


# ------------------------------------------------------------------------------------------------------- document
class PythonSpec(Grammar):
    """Names of the generated package."""

    distribution: g.Text | None = Field(None, description="Name to install; the protocol's and `-sdk` by default.")
    package: g.Identifier | None = Field(None, description="Name to import; made from the distribution by default.")
    prefix: g.Identifier | None = Field(None, description="What `…Client`, `…Service` begin with.")
    peer: g.Identifier | None = Field(
        None, description="What the other end is called in class names; `Peer` by default."
    )
    absent: Annotated[str, _ABSENT] = Field(
        "none", description="What an absent field reads as: `None`, or pydantic's `MISSING`."
    )


class DefaultsSpec(Grammar):
    """For every action and event that does not say otherwise."""

    scope: g.OneOrMany | None = Field(None, description=_SCOPE)
    effect: Annotated[str, g.one_of("safe", "keyed", "unsafe")] | None = Field(None, description="Effect of actions.")
    timeout: g.Timeout | None = Field(None, description="How long a caller waits; `none` is for ever.")
    errors: g.Texts = Field((), description="Errors that every action may end in.")
    limits: LimitsSpec | None = Field(None, description="What one connection may ask for.")
    delivery: Annotated[str, _DELIVERY] | None = Field(None, description="Delivery of events from the server.")


class NamespaceSpec(Described):
    """A group of actions and events: what stands before the dot in their names."""


class Sections(Grammar):
    duologue: Annotated[int, g.Reader(_read_version, {"const": GRAMMAR_VERSION})] = Field(
        description="Version of the grammar."
    )
    scopes: g.TextMap | None = Field(None, description="Rights, each with a text that says what it allows.")
    roles: g.ListMap | None = Field(None, description="Named sets of scopes.")
    namespaces: Annotated[MapNode, g.section_of("NamespaceSpec")] | None = Field(
        None, description="What is said of namespaces, by name."
    )
    types: Annotated[MapNode, g.section_of("Type")] | None = Field(None, description="Types by name.")
    errors: Annotated[MapNode, g.section_of("ErrorSpec")] | None = Field(None, description="Errors by code.")
    actions: Annotated[MapNode, g.section_of("ActionSpec")] | None = Field(None, description="Actions by name.")
    events: Annotated[MapNode, g.section_of("EventSpec")] | None = Field(None, description="Events by name.")


_WIRE_SCHEMA = {"anyOf": [{"type": "string", "enum": [NATIVE, *PROFILES]}, g.ref("WireSpec")]}


class Document(Sections):
    """A protocol: the root file of a spec."""

    protocol: g.Kebab = Field(description="Name of the protocol.")
    version: g.Semver = Field(description="Version of the protocol.")
    description: g.Text | None = Field(None, description="What the protocol is for.")
    license: g.Text | None = Field(None, description="SPDX licence expression of the generated package.")
    authors: g.Texts = Field((), description="Who wrote it.")
    links: g.TextMap | None = Field(None, description="Addresses by what they lead to.")
    python: PythonSpec | None = Field(None, description="Names of the generated package.")
    wire: Annotated[Any, g.Reader(lambda node: node, _WIRE_SCHEMA)] | None = Field(
        None, description="How messages look: `native`, a given profile, or one that is declared."
    )
    imports: g.Texts = Field((), description="Other files of the spec, relative to this one.")
    defaults: DefaultsSpec | None = Field(None, description="For every action and event that does not say otherwise.")


class ImportedDocument(Sections):
    """A file that the root file imports."""

    namespace: g.Identifier | None = Field(None, description="Goes before every name of this file: `Page.navigate`.")
