"""Names in Python: made from those of the spec, valid, and out of the way of what generated code needs."""

import builtins
import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_codegen import names, reserved


@pytest.mark.parametrize(
    ("name", "snake", "pascal", "constant"),
    [
        ("list_services", "list_services", "ListServices", "LIST_SERVICES"),
        ("frameNavigated", "frame_navigated", "FrameNavigated", "FRAME_NAVIGATED"),
        ("Page.frameNavigated", "page_frame_navigated", "PageFrameNavigated", "PAGE_FRAME_NAVIGATED"),
        ("HTTPServer", "http_server", "HTTPServer", "HTTP_SERVER"),
        ("base64", "base64", "Base64", "BASE64"),
        ("kebab-case name", "kebab_case_name", "KebabCaseName", "KEBAB_CASE_NAME"),
        ("_private__x_", "private_x", "PrivateX", "PRIVATE_X"),
        ("2nd", "n2nd", "N2nd", "N2ND"),
        ("Sha256", "sha256", "Sha256", "SHA256"),
        ("naïve", "naive", "Naive", "NAIVE"),
        ("größe", "grosse", "Grosse", "GROSSE"),
        ("Łódź", "lodz", "Lodz", "LODZ"),
        ("漢字", None, None, None),
        ("漢字 kanji", "kanji", "Kanji", "KANJI"),
        ("$", None, None, None),
    ],
)
def test_styles(name: str, snake: str | None, pascal: str | None, constant: str | None) -> None:
    assert (names.snake(name), names.pascal(name), names.constant(name)) == (snake, pascal, constant)


@pytest.mark.parametrize(
    ("wire", "python"),
    [
        ("from", "from_"),
        ("or", "or_"),
        ("self", "self_"),
        ("list", "list_"),
        ("copy", "copy_"),
        ("model_config", "model_config_"),
        ("model_dump_x", "field_model_dump_x"),
        ("event_name", "event_name_"),
        ("type", "type"),
        ("timeout", "timeout"),
        ("date", "date"),
    ],
)
def test_fields(wire: str, python: str) -> None:
    assert names.field(wire) == python


def test_arguments_of_calls_and_errors_are_kept_free() -> None:
    assert names.field("timeout", reserved.CALL_ARGUMENTS) == "timeout_"
    assert names.field("options", reserved.CALL_ARGUMENTS) == "options_"
    assert names.field("body", reserved.CALL_ARGUMENTS) == "body"
    assert names.field("body", reserved.UPLOAD_ARGUMENTS) == "body_"
    assert names.field("message", reserved.ERROR_ARGUMENTS) == "message_"


@pytest.mark.parametrize(
    ("name", "method"),
    [
        *(("close", "close_"), ("list", "list_"), ("import", "import_"), ("a", "a"), ("type", "type")),
        *((name, f"{name}_") for name in ("override", "abstractmethod", "cached_property", "deprecated")),
    ],
)
def test_methods(name: str, method: str) -> None:
    assert names.method(name) == method


@pytest.mark.parametrize(
    ("value", "member"),
    [
        ("rolled_back", "ROLLED_BACK"),
        ("None", "NONE"),
        ("2xx", "VALUE_2XX"),
        (404, "VALUE_404"),
        (-1, "MINUS_1"),
        ("+", None),
    ],
)
def test_enum_members(value: str | int, member: str | None) -> None:
    assert names.enum_member(value) == member


@pytest.mark.parametrize(
    ("path", "argument"),
    [("name", "name"), ("report.status", "report_status"), ("since", "since_"), ("from", "from_"), ("str", "str_")],
)
def test_filter_keywords(path: str, argument: str) -> None:
    assert names.keyword(path) == argument


@given(st.text())
def test_whatever_comes_in_an_identifier_comes_out(name: str) -> None:
    for make in (
        names.snake,
        names.pascal,
        names.constant,
        names.field,
        names.method,
        names.enum_member,
        names.keyword,
    ):
        made = make(name)
        assert made is None or (made.isascii() and made.isidentifier() and not made.startswith("_"))
    for make in (names.field, names.method, names.keyword):
        made = make(name)
        assert made is None or not keyword.iskeyword(made)


def test_lists_of_reserved_names_are_complete() -> None:
    assert set(keyword.kwlist) <= reserved.KEYWORDS
    classes = {name for name in dir(builtins) if name[0].isupper()}
    assert classes <= reserved.BUILTIN_CLASSES


def test_members_of_pydantic_models_are_reserved() -> None:
    from pydantic import BaseModel

    public = {name for name in dir(BaseModel) if not name.startswith("_")}
    assert {name for name in public if names.field(name) == name} == set()
