"""The generator keeps clear of every name that the runtime's bases need."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

import pytest

import duologue
from duologue import Client, Peer, Server, Service, SyncClient
from duologue_codegen.compiler import compile_spec
from duologue_codegen.imports import LIBRARY
from duologue_codegen.package import render_package
from duologue_codegen.reserved import (
    DECORATORS,
    DISTRIBUTIONS,
    LIBRARY_CLASSES,
    MEMBER_NAMES,
    PACKAGE_CONSTANTS,
    PACKAGES,
    RUNTIME_CLASSES,
    SHADOWING,
)

ROOT = Path(__file__).parents[2]
GENERATED = [*ROOT.glob("generated/*/*/*.py"), *ROOT.glob("tests/codegen/golden/*/expected/*/*.py")]


def public_names(base: type) -> set[str]:
    """Methods, class attributes, and what constructors set."""
    names = set(dir(base))
    for each in base.__mro__[:-1]:
        if each.__module__.startswith("duologue"):
            names |= set(each.__annotations__)
            names |= set(re.findall(r"self\.(\w+)(?:: [^=]+)? =", inspect.getsource(each)))
    return {name for name in names if not name.startswith("_")}


@pytest.mark.parametrize("base", [Client, SyncClient, Service, Peer])
def test_no_action_can_shadow_what_its_base_needs(base: type) -> None:
    assert public_names(base) <= MEMBER_NAMES


def trees() -> Iterator[ast.Module]:
    for path in GENERATED:
        yield ast.parse(path.read_text())


def imported() -> set[tuple[str | None, ast.alias]]:
    """What generated modules import from libraries, and from which."""
    return {
        (node.module, alias)
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level == 0
        for alias in node.names
    }


def test_no_type_can_shadow_a_class_that_generated_modules_import() -> None:
    named = {(module, alias.name) for module, alias in imported() if alias.asname is None}
    runtime = {name for module, name in named if module == "duologue"}
    assert {"Client", "Stream", "Upload", "Download"} <= runtime
    assert {name for name in runtime if inspect.isclass(getattr(duologue, name))} <= RUNTIME_CLASSES
    assert {name for module, name in named if module != "duologue" and name[0].isupper()} <= LIBRARY_CLASSES


def test_no_type_can_shadow_a_class_that_generated_modules_may_import() -> None:
    private = {alias.name for _, alias in imported() if alias.asname is not None}
    named = {alias.name for _, alias in imported() if alias.asname is None}
    assert {"Deflate", "Observer"} <= private - named
    capitals = {name for name in LIBRARY if name[0].isupper()}
    assert capitals - (private - named) <= RUNTIME_CLASSES | LIBRARY_CLASSES


def test_no_type_can_shadow_what_the_package_itself_exports() -> None:
    exported = {
        name
        for path in GENERATED
        if path.name == "protocol.py"
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.AnnAssign)
        for name in [ast.unparse(node.target)]
    }
    assert exported == PACKAGE_CONSTANTS


def test_no_method_can_shadow_a_decorator() -> None:
    used = {
        ast.unparse(decorator).partition("(")[0]
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for decorator in node.decorator_list
    }
    assert {"abstractmethod", "override"} <= used
    assert used <= DECORATORS | SHADOWING


def test_no_package_can_shadow_one_that_it_imports() -> None:
    used: set[str] = set()
    for path in ROOT.glob("runtime/duologue/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.ImportFrom(level=0, module=str() as module):
                    used.add(module.partition(".")[0])
                case ast.Import(names=names):
                    used |= {alias.name.partition(".")[0] for alias in names}
                case _:
                    pass
    used |= {str(module).partition(".")[0] for module, _ in imported()}
    assert {"duologue", "pydantic", "typing", "json"} <= used
    assert used <= PACKAGES
    needed = {re.split("[^a-z-]", line)[0] for line in requires("duologue") or () if "extra == 'codegen'" not in line}
    assert needed | {"duologue"} <= DISTRIBUTIONS


@pytest.mark.parametrize("name", ["Deflate", "Envelope", "Hooks", "Observer", "Validation"])
def test_what_is_imported_under_a_private_name_is_the_librarys(tmp_path: Path, name: str) -> None:
    spec = tmp_path / "spec.yaml"
    head = "duologue: 1\nprotocol: p\nversion: 1.0.0\ndefaults: {scope: public}\n"
    spec.write_text(
        f"{head}wire: jsonrpc2\ntypes: {{{name}: {{fields: {{a: integer}}}}}}\nactions: {{a: {{result: {name}}}}}\n"
    )
    for text in render_package(compile_spec(spec)).values():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and name in [alias.name for alias in node.names if alias.asname]:
                assert node.module == "duologue"


def test_the_bases_have_names_to_keep_clear_of() -> None:
    assert {"hub", "connected", "aclose"} <= public_names(Client)
    assert "bind" in public_names(Server)
