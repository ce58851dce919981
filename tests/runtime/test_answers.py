"""Answers of keyed calls in memory: for how long they are kept, how many, and what is told of a key that is spent."""

from __future__ import annotations

import pytest

from duologue import ResourceExhausted
from duologue.keyed import SPENT, Answer, Claim, MemoryAnswers
from duologue.wire import ErrorBody

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]  # nothing here waits


async def test_an_answer_is_kept_as_long_as_is_said_and_belongs_to_one_identity() -> None:
    times = [0.0]
    answers = MemoryAnswers(ttl=10, now=lambda: times[0])
    assert await answers.claim("me", "k", "m") is None
    spent = await answers.claim("me", "k", "m")
    assert spent is not None
    assert spent.error is SPENT, "the handler started, and nobody knows more"
    await answers.record("me", "k", Answer("m", data=b"1"))
    assert await answers.recall("me", "k") == Answer("m", data=b"1")
    assert await answers.claim("you", "k", "m") is None
    times[0] = 10.0
    assert await answers.claim("me", "k", "m") == Answer("m", data=b"1")
    times[0] = 10.1
    assert await answers.recall("me", "k") is None


async def test_a_full_store_refuses_new_keys_and_knows_its_old_ones() -> None:
    times = [0.0]
    answers = MemoryAnswers(ttl=10, capacity=2, now=lambda: times[0])
    for key in "ab":
        assert await answers.claim("me", key, "m") is None
    with pytest.raises(ResourceExhausted, match="2 keyed calls are remembered already"):
        await answers.claim("me", "c", "m")
    assert await answers.claim("me", "a", "m") is not None
    times[0] = 11.0
    assert await answers.claim("me", "c", "m") is None


async def test_an_answer_is_what_a_store_can_write_down() -> None:
    claim = Claim("me", "k", "m", lambda result: repr(result).encode())
    good, bad = claim.answer(5), Answer("m", error=ErrorBody("no_room", "not_found", "no"))
    assert (good, good.error_json()) == (Answer("m", data=b"5"), None)
    for answer in (good, bad):
        assert Answer.restore(answer.mark, answer.data, answer.error_json()) == answer
