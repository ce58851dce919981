"""Generated models take what the protocol allows and refuse the rest; and a printer that errs is found out."""

import importlib.util
import json
import string
import sys
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from duologue_codegen import ir
from duologue_codegen.breaking.packages import Package
from duologue_codegen.compiler import compile_spec
from duologue_codegen.imports import UnresolvedName, import_block
from duologue_codegen.lower import Lowered
from duologue_codegen.printer import print_models
from duologue_codegen.second_opinion import PrinterMismatch, compare_models
from duologue_codegen.structure import UnexpectedStructure, check_structure

GOLDEN = Path(__file__).parent / "golden"
PROTOCOL = compile_spec(GOLDEN / "everything/spec.yaml")
OBJECTS = [definition for definition in PROTOCOL.definitions if isinstance(definition, ir.ObjectDef)]
SHAPES = settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.large_base_example],
)
DEEP = 3  # types may be recursive: below this depth nothing is generated that can be left out
SAMPLES = {
    ir.ScalarKind.BYTES: "aGk=",
    ir.ScalarKind.DATE: "2026-02-28",
    ir.ScalarKind.DATETIME: "2026-02-28T10:00:00+01:00",
    ir.ScalarKind.DURATION: "PT1M",
    ir.ScalarKind.UUID: "00000000-0000-4000-8000-000000000000",
    ir.ScalarKind.INT64: "12",
    ir.ScalarKind.DECIMAL: "12.5",
}


@pytest.fixture(scope="module")
def models() -> Iterator[ModuleType]:
    place = GOLDEN / "everything/expected/every_thing_sdk/__init__.py"
    found = importlib.util.spec_from_file_location(
        "every_thing_sdk", place, submodule_search_locations=[str(place.parent)]
    )
    assert found is not None
    assert found.loader is not None
    package = importlib.util.module_from_spec(found)
    sys.modules["every_thing_sdk"] = package
    found.loader.exec_module(package)
    yield package
    for name in [name for name in sys.modules if name.partition(".")[0] == "every_thing_sdk"]:
        del sys.modules[name]


# ----------------------------------------------------------------------------------------------------------- accepting
def scalar(kind: ir.ScalarKind, rules: ir.Constraints) -> st.SearchStrategy[Any]:
    if kind in SAMPLES:
        return st.just(SAMPLES[kind])
    if kind is ir.ScalarKind.BOOLEAN:
        return st.booleans()
    if kind is ir.ScalarKind.STRING:
        text = (
            st.from_regex(rules.pattern.replace("$", r"\Z"), alphabet=string.ascii_lowercase)
            if rules.pattern
            else st.text(max_size=5)
        )
        return text.map(lambda words: words[: rules.max_length]).filter(
            lambda words: len(words) >= (rules.min_length or 0)
        )
    if kind is ir.ScalarKind.INTEGER:
        low, high = rules.minimum, rules.maximum
        return st.integers(None if low is None else int(low), None if high is None else int(high))
    return st.sampled_from([0.25, 0.5, 1.0, 1.5])


def valid(type_: ir.Type, depth: int = 0) -> st.SearchStrategy[Any]:
    """JSON that fits a type."""
    match type_:
        case ir.Scalar(kind=kind, constraints=rules):
            return scalar(kind, rules)
        case ir.Ref(name=name):
            return defined(PROTOCOL.definition(name), depth)
        case ir.Array(min_items=None) if depth >= DEEP:
            return st.just([])
        case ir.Map() if depth >= DEEP:
            return st.just({})
        case ir.Array(item=item, min_items=low):
            return st.lists(valid(item, depth + 1), min_size=low or 0, max_size=(low or 0) + 1)
        case ir.Map(key=key, value=value):
            return st.dictionaries(valid(key, depth + 1), valid(value, depth + 1), max_size=1)
        case ir.Tuple(items=items):
            return st.tuples(*(valid(item, depth + 1) for item in items)).map(list)
        case ir.Const(value=value):
            return st.just(value)
        case ir.Nullable(inner=inner):
            return st.none() if depth >= DEEP else st.none() | valid(inner, depth + 1)
        case ir.Union(members=members):
            return st.one_of([valid(member, depth + 1) for member in members])
        case ir.Null():
            return st.none()
        case ir.Json():
            return st.sampled_from([None, 1, "x", [1], {"a": None}])


