"""Every place of a spec where an author's words may stand, filled with words that mean harm."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from duologue_codegen.compiler import compile_spec
from duologue_codegen.generate import generate_files
from duologue_codegen.reference.render import render_reference

PAYLOADS = {
    "quotes": 'it\'s "quoted"',
    "triple quotes": '"""\nimport os; os.system("touch pwned")\n"""',
    "other triple quotes": "''' + __import__('os').system('touch pwned') + '''",
    "an escaped end": 'the end\\"\\"\\"',
    "ends in a quote": 'the end"',
    "ends in a backslash": "C:\\temp\\",
    "escapes": "\\n \\x00 \\u2028 \\N{BULLET} \\N{nope} \\",
    "line breaks": "one\ntwo\r\nthree\n\n    four\rfive",
    "separators": "a\u2028b\u2029c\x85d",
    "right to left": "a\u202e\u2066 evil\u2069\u202c b\u200f",
    "hidden": "a\u200bb\ufeffc\u00add\U000e0041",
    "a template": "{{ protocol }} {% raw %} {# no #} {% endraw %} {%- include 'x' -%}",
    "an f-string": "{__import__('os').system('touch pwned')} {0!r:>{1}} {} {x.__class__}",
    "percent codes": "%s %(x)s %% %n ${x} $(touch pwned) `touch pwned`",
    "a comment": "# type: ignore  # noqa # fmt: off # -*- coding: utf-7 -*-",
    "HTML": "--> <script>alert(1)</script> <!-- ]]> &lt; <img src=x onerror=alert(1)>",
    "Markdown": "](javascript:alert(1)) ![x](http://evil.invalid/x) | a | b\n# head\n```\ncode\n```",
    "reST": ":role:`x` .. raw:: html\n\n    <b>\n\n.. include:: /etc/passwd\n\n|x| `a <b>`_",
    "TOML": "']]\n[project]\nname = 'evil'\n\"\"\"\n[tool.hatch.build.hooks.custom]",
    "YAML": "- &a [*a]\n--- !!python/object/apply:os.system ['touch pwned']\n...",
    "code": "x: int = __import__('os').system('touch pwned')",
    "a definition": "\n\nclass Evil:\n    import os\n\ndef evil(): return os\n@evil",
    "a path": "../../../etc/passwd",
    "far away": "\U0001fae8 \U0001f469\u200d\U0001f4bb 漢字",
}
HARMLESS = "plain words"

Words = Callable[[str], str]
"""Words for a place, which it is asked for by name."""


def printable(words: str) -> str:
    """The words as far as they may be a name: names are printable, and a dot would begin a namespace."""
    return "".join(char if char.isprintable() and char != "." else "-" for char in words)


def _told(words: Words, place: str) -> dict[str, Any]:
    deprecated = {key: words(f"{place}.deprecated.{key}") for key in ("since", "use", "reason")}
    return {"description": words(f"{place}.description"), "since": words(f"{place}.since"), "deprecated": deprecated}


def _types(words: Words, n: int) -> dict[str, Any]:
    field, other = printable(words("field")), f"{printable(words('constant field'))} too"
    value = words("enum value")
    return {
        f"State{n}": {
            "enum": [value, f"other{n}"],
            "names": {value: "FIRST"},
            "open": True,
            "examples": [value],
            **_told(words, "enum"),
        },
        f"Text{n}": {"type": "string", "examples": [words("example")], **_told(words, "alias")},
        f"One{n}": {
            "fields": {
                "kind": {"const": words("tag")},
                field: {
                    "type": "string",
                    "default": words("default"),
                    "python": {"name": "one"},
                    **_told(words, "field"),
                },
                other: {"const": words("const"), "python": {"name": "two"}},
            },
            **_told(words, "object"),
        },
        f"Two{n}": {"fields": {"kind": {"const": "the other"}}},
        f"Both{n}": {"oneOf": [f"One{n}", f"Two{n}"], "discriminator": "kind", "open": True, **_told(words, "union")},
        f"Any{n}": {
            "fields": {
                "state": {"type": f"State{n}", "default": value},
                "free": {"type": "json", "default": {words("json key"): [words("json text")]}},
                "map": {"type": {"string": "string"}, "default": {words("map key"): words("map value")}},
                "both": {"type": f"Both{n}", "default": {"kind": words("tag"), field: words("default of an object")}},
                "list": {"type": ["string"], "default": [words("item")]},
                "pair": {"type": {"tuple": ["string", "integer"]}, "default": [words("tuple item"), 1]},
            }
        },
    }


def unit(words: Words, n: int) -> dict[str, Any]:
    """Sections that have each place once; `n` tells their names from those of other units."""
    field = {"type": "string", "python": {"name": "text"}, **_told(words, "param")}
    named = {"python": {"name": f"named_{n}"}}
    return {
        "types": _types(words, n),
        "errors": {
            f"{n}{printable(words('error code'))}": {
                "status": "not_found",
                "message": words("message").replace("{", "{{").replace("}", "}}") + " {name}",
                "details": {"name": {"type": "string", **_told(words, "detail")}},
                "python": {"name": f"Gone{n}"},
                **_told(words, "error"),
            }
        },
        "actions": {
            f"{n}{printable(words('action'))}": {
                "params": {printable(words("param")): field, "all": f"Any{n}"},
                "result": f"Both{n}",
                "errors": [f"{n}{printable(words('error code'))}"],
                "scope": f"scope{n}",
                **named,
                **_told(words, "action"),
            },
            f"give{n}": {"stream": f"State{n}", "from": "both", **_told(words, "stream")},
            f"send{n}": {"upload": {}, "effect": "keyed", "from": "both", **_told(words, "upload")},
            f"Group{n}.act": {"description": words("namespaced")},
        },
        "events": {
            f"{n}{printable(words('event'))}": {
                "data": {
                    printable(words("path")): {"type": "string", "python": {"name": "text"}},
                    "state": f"State{n}",
                },
                "filter": [printable(words("path"))],
                "delivery": "state",
                "key": [printable(words("path"))],
                "python": {"name": f"told_{n}"},
                **_told(words, "event"),
            },
            f"note{n}": {"from": "client", "delivery": "volatile", "data": {}, **_told(words, "notification")},
        },
        "namespaces": {f"Group{n}": {"description": words("namespace.description"), "deprecated": True}},
        "scopes": {f"scope{n}": words("scope.text")},
        "roles": {f"role{n}": [f"scope{n}"]},
        "authors": [words("author")],
        "links": {f"{n}{words('link')}": "https://example.invalid/"},
    }


def head(words: Words) -> dict[str, Any]:
    """What there is once."""
    return {
        "duologue": 1,
        "protocol": "hostile",
        "version": "1.0.0",
        "license": "MIT",
        "description": words("description"),
        "defaults": {"scope": "public"},
    }


def spec(words: Callable[[int], Words], units: int) -> dict[str, Any]:
    """A spec with so many units, each with words of its own."""
    whole = head(words(0))
    for n in range(units):
        for section, found in unit(words(n), n).items():
            if isinstance(found, list):
                whole[section] = [*whole.get(section, []), *found]
            else:
                whole[section] = {**whole.get(section, {}), **found}
    return whole


def places() -> tuple[list[str], list[str]]:
    """The names of all places: of a unit, and of what there is once."""
    asked: dict[str, None] = {}
    once: dict[str, None] = {}

    def note(found: dict[str, None]) -> Words:
        def words(place: str) -> str:
            found[place] = None
            return HARMLESS

        return words

    unit(note(asked), 0)
    head(note(once))
    return list(asked), list(once)


def rotated(package: int, units: int) -> Callable[[int], Words]:
    """Words so that each place meets each payload once in as many packages as there are payloads for its units."""
    payloads, (in_units, once) = list(PAYLOADS.values()), places()
    order = {place: index for index, place in enumerate([*in_units, *once])}

    def words_of(n: int) -> Words:
        return lambda place: payloads[(order[place] + n + package * units) % len(payloads)]

    return words_of


def generate(folder: Path, whole: dict[str, Any]) -> dict[str, str]:
    """The files of the package, its project and its reference."""
    path = folder / "spec.yaml"
    quoted = json.dumps(whole, ensure_ascii=False)  # JSON is YAML, but for characters beyond the first plane
    path.write_text("".join(c if c.isascii() else f"\\U{ord(c):08x}" for c in quoted), encoding="ascii")
    protocol = compile_spec(path)
    return generate_files(protocol, project=True) | render_reference(protocol)
