"""Garbage that is spared: full collections leave out what they have found alive, and lose nothing for good."""

from __future__ import annotations

import gc
import weakref

from duologue.garbage import sparing


class Knot:
    """Garbage that only a collection can free, and some weight."""

    def __init__(self) -> None:
        self.itself = self
        self.weight: list[list[None]] = [[] for _ in range(10)]


def is_looked_at(knot: Knot) -> bool:
    return any(each is knot for each in gc.get_objects())


def test_what_has_survived_a_full_collection_is_left_out_of_the_next() -> None:
    with sparing():
        knot = Knot()
        assert is_looked_at(knot)
        gc.collect()
        assert not is_looked_at(knot)
    assert is_looked_at(knot)


def test_what_has_leaked_meanwhile_goes_when_there_is_more_than_was_alive() -> None:
    with sparing():
        knot = Knot()
        gc.collect()
        gone = weakref.ref(knot)
        del knot
        gc.collect()
        assert gone() is not None
        there = [Knot() for _ in range(2 * gc.get_freeze_count() // 10)]
        gc.collect()  # keeps them
        gc.collect()  # and looks at everything, since they are so many
        assert gone() is None
        assert not is_looked_at(there[0])


def test_all_is_as_before_when_it_is_over() -> None:
    before = list(gc.callbacks), gc.get_threshold()
    with sparing():
        pass
    assert (gc.callbacks, gc.get_threshold()) == before
    assert gc.get_freeze_count() == 0
