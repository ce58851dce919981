"""Templates, and the files that make a package a project: text, nothing formatted yet."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from . import ir, text
from .breaking.samples import NoSample
from .imports import import_order
from .reference.python import NotPython, Writer
from .reference.typical import Typical
from .text import Code
from .version import VERSION

if TYPE_CHECKING:
    from jinja2 import Environment

MARK = "DO NOT EDIT"
"""What every generated file that can hold a comment says near its top."""

_PROJECT: Final = {
    ".github/workflows/publish.yaml": "publish.yaml",
    "Makefile": "Makefile",
    "README.md": "README.md",
    "pyproject.toml": "pyproject.toml",
}
"""File of every project, and its template."""

Files = dict[str, str]
"""Path (`/` between its parts) → text."""


def header(protocol: ir.Protocol, command: str = "generate") -> str:
    """Where a generated file comes from; the same for all files that a command writes of one protocol."""
    source = text.one_line(protocol.sources[0])
    tool = f"duologue {VERSION} (grammar {protocol.grammar})"
    return f"Written by {tool} from {source}. {MARK}: change {source}, then run\n`duologue {command}`."


@cache
def environment() -> Environment:
    """Templates with the filters that stand between a spec's words and the files. Unknown names are errors."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("duologue_codegen"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - what is rendered is no HTML; each filter escapes for its language
    )
    made.filters.clear()
    made.filters.update(
        name=text.name,
        code=text.code,
        literal=text.literal,
        docstring=text.docstring,
        slug=text.slug,
        toml=text.toml_string,
        toml_array=text.toml_array,
        markdown=text.markdown,
        one_line=text.one_line,
        markdown_code=text.markdown_code,
        markdown_comment=text.markdown_comment,
        html=text.html,
    )
    return made


# ---------------------------------------------------------------------------------------------------- project
def render_project(protocol: ir.Protocol) -> Files:
    """What makes the package a distribution that can be published: paths beside the package's folder."""
    classes, call = _first_call(protocol)
    context = {
        "protocol": protocol,
        "names": protocol.python,
        "header": text.one_line(header(protocol)),
        "is_mit": protocol.license == "MIT",
        "requirements": _requirements(protocol),
        "first_call": call,
        "imported": Code(
            ", ".join(text.name(word) for word in sorted((*classes, protocol.python.client), key=import_order))
        ),
        "first_event": _first_event(protocol),
        "summary": text.one_line(protocol.description or f"The {protocol.name} protocol."),
        "holders": ", ".join(protocol.authors) or f"the authors of {protocol.name}",
    }
    files = {path: _project_file(template, context) for path, template in _PROJECT.items()}
    if protocol.license == "MIT":
        files["LICENSE"] = _project_file("LICENSE", context)
    return files


def _requirements(protocol: ir.Protocol) -> tuple[str, ...]:
    """duologue alone, unless absent members are told from null: pydantic has `MISSING` for good since 2.14."""
    fields = (field for d in protocol.definitions if isinstance(d, ir.ObjectDef) for field in d.fields)
    missing = any(field.presence is ir.Presence.MISSING for field in fields)
    return (f"duologue>={_release()},<{_next_release()}", *(("pydantic>=2.14",) if missing else ()))


def _first_call(protocol: ir.Protocol) -> tuple[tuple[str, ...], Code]:
    """A statement that calls the first action which answers at once, and the classes that it names."""
    typical, writer = Typical(protocol), Writer(protocol)
    accessors = {namespace.name: f"{text.name(namespace.accessor)}." for namespace in protocol.namespaces}
    for action in protocol.client_actions:
        needed = [field for field in action.arguments if field.presence is ir.Presence.REQUIRED]
        if action.kind is not ir.ActionKind.UNARY:
            continue
        try:
            given = {
                field.name: typical.value(field.type) if not field.examples else field.examples[0] for field in needed
            }
            arguments, classes = writer.arguments(needed, given), writer.classes(needed, given)
        except (NoSample, NotPython):
            continue
        where = f"{accessors.get(action.namespace or '', '')}{text.name(action.method)}"
        return classes, Code(f"print(await client.{where}({arguments}))")
    return (), Code("await client.connected()")


def _first_event(protocol: ir.Protocol) -> Code | None:
    """A call that subscribes: `page.frame_navigated()`."""
    accessors = {namespace.name: f"{text.name(namespace.accessor)}." for namespace in protocol.namespaces}
    for event in protocol.server_events:
        return Code(f"{accessors.get(event.namespace or '', '')}{text.name(event.method)}()")
    return None


def _project_file(file: str, context: Mapping[str, Any]) -> str:
    return environment().get_template(f"project/{file}.jinja").render(context)


def _release() -> str:
    """`0.1.3` → `0.1`."""
    return ".".join(VERSION.split(".")[:2])


def _next_release() -> str:
    """The first release that may break: before 1.0 the next minor one, then the next major one."""
    major, minor = (int(part) for part in VERSION.split(".")[:2])
    return f"0.{minor + 1}" if major == 0 else f"{major + 1}"
