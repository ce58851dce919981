"""Generates a package, once, in the parent of those that will: what that imports and compiles, they need not."""

from __future__ import annotations

from pathlib import Path

from duologue_codegen.compiler import compile_spec
from duologue_codegen.generate import generate_files

generate_files(compile_spec(Path(__file__).parent / "codegen/golden/everything/spec.yaml"), project=True)