def defined(definition: ir.Definition, depth: int) -> st.SearchStrategy[Any]:
    match definition:
        case ir.ObjectDef(fields=fields):
            required = {field.name: valid(field.type, depth + 1) for field in fields if not omittable(field)}
            further = fields if depth < DEEP else ()
            optional = {field.name: valid(field.type, depth + 1) for field in further if omittable(field)}
            return st.fixed_dictionaries(required, optional=optional)
        case ir.EnumDef(members=members, open=is_open):
            known = st.sampled_from([member.value for member in members])
            return known | st.just("of tomorrow") if is_open else known
        case ir.UnionDef(variants=variants, unknown_class=unknown):
            inside: st.SearchStrategy[Any] = st.one_of([valid(variant.type, depth + 1) for variant in variants])
            return inside | st.just({definition.discriminator: "tomorrow", "x": 1}) if unknown else inside
        case ir.AliasDef(type=type_):
            return valid(type_, depth)


def omittable(field: ir.Field) -> bool:
    return field.presence not in (ir.Presence.REQUIRED, ir.Presence.CONST)


@pytest.mark.parametrize("definition", OBJECTS, ids=lambda definition: definition.class_name)
def test_what_fits_is_read_and_survives_the_wire(models: ModuleType, definition: ir.ObjectDef) -> None:
    model = getattr(models, definition.class_name)

    @SHAPES
    @given(defined(definition, 0))
    def survives(value: Any) -> None:
        read = model.from_wire(json.dumps(value))
        assert model.from_wire(read.to_wire()) == read
        sent = json.loads(read.to_wire())
        given_ = {name for name, member in value.items() if member is not None}
        constants = {field.name for field in definition.fields if field.presence is ir.Presence.CONST}
        assert constants <= set(sent)
        if definition.base is not ir.Base.PARAMS:
            assert given_ <= set(sent)

    survives()


# ------------------------------------------------------------------------------------------------------------ refusing
def invalid(type_: ir.Type) -> list[Any]:
    """JSON that does not fit a type."""
    match type_:
        case ir.Scalar(kind=kind, constraints=rules):
            wrong: list[Any] = [{"no": 1}, [[]]]
            wrong += [] if kind is ir.ScalarKind.BOOLEAN else [True]
            wrong += ["x", "1"] if kind in (ir.ScalarKind.INTEGER, ir.ScalarKind.NUMBER, ir.ScalarKind.BOOLEAN) else []
            wrong += ["☃"] if kind in SAMPLES or rules.pattern else []
            wrong += [] if kind in (ir.ScalarKind.NUMBER, ir.ScalarKind.INTEGER, ir.ScalarKind.DECIMAL) else [1]
            return wrong + list(beyond(kind, rules))
        case ir.Ref(name=name):
            definition = PROTOCOL.definition(name)
            if isinstance(definition, ir.AliasDef):
                return invalid(definition.type)
            if isinstance(definition, ir.EnumDef):
                known: list[Any] = [] if definition.open else ["☃", 99]
                return [[], {}, True, *known]
            return [5, "x", []] if isinstance(definition, ir.ObjectDef) or definition.open else [[[]]]
        case ir.Array(item=item, min_items=low, max_items=high):
            short: list[Any] = [[]] if low else []
            long: list[Any] = [[one_valid(item)] * (high + 1)] if high is not None else []
            return ["x", {}, *short, *long, *([wrong] for wrong in invalid(item))]
        case ir.Map(value=value):
            return ["x", [], *({"a": wrong} for wrong in invalid(value))]
        case ir.Tuple(items=items):
            return [[], "x", [*map(one_valid, items), 1]]
        case ir.Const(value=value):
            return ["☃", None, not value if isinstance(value, bool) else f"{value} "]
        case ir.Nullable(inner=inner):
            return invalid(inner)
        case ir.Null():
            return [0, ""]
        case ir.Union() | ir.Json():
            return []


def beyond(kind: ir.ScalarKind, rules: ir.Constraints) -> Iterator[Any]:
    def written(value: Any) -> Any:
        return (
            str(value)
            if kind in (ir.ScalarKind.INT64, ir.ScalarKind.DECIMAL)
            else float(value)
            if kind is ir.ScalarKind.NUMBER
            else int(value)
        )

    one = Decimal(1)
    if rules.minimum is not None:
        yield written(Decimal(str(rules.minimum)) - one)
    if rules.maximum is not None:
        yield written(Decimal(str(rules.maximum)) + one)
    if rules.exclusive_minimum is not None:
        yield written(Decimal(str(rules.exclusive_minimum)))
    if rules.exclusive_maximum is not None:
        yield written(Decimal(str(rules.exclusive_maximum)))
    if rules.multiple_of is not None:
        yield written(Decimal(str(rules.multiple_of)) / 2)
    if rules.max_length is not None:
        yield "a" * (rules.max_length + 1)
    if rules.min_length:
        yield "a" * (rules.min_length - 1)


