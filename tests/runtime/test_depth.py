"""The depth of JSON text, whatever text: right, in time that grows with its length alone, and in little memory."""

from __future__ import annotations

import json
import random
import time
import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from duologue.wire.depth import MAX_DEPTH, is_too_deep

KIB = 1 << 10
MANY = b'{"y":[' + b"[]," * 70
HOSTILE: dict[str, tuple[bytes, bytes, bytes]] = {
    "empty lists": (b'{"x":[', b"[],", b"[]]}"),
    "opening brackets": (b"", b"[", b""),
    "closing brackets": (MANY, b"]", b""),
    "towers": (b"[", b"[" * 62 + b"]" * 62 + b",", b"[]]"),
    "a text of brackets": (b'{"x":"', b"[x", b'"}'),
    "a text of escaped quotes": (MANY + b'[]],"x":"', b'\\"', b'"}'),
    "a text of escaped quotes that never ends": (MANY + b'[]],"x":"', b'\\"', b""),
    "a text of backslashes": (MANY + b'[]],"x":"', b"\\\\", b'"}'),
    "empty texts": (MANY, b'"",', b"[]]}"),
    "texts of a bracket between brackets": (MANY, b'"[",[],', b"[]]}"),
    "quotes": (MANY, b'"', b""),
}
"""What stands before, what is repeated, what stands after."""


def filled(shape: str, size: int) -> bytes:
    start, middle, end = HOSTILE[shape]
    return start + middle * ((size - len(start) - len(end)) // len(middle)) + end


@pytest.fixture(params=[16 * KIB, 16])
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts are looked at as they are, and in pieces that end anywhere."""
    monkeypatch.setattr("duologue.wire.depth._CHUNK", request.param)


def seconds(text: bytes, look: Callable[[bytes], object] = is_too_deep) -> float:
    """The shortest of several."""
    took: list[float] = []
    for _ in range(5):
        started = time.thread_time()
        look(text)
        took.append(time.thread_time() - started)
    return min(took)


@pytest.mark.parametrize("shape", HOSTILE)
def test_it_takes_time_in_proportion_to_the_text(shape: str) -> None:
    small, large = (seconds(filled(shape, size)) for size in (8 * KIB, 64 * KIB))
    assert large < 40 * max(small, 50e-6), "eight times the text, which would be 64 times the time if it were quadratic"


@pytest.mark.parametrize("shape", HOSTILE)
def test_it_takes_little_memory(shape: str) -> None:
    text = filled(shape, 256 * KIB)
    tracemalloc.start()
    try:
        is_too_deep(text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2048 * KIB, "a few times the text"


def tokens(text: bytes) -> Iterator[tuple[int, bool]]:
    """The depth after each byte, and whether it is outside of all texts and no backslash: read one by one."""
    depth, inside, escaped = 0, False, False
    for byte in text:
        if inside:
            inside = escaped or byte != ord('"')
            escaped = not escaped and byte == ord("\\")
        else:
            inside = byte == ord('"')
            depth += (byte in b"[{") - (byte in b"]}")
        yield depth, inside or byte != ord("\\")


def deepest(text: bytes) -> int:
    """The depth as far as the text can be JSON: no decoder goes on behind a backslash that is in no text."""
    found = 0
    for depth, sound in tokens(text):
        if not sound:
            break
        found = max(found, depth)
    return found


def some_json(rng: random.Random, depth: int) -> object:
    if depth == 0 or rng.random() < 0.02:
        return rng.choice(["[", "]]", '"', "\\", '\\"[', "", "a", 1, None])
    inner = [some_json(rng, depth - 1) for _ in range(1 + (rng.random() < 0.02))]
    return inner if rng.random() < 0.5 else {f'"[{n}\\': part for n, part in enumerate(inner)}


@pytest.mark.usefixtures("chunk")
def test_of_json_it_is_exactly_the_depth() -> None:
    rng = random.Random(64)
    verdicts = {True: 0, False: 0}
    for _ in range(100):
        text = json.dumps([some_json(rng, rng.choice([3, 8, 62, 63, 64, 66])) for _ in range(8)]).encode()
        deep = deepest(text) > MAX_DEPTH
        verdicts[deep] += 1
        assert is_too_deep(text) is deep, text
    assert min(verdicts.values()) > 10, "both verdicts are reached"


@pytest.mark.usefixtures("chunk")
def test_of_anything_it_never_lets_deep_text_through() -> None:
    rng = random.Random(65)
    parts = [b"[", b"{", b"[[[[[[", b"]", b"}", b'"', b"\\", b'\\"', b"\\\\", b",", b"x", b'"["']
    weights = [4, 4, 8, 1, 1, 1, 0.2, 1, 1, 4, 1, 2]
    deep = 0
    for _ in range(5000):
        text = b"".join(rng.choices(parts, weights, k=rng.randrange(60)))
        if deepest(text) > MAX_DEPTH:
            deep += 1
            assert is_too_deep(text), text
    assert deep > 100


def test_text_of_nothing_but_brackets_takes_less_than_looking_at_each() -> None:
    """What it takes by far the longest for, against the plainest loop over as many bytes, measured in turn with it."""
    text = filled("towers", 256 * KIB)
    ours = plain = 10.0
    for _ in range(5):
        started = time.thread_time()
        assert not is_too_deep(text)
        between = time.thread_time()
        depth = 0
        for byte in text:
            depth += 1 if byte == ord("[") else -1
        ours, plain = min(ours, between - started), min(plain, time.thread_time() - between)
    assert ours < plain / 1.5


@pytest.mark.parametrize("text", [b"[" * KIB * KIB, bytes(KIB * KIB)])
def test_what_is_clear_at_once_takes_hardly_longer_than_to_look_for_one_byte(text: bytes) -> None:
    assert seconds(text) < 20 * max(seconds(text, lambda text: b"\xff" in text), 10e-6)
