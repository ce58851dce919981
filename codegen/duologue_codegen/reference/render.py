"""A reference as Markdown and as one page of HTML that needs nothing else."""

from __future__ import annotations

from dataclasses import replace

from .. import ir
from ..format import format_files
from ..keeping import no_collection
from ..render import Files, environment, header
from ..text import Code
from .content import Entry, Reference, Section, content


@no_collection()
def render_reference(protocol: ir.Protocol) -> Files:
    """`reference.md` and `reference.html`."""
    reference = _formatted(content(protocol))
    names = {"header": header(protocol, "docs"), "reference": reference, "protocol": protocol}
    return {
        f"reference.{kind}": environment().get_template(f"reference/reference.{kind}.jinja").render(names)
        for kind in ("md", "html")
    }


def _formatted(reference: Reference) -> Reference:
    """The same with all Python as ruff writes it, by one run of it."""
    found: dict[Code, Code] = {}
    for section in reference.sections:
        for entry in section.entries:
            found.update((example.python, example.python) for example in entry.examples if example.python is not None)
    written = format_files({f"{number}.py": f"{python}\n" for number, python in enumerate(found)})
    found = {python: Code(text.rstrip("\n")) for python, text in zip(found, written.values(), strict=True)}

    def entry_of(entry: Entry) -> Entry:
        examples = (replace(one, python=None if one.python is None else found[one.python]) for one in entry.examples)
        return replace(entry, examples=tuple(examples))

    def section_of(section: Section) -> Section:
        return replace(section, entries=tuple(map(entry_of, section.entries)))

    return replace(reference, sections=tuple(map(section_of, reference.sections)))
