"""The generator keeps clear of every name that the runtime's bases need."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

import duologue
from duologue import Client, Peer, Server, Service, SyncClient
from duologue_codegen.reserved import MEMBER_NAMES, RUNTIME_CLASSES

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


def test_no_type_can_shadow_a_class_that_generated_modules_import() -> None:
    imported: set[str] = set()
    for path in GENERATED:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == "duologue":
                imported |= {alias.name for alias in node.names if alias.asname is None}
    assert {"Client", "Stream", "Upload", "Download"} <= imported
    assert {name for name in imported if inspect.isclass(getattr(duologue, name))} <= RUNTIME_CLASSES


def test_the_bases_have_names_to_keep_clear_of() -> None:
    assert {"hub", "connected", "aclose"} <= public_names(Client)
    assert "bind" in public_names(Server)