def one_valid(type_: ir.Type) -> Any:
    found: list[Any] = []

    @settings(max_examples=1)
    @given(valid(type_, 3))
    def keep(value: Any) -> None:
        found.append(value)

    keep()
    return found[-1]


@pytest.mark.parametrize("definition", OBJECTS, ids=lambda definition: definition.class_name)
def test_what_does_not_fit_is_refused(models: ModuleType, definition: ir.ObjectDef) -> None:
    model = getattr(models, definition.class_name)
    right = {field.name: one_valid(field.type) for field in definition.fields if not omittable(field)}
    model.from_wire(json.dumps(right))
    for field in definition.fields:
        for wrong in invalid(field.type):
            with pytest.raises(ValidationError):
                print(
                    definition.class_name, field.name, wrong, model.from_wire(json.dumps({**right, field.name: wrong}))
                )
        if field.presence is ir.Presence.REQUIRED:
            with pytest.raises(ValidationError):
                model.from_wire(json.dumps({name: value for name, value in right.items() if name != field.name}))
        if field.name != field.python_name and field.presence is ir.Presence.REQUIRED:
            renamed = {(field.python_name if name == field.name else name): value for name, value in right.items()}
            with pytest.raises(ValidationError):
                model.from_wire(json.dumps(renamed))
    if definition.base is ir.Base.PARAMS:
        with pytest.raises(ValidationError):
            model.from_wire(json.dumps({**right, "unexpected": 1}))
    else:
        assert "unexpected" not in json.loads(model.from_wire(json.dumps({**right, "unexpected": 1})).to_wire())


def test_defaults_are_what_the_spec_says(models: ModuleType) -> None:
    definition = PROTOCOL.definition("Defaults")
    assert isinstance(definition, ir.ObjectDef)
    made = models.Defaults()
    for field in definition.fields:
        assert field.default is not None
        read = models.Defaults.from_wire(json.dumps({field.name: field.default.wire}))
        assert getattr(made, field.python_name) == getattr(read, field.python_name), field.name
        assert type(getattr(made, field.python_name)) is type(getattr(read, field.python_name)), field.name
    assert models.Defaults().names is not made.names


def test_open_enums_and_unions_keep_what_is_unknown(models: ModuleType) -> None:
    read = models.Defaults.from_wire('{"mood": "dreamy", "shape": {"kind": "blob", "size": 3}}')
    assert type(read.mood).__name__ == "UnknownValue"
    assert type(read.shape).__name__ == "UnknownShape"
    assert json.loads(read.to_wire())["shape"] == {"kind": "blob", "size": 3}
    assert models.Defaults.from_wire('{"mood": "happy"}').mood is models.Mood.HAPPY
    with pytest.raises(ValidationError):
        models.Defaults.from_wire('{"shape": {"kind": "circle"}}')


