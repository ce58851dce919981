"""Small files that cost much: each is refused within a second and 200 MB, in a process of its own."""

import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from duologue_codegen.compiler import compile_spec
from duologue_codegen.load import MAX_BYTES
from duologue_codegen.problems import SpecErrors

HEAD = "duologue: 1\nprotocol: p\nversion: 1.0.0\n"
GOLDEN = Path(__file__).parent / "golden/everything/spec.yaml"
MOST_SECONDS = 1.0
MOST_BYTES = 200_000_000


def laughs() -> str:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    return "\n".join(lines)


def merges() -> str:
    lines = ["m0: &m0 {a: 1, b: 2}"]
    lines += [f"m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 20)}]}}" for n in range(1, 20)]
    return "\n".join(lines)


BOMBS: dict[str, Callable[[], str]] = {
    "a billion laughs": laughs,
    "merge keys": merges,
    "deep brackets": lambda: "types: " + "[" * 2_000_000,
    "deep braces": lambda: "types: " + "{a: " * 1_000_000,
    "deep indentation": lambda: "\n".join(f"{' ' * n}a:" for n in range(2_500)),
    "too large": lambda: "#" * (MAX_BYTES + 1),
    "a long word": lambda: f'{HEAD}description: "{"x" * (MAX_BYTES - 200)}"\nnonsense: 1\n',
    "many nodes": lambda: "a: [" + "1," * 1_000_000 + "1]",
    "many keys": lambda: HEAD + "types:\n" + "".join(f"  T{n}: x\n" for n in range(8_000)),
    "one key many times": lambda: HEAD + "types:\n" + "  T: string\n" * 8_000,
    "a long number": lambda: HEAD + f"types: {{T: {{type: integer, minimum: {'9' * 4_000_000}}}}}",
    "many documents": lambda: "---\na: 1\n" * 500_000,
    "many anchors": lambda: "\n".join(f"a{n}: &a{n} x" for n in range(20_000)),
    "many tags": lambda: "\n".join(f"a{n}: !!python/object/apply:os.system [x]" for n in range(8_000)),
    "a deep type": lambda: HEAD + f"types: {{T: '{'[' * 200_000}string{']' * 200_000}'}}",
    "a wide union": lambda: HEAD + f"types: {{T: '{'|'.join(['string'] * 80_000)}'}}",
    "a chain that ends nowhere": lambda: HEAD + "types:\n" + "".join(f"  T{n}: T{n + 1}\n" for n in range(8_000)),
    "a circle": lambda: HEAD + "types:\n" + "".join(f"  T{n}: T{(n + 1) % 8_000}\n" for n in range(8_000)),
    "a large pattern": lambda: HEAD + "types: {T: {type: string, pattern: '((a{1000}){1000}){1000}'}}",
    "a long pattern": lambda: HEAD + f"types: {{T: {{type: string, pattern: '{'(a|b)*' * 300_000}('}}}}",
    "spaces": lambda: HEAD + " " * 2_000_000 + "x",
    "line breaks": lambda: HEAD + "\n" * 4_000_000 + "x",
    "unclosed quotes": lambda: HEAD + 'a: "' + "\\x41" * 1_000_000,
    "unclosed braces": lambda: HEAD + "a: {" * 60 + "b: 1, " * 100_000,
    "imports of itself": lambda: HEAD + "imports: [" + ", ".join(["spec.yaml"] * 5_000) + "]\n",
}


def measured(path: Path) -> tuple[bool, float, int]:
    """Whether a spec is refused, and what that takes: seconds of the processor, bytes at most."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        refused = False
        try:
            os.close(reading)
            started = time.process_time()
            try:
                compile_spec(path)
            except SpecErrors as errors:
                refused = bool(errors.render(""))
            spent = time.process_time() - started
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            os.write(writing, f"{int(refused)} {spent} {peak}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    assert told, "the process has died"
    outcome, seconds, size = told.split()
    return outcome == "1", float(seconds), int(size)


@pytest.fixture(scope="module")
def slowness() -> float:
    """How much longer things take here than where the largest of the golden specs is compiled in 20 ms; at least twice.

    On such a machine each bomb is refused in less than a second; others run beside this test.
    """
    compile_spec(GOLDEN)
    started = time.process_time()
    compile_spec(GOLDEN)
    return max(2.0, (time.process_time() - started) / 0.02)


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_quickly(tmp_path: Path, slowness: float, bomb: str) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(BOMBS[bomb](), encoding="utf-8")
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # of this process, which the new one begins with
    refused, spent, peak = measured(path)
    assert refused
    assert spent < MOST_SECONDS * slowness
    assert peak < max(MOST_BYTES, own + 100_000_000)
