"""Packages that tests use: generated from a spec, once per process, into a temporary folder."""

from __future__ import annotations

import atexit
import importlib
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from duologue_codegen.compiler import compile_spec
from duologue_codegen.generate import generate_files


def generated(spec: Path) -> Any:
    """Generate and import; what the checkers cannot see before the tests run is `Any` to them."""
    folder = TemporaryDirectory(prefix=f"duologue-{spec.parent.name}-")
    atexit.register(folder.cleanup)
    protocol = compile_spec(spec)
    for name, text in generate_files(protocol, project=False).items():
        path = Path(folder.name, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    sys.path.insert(0, folder.name)
    try:
        return importlib.import_module(protocol.python.package)
    finally:
        sys.path.remove(folder.name)
