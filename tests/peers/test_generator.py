"""What goes wrong elsewhere with generated packages."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
import tomllib
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from duologue_codegen.compiler import compile_spec
from duologue_codegen.generate import generate_files
from duologue_codegen.problems import SpecErrors

ROOT = Path(__file__).parents[2]
SPECS = ROOT / "tests/codegen/golden"


def write(files: dict[str, str], folder: Path) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_protobuf_1491_a_generated_package_can_live_inside_another(tmp_path: Path) -> None:
    """As part of somebody's application, where nothing of its own name can be imported from the top."""
    protocol = compile_spec(SPECS / "everything/spec.yaml")
    write(generate_files(protocol, project=False), tmp_path / "app/vendor")
    for place in ("app", "app/vendor"):
        (tmp_path / place / "__init__.py").touch()
    script = f"""
import importlib, pkgutil, sys
inside = importlib.import_module("app.vendor.{protocol.python.package}")
for module in pkgutil.iter_modules(inside.__path__):
    importlib.import_module(f"{{inside.__name__}}.{{module.name}}")
for name in inside.__all__:
    if hasattr(found := getattr(inside, name), "model_rebuild"):
        found.model_rebuild()  # else at its first use
        assert found.__pydantic_complete__, name
assert {protocol.python.package!r} not in sys.modules
print(inside.PROTOCOL.name)
"""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT / 'runtime'}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.stdout.strip() == protocol.name, run.stderr


ANOTHER_DAY = """
import datetime, time

class Later(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + datetime.timedelta(days=1000)

class LaterDay(datetime.date):
    @classmethod
    def today(cls):
        return super().today() + datetime.timedelta(days=1000)

datetime.datetime, datetime.date = Later, LaterDay
clock = time.time
time.time = lambda: clock() + 1000 * 86400
"""

OTHER_TOOL = """#!/bin/sh
echo called >> "$DUOLOGUE_CALLED"
for file in $(find . "$@" -name '*.py' 2>/dev/null); do echo '# formatted by another version' >> "$file"; done
"""


def test_geolens_657_another_day_with_other_formatters_near_gives_the_same_bytes(tmp_path: Path) -> None:
    tools, later = tmp_path / "tools", tmp_path / "later"
    write({f"tools/{name}": OTHER_TOOL for name in ("ruff", "black", "isort")}, tmp_path)
    for tool in tools.iterdir():
        tool.chmod(0o755)
    write({"sitecustomize.py": ANOTHER_DAY}, later)
    called = tmp_path / "called"
    subprocess.run(
        [sys.executable, "-m", "duologue_codegen", "generate", SPECS / "registry/spec.yaml", "-o", "out", "--project"],
        cwd=tmp_path,
        env={
            **os.environ,
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": f"{later}{os.pathsep}{ROOT / 'codegen'}",
            "DUOLOGUE_CALLED": str(called),
        },
        check=True,
        timeout=120,
        stdout=subprocess.DEVNULL,
    )
    expected = SPECS / "registry/expected"
    written = {path.relative_to(tmp_path / "out"): path for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert {str(name): path.read_bytes() for name, path in written.items()} == {
        str(path.relative_to(expected)): path.read_bytes()
        for path in expected.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert not called.exists()


def test_geolens_657_what_decides_the_bytes_cannot_move_by_itself() -> None:
    """A formatter's style may change with its minor version, and the model generator's output with any."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = dict(re.findall(r"^([\w-]+)(.*)$", "\n".join(project["optional-dependencies"]["codegen"]), re.MULTILINE))
    assert re.fullmatch(r"==\d+\.\d+\.\*", needed["datamodel-code-generator"])
    ruff = re.fullmatch(r">=0\.(\d+),<0\.(\d+)", needed["ruff"])
    assert ruff is not None
    assert int(ruff[2]) == int(ruff[1]) + 1


SHAPES: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "Name": ("{name: string}", [{"name": "x"}]),
    "NameAge": ("{name: string, age: integer}", [{"name": "x", "age": 1}]),
    "NameMaybe": ("{name: string, age?: integer}", [{"name": "x"}, {"name": "x", "age": 1}]),
    "Defaulted": ("{name: {type: string, default: y}}", [{"name": "x"}]),
    "Milk": ("{milk: integer}", [{"milk": 1}]),
    "MilkName": ("{milk: integer, name?: string}", [{"milk": 1}, {"milk": 1, "name": "x"}]),
    "Yes": ("{kind: {const: 'yes'}, name?: string}", [{"kind": "yes"}, {"kind": "yes", "name": "x"}]),
    "No": ("{kind: {const: 'no'}, name?: string}", [{"kind": "no"}, {"kind": "no", "name": "x"}]),
    "Kind": ("{kind: string}", [{"kind": "yes"}]),
}
"""Object types, and all that each can send."""


def spec_of(pairs: list[tuple[str, str]], folder: Path) -> Path:
    types = [f"  {name}: {{fields: {fields}}}" for name, (fields, _) in SHAPES.items()]
    types += [f"  {one}Or{other}: {{fields: {{value: {one}|{other}}}}}" for one, other in pairs]
    head = "duologue: 1\nprotocol: shapes\nversion: 1.0.0\ntypes:\n"
    path = folder / "shapes.yaml"
    path.write_text(head + "\n".join(types) + "\n")
    return path


def test_autosdk_328_a_member_of_a_union_is_never_taken_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either the spec is refused, or everything that a member can send comes back as that member."""
    pairs = list(combinations(SHAPES, 2))
    with pytest.raises(SpecErrors) as caught:
        compile_spec(spec_of(pairs, tmp_path))
    told = re.findall(r"`(\w+)` and `(\w+)` cannot be told apart", caught.value.render(""))
    assert len(told) == len(caught.value.problems)
    apart = [pair for pair in pairs if pair not in told]
    assert {("Name", "Milk"), ("NameAge", "Milk"), ("Yes", "No")} <= set(apart)
    assert {("Name", "NameMaybe"), ("Name", "NameAge"), ("Yes", "Kind"), ("Defaulted", "Yes")} <= set(told)

    write(generate_files(compile_spec(spec_of(apart, tmp_path)), project=False), tmp_path / "out")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "out"), *sys.path])
    package: Any = importlib.import_module("shapes_sdk")
    for one, other in apart:
        holder = getattr(package, f"{one}Or{other}")
        for name in (one, other):
            kind = getattr(package, name)
            for sent in SHAPES[name][1]:
                value = kind(**sent)
                assert holder.from_wire(holder(value=value).to_wire()).value == value
