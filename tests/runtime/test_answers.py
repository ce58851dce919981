"""Answers of keyed calls in memory: for how long they are kept, how many, and what is told of a key that is spent."""

from __future__ import annotations

import pytest

from duologue import Answer, Claim, Ran, ResourceExhausted
from duologue.auth import ANONYMOUS
from duologue.handling.answers import NOT_KEPT, SPENT, MemoryAnswers
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
    answers = MemoryAnswers(ttl=10, capacity=2, share=1, now=lambda: times[0])
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


async def test_the_caller_is_told_what_was_recorded() -> None:
    claim = Claim("me", "k", "m", lambda result: repr(result).encode())
    result = [1]
    assert claim.encoded(result) == b"[1]", "nothing was recorded"
    recorded = claim.answer(result)
    result.append(2)  # by another, since
    assert claim.encoded(result) == recorded.data == b"[1]"
    assert claim.encoded([3]) == b"[3]"


# ----------------------------------------------------------------------------------------------------------- how much
async def answered(answers: MemoryAnswers, identity: str, key: str, size: int) -> None:
    assert await answers.claim(identity, key, "m") is None
    await answers.record(identity, key, Answer("m", data=b"x" * size))


async def kept(answers: MemoryAnswers, identity: str, keys: str) -> str:
    """Which of these keys still have their answer; the others are known, and told what became of it."""
    found = ""
    for key in keys:
        answer = await answers.claim(identity, key, "m")
        assert answer is not None, "its handler would run again"
        assert answer.error in (None, NOT_KEPT)
        found += key if answer.error is None else ""
    return found


async def test_one_identity_takes_no_more_than_its_share_of_the_keys() -> None:
    times = [0.0]
    answers = MemoryAnswers(ttl=10, capacity=20, now=lambda: times[0])
    for key in "ab":
        await answered(answers, "me", key, 1)
    with pytest.raises(ResourceExhausted, match="2 keyed calls of this identity are remembered already") as caught:
        await answers.claim("me", "c", "m")
    assert caught.value.ran is Ran.NO
    await answered(answers, "you", "a", 1)
    for number in range(17):  # those who are anonymous are many
        await answered(answers, ANONYMOUS, str(number), 1)
    with pytest.raises(ResourceExhausted, match="20 keyed calls are remembered already"):
        await answers.claim(ANONYMOUS, "c", "m")
    times[0] = 11.0
    await answered(answers, "me", "c", 1)


async def test_beyond_its_share_of_the_bytes_the_oldest_answers_of_an_identity_go() -> None:
    answers = MemoryAnswers(size=1000)
    await answered(answers, "you", "a", 100)
    for key in "abc":
        await answered(answers, "me", key, 40)
    assert await kept(answers, "me", "abc") == "bc"
    assert await kept(answers, "you", "a") == "a", "nobody else's go"
    await answered(answers, "me", "d", 100)
    assert await kept(answers, "me", "abcd") == "d"


@pytest.mark.parametrize(
    "large", [Answer("m", data=b"x" * 101), Answer("m", error=ErrorBody("e", "not_found", "x" * 99))]
)
async def test_an_answer_too_large_to_be_kept_is_not_and_its_key_is_spent(large: Answer) -> None:
    answers = MemoryAnswers(size=1000)
    await answered(answers, "me", "a", 10)
    assert await answers.claim("me", "b", "m") is None
    await answers.record("me", "b", large)
    assert await answers.claim("me", "b", "m") == Answer("m", error=NOT_KEPT)
    assert await kept(answers, "me", "ab") == "a", "nothing went for what is not kept all the same"


async def test_when_all_bytes_are_taken_whoever_has_most_lets_go_of_the_oldest() -> None:
    answers = MemoryAnswers(size=100, share=0.5)
    for key in "abcd":
        await answered(answers, ANONYMOUS, key, 20)
    await answered(answers, "me", "a", 20)
    await answered(answers, "you", "a", 30)
    assert await kept(answers, ANONYMOUS, "abcd") == "cd"
    assert await kept(answers, "me", "a") + await kept(answers, "you", "a") == "aa"


async def test_what_is_too_old_gives_its_room_back() -> None:
    times = [0.0]
    answers = MemoryAnswers(ttl=10, size=100, share=1, now=lambda: times[0])
    for at in range(0, 100, 20):
        times[0] = at
        await answered(answers, "me", f"{at}", 60)
        await answered(answers, "me", f"{at} too", 40)
        assert [each.error for _, each in answers._answers.values()] == [None, None]
    times[0] = 200
    assert await answers.recall("me", "0") is None
    assert (answers._shares, answers._room) == ({}, 100)


async def test_an_answer_that_is_there_stays_and_one_that_comes_too_late_is_not_kept() -> None:
    times = [0.0]
    answers = MemoryAnswers(ttl=10, now=lambda: times[0])
    await answered(answers, "me", "a", 1)
    await answers.record("me", "a", Answer("m", data=b"other"))
    assert await answers.recall("me", "a") == Answer("m", data=b"x")
    assert await answers.claim("me", "b", "m") is None
    times[0] = 11.0
    assert await answers.recall("me", "b") is None
    await answers.record("me", "b", Answer("m", data=b"late"))
    assert await answers.recall("me", "b") is None