# ---------------------------------------------------------------------------------------------------- mistakes of tools
MISTAKES = {
    "another type": (": bool", ": int"),
    "a constraint lost": ("Field(ge=", "Field(description='x', ge="),
    "a field lost": ("    field", "    pass  # field"),
    "another base": ("(Params)", "(Model)"),
    "optional": (": bool\n", ": bool | None = None\n"),
    "a class renamed": ("class Def", "class Ref"),
    "a statement more": ("\nfrom", "\nprint('x')\nfrom"),
    "anything allowed": (": Json\n", ": Any\n"),
    "another value": ("Literal['text", "Literal['next"),
    "a tag lost": ("Field(discriminator=", "Field(title="),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_of_the_printer_ends_generation(mistake: tuple[str, str]) -> None:
    before, after = mistake

    def printer(lowered: Lowered) -> str:
        text = print_models(lowered)
        assert before in text
        return text.replace(before, after, 1)

    with pytest.raises(PrinterMismatch):
        compare_models(PROTOCOL, printer=printer)


def test_the_printer_sees_no_word_of_the_authors() -> None:
    seen: list[str] = []

    def printer(lowered: Lowered) -> str:
        seen.append(json.dumps(lowered.schema))
        return print_models(lowered)

    compare_models(PROTOCOL, printer=printer)
    for word in ("circle", "Shape", "radius", "fooBar", "with space", "happy", "A name", "[a-z]"):
        assert word not in seen[0]


def test_an_import_that_nothing_has_is_an_error() -> None:
    assert "from typing import Final" in import_block("X: Final = 1\n", lambda _: None)
    with pytest.raises(UnresolvedName, match="nothing"):
        import_block("X = nothing\n", lambda _: None)


@pytest.mark.parametrize(
    "text",
    [
        "import os",
        "print('x')",
        "x = 1",
        "class A:\n    x = f()",
        "class A:\n    def f(self): import os",
        "x: int = f()",
    ],
)
def test_files_that_do_more_than_declare_are_never_written(text: str) -> None:
    with pytest.raises(UnexpectedStructure):
        check_structure("a.py", text)


@pytest.mark.parametrize(
    "default", ["{type: A, default: {}}", "{type: [A], default: [{}]}", "{type: A, default: {n: 2}}"]
)
def test_a_default_whose_class_is_completed_later(tmp_path: Path, default: str) -> None:
    """`A` leads to `B`, which stands below it: no `A` can be made where `B` says its default."""
    spec = tmp_path / "spec.yaml"
    types = f"{{A: {{fields: {{b?: B, n?: integer}}}}, B: {{fields: {{a: {default}}}}}}}"
    spec.write_text(f"duologue: 1\nprotocol: p\nversion: 1.0.0\ntypes: {types}\n", encoding="utf-8")
    with closing(Package(compile_spec(spec))) as package:
        made = import_module(f"{package.name}.models").B()
        assert "A(" in repr(made)


def returned(types: str, wire: object, folder: Path) -> object:
    """What comes back of a value for the field `f` of the type `T`."""
    spec = folder / "spec.yaml"
    spec.write_text(f"duologue: 1\nprotocol: p\nversion: 1.0.0\ntypes: {types}\n", encoding="utf-8")
    protocol = compile_spec(spec)
    compare_models(protocol)
    with closing(Package(protocol)) as package:
        read = import_module(f"{package.name}.models").T.from_wire(json.dumps({"f": wire}))
    return json.loads(read.to_wire())["f"]


ONE = "{type: array, prefixItems: [{type: string}], minItems: 1, maxItems: 1, items: false}"


@pytest.mark.parametrize(
    ("type_", "wire"),
    [
        ("[{tuple: [number, number]}]", [[0.5, 1.5]]),
        ("[[{tuple: [integer]}]]", [[[1]], []]),
        ("{tuple: [integer, {tuple: [string, boolean]}]}", [1, ["a", True]]),
        ("{string: [{tuple: [integer]}]}", {"a": [[1]]}),
        (f"{{schema: {{type: array, items: {{anyOf: [{ONE}, {{type: 'null'}}]}}}}}}", [["a"], None]),
        (f"{{schema: {{anyOf: [{ONE}, {{type: integer}}]}}}}", ["a"]),
        (f"{{schema: {{type: array, prefixItems: [{ONE}], minItems: 1, maxItems: 1, items: false}}}}", [["a"]]),
    ],
)
def test_tuples_inside_other_types_are_generated(tmp_path: Path, type_: str, wire: object) -> None:
    assert returned(f"{{T: {{fields: {{f: {type_}}}}}}}", wire, tmp_path) == wire


@pytest.mark.parametrize(
    ("field", "wire"),
    [
        ("f: N", None),
        ("f: A", None),
        ("f: [A]", [None]),
        ("f: {string: A}", {"a": None}),
        ("f: 'A|integer'", 1),
        ("f: {tuple: [N, integer]}", [None, 1]),
        ("f?: {type: A, python: {absent: missing}}", None),
    ],
)
def test_null_is_generated_by_any_name(tmp_path: Path, field: str, wire: object) -> None:
    assert returned(f"{{N: 'null', A: N, T: {{fields: {{{field}}}}}}}", wire, tmp_path) == wire


def test_null_that_may_be_absent_is_generated(tmp_path: Path) -> None:
    assert returned("{T: {fields: {f?: {type: 'null', python: {absent: missing}}}}}", None, tmp_path) is None


@pytest.mark.parametrize(
    ("bound", "fitting", "beyond"),
    [
        ("minimum: 1.5", 2, 1),
        ("minimum: -1.5", -1, -2),
        ("maximum: 1.5", 1, 2),
        ("exclusiveMinimum: 1.5", 2, 1),
        ("exclusiveMinimum: 2.0", 3, 2),
        ("exclusiveMaximum: 1.5", 1, 2),
        ("exclusiveMaximum: -1.5", -2, -1),
        ("minimum: -1e300, maximum: 1e1", 10, 11),
        ("multipleOf: 3.0", 6, 7),
    ],
)
def test_bounds_with_a_fraction_bound_whole_numbers(tmp_path: Path, bound: str, fitting: int, beyond: int) -> None:
    types = f"{{T: {{fields: {{f: {{type: integer, {bound}}}}}}}}}"
    assert returned(types, fitting, tmp_path) == fitting
    with pytest.raises(ValidationError):
        returned(types, beyond, tmp_path)
