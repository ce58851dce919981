"""Descriptors: which packages this runtime takes, and what it says to the others."""

from __future__ import annotations

import msgspec
import pytest
from tests.runtime.chat import CHAT, ECHO, SAID

from duologue.descriptors import API_LEVEL, Effect, Protocol


@pytest.mark.parametrize(
    ("level", "what"),
    [(API_LEVEL + 1, "upgrade duologue"), (API_LEVEL - 1, "upgrade that package, or generate it anew")],
)
def test_a_package_of_another_api_level_is_told_which_side_to_upgrade(level: int, what: str) -> None:
    with pytest.raises(ImportError, match=f"chat 2.0 was generated for API level {level} of duologue.*: {what}"):
        Protocol(name="chat", version="2.0", api_level=level)


def test_events_are_found_by_their_names_on_the_wire() -> None:
    assert CHAT.event("said") is SAID
    assert CHAT.event("waved") is None, "that one the clients send"
    assert (SAID.name, SAID.key) == ("said", ())


def test_descriptors_do_not_change() -> None:
    for table, member in ((CHAT, "version"), (ECHO, "timeout"), (SAID, "key")):
        with pytest.raises(AttributeError, match="immutable"):
            setattr(table, member, None)


def test_an_action_that_says_nothing_is_never_retried_and_ends() -> None:
    defaults = {field.name: field.default for field in msgspec.structs.fields(ECHO)}
    assert (defaults["effect"], defaults["timeout"], defaults["scope"]) == (Effect.UNSAFE, 30.0, ())
