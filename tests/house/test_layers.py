"""The import rules of ARCHITECTURE.md hold: they are read from its tables, so that document and test cannot differ."""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = {
    "duologue": ROOT / "runtime/duologue",
    "duologue_codegen": ROOT / "codegen/duologue_codegen",
    "duologue_registry": ROOT / "runtime/registry/duologue_registry",
    "service_registry_sdk": ROOT / "generated/service-registry-sdk/service_registry_sdk",
}
FREE = {"typing_extensions", "pydantic_core"}  # backports, and the half of pydantic that is written in Rust
PART = re.compile(r"^\| (?P<parts>`[\w` ]+`) \|[^|]*\|$", re.MULTILINE)
ROW = re.compile(r"^\| (?P<parts>`[\w.` ]+`) \|(?P<may>[^|]*)\|(?P<never>[^|]*)\|$", re.MULTILINE)


@dataclass(frozen=True)
class Rule:
    """One row of the table: what the part may import (None: anything), and what it never imports."""

    part: str
    may: frozenset[str] | None
    never: frozenset[str]


def rules() -> list[Rule]:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    found: list[Rule] = []
    for row in ROW.finditer(text):
        may, never = (frozenset(re.findall(r"`([\w.]+)`", cell)) for cell in row.group("may", "never"))
        free = row["may"].strip() == "anything"
        found += [Rule(part, None if free else may, never) for part in re.findall(r"[\w.]+", row["parts"])]
    return found


def parts() -> list[str]:
    """Return the parts of the runtime, each before those that it may import."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    return [part for row in PART.finditer(text) for part in re.findall(r"\w+", row["parts"])]


def modules(part: str) -> dict[str, Path]:
    """Return the files of a package, sub-package or module by dotted name."""
    package, _, rest = part.partition(".")
    place = FOLDERS[package] / rest.replace(".", "/")
    if place.with_suffix(".py").is_file():
        return {part: place.with_suffix(".py")}
    assert place.is_dir(), f"ARCHITECTURE.md has a rule for `{part}`, and there is no such module"
    names: dict[str, Path] = {}
    for path in sorted(place.rglob("*.py")):
        inner = path.relative_to(place).with_suffix("").parts
        names[".".join((part, *(p for p in inner if p != "__init__")))] = path
    return names


@cache
def imports(module: str, path: Path) -> dict[str, int]:
    """Return every name that a file imports, wherever in the file, with its line."""
    found: dict[str, int] = {}
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            found.update((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found.update((f"{base}.{alias.name}", node.lineno) for alias in node.names)
    return found


@cache
def for_types(path: Path) -> frozenset[int]:
    """Return the lines of a file that only type checkers read."""
    return frozenset(
        line
        for node in ast.walk(ast.parse(path.read_text(), str(path)))
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in node.body
        for line in range(inner.lineno, (inner.end_lineno or inner.lineno) + 1)
    )


def within(name: str, parts: frozenset[str]) -> bool:
    return any(name == part or name.startswith(f"{part}.") for part in parts)


def broken(rule: Rule) -> list[str]:
    """Return every import of the part that its rule forbids."""
    found: list[str] = []
    for module, path in modules(rule.part).items():
        for name, line in imports(module, path).items():
            top = name.partition(".")[0]
            free = top in sys.stdlib_module_names or within(name, frozenset({rule.part, *FREE}))
            refused = rule.may is not None and not free and not within(name, rule.may)
            if refused or within(name, rule.never):
                found.append(f"{path.relative_to(ROOT)}:{line}: {rule.part} may not import {name}")
    return found


def upward(order: list[str]) -> list[str]:
    """Return every import of a part of the runtime that names what is above it."""
    found: list[str] = []
    for index, part in enumerate(order):
        above = frozenset(f"duologue.{other}" for other in order[:index])
        for module, path in modules(f"duologue.{part}").items():
            types = for_types(path)
            for name, line in imports(module, path).items():
                if within(name, above) and line not in types:
                    found.append(f"{path.relative_to(ROOT)}:{line}: {part} may not import {name}")
    return found


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.part)
def test_imports_keep_the_rules(rule: Rule) -> None:
    assert broken(rule) == []


def test_every_package_has_a_rule() -> None:
    assert {rule.part for rule in rules()} >= set(FOLDERS)


def test_the_parts_of_the_runtime_import_only_what_is_below_them() -> None:
    assert upward(parts()) == []


def test_every_part_of_the_runtime_has_its_place() -> None:
    there = {
        path.stem for path in FOLDERS["duologue"].iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert sorted(parts()) == sorted(there - {"__init__"})


def test_an_upward_import_is_found_unless_it_is_for_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "duologue/low").mkdir(parents=True)
    (tmp_path / "duologue/high.py").write_text("from .low import one\n")
    (tmp_path / "duologue/low/one.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..high import A\n\n"
        "def late():\n    from ..high import B\n"
    )
    monkeypatch.setitem(FOLDERS, "duologue", tmp_path / "duologue")
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    assert upward(["high", "low"]) == ["duologue/low/one.py:6: low may not import duologue.high.B"]


def test_a_forbidden_import_is_found_wherever_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "duologue/drivers").mkdir(parents=True)
    (tmp_path / "duologue/drivers/one.py").write_text(
        "import asyncio\nfrom . import port\n\ndef late():\n"
        "    from ..session import Session\n    import trio.lowlevel\n"
    )
    monkeypatch.setitem(FOLDERS, "duologue", tmp_path / "duologue")
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    rule = Rule("duologue.drivers", may=frozenset({"duologue"}), never=frozenset({"duologue.session"}))
    assert broken(rule) == [
        "duologue/drivers/one.py:5: duologue.drivers may not import duologue.session.Session",
        "duologue/drivers/one.py:6: duologue.drivers may not import trio.lowlevel",
    ]
