"""What a call is given besides its params: kept as it is, and refused where it is none."""

from __future__ import annotations

import gc
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from tests.runtime.chat import ECHO

from duologue import CallOptions, Effect
from duologue.calling.attempts import Attempts
from duologue.deadlines import Deadlines

PEER: Any = SimpleNamespace(executor=SimpleNamespace(now=lambda: 0.0))
KEYED = msgspec.structs.replace(ECHO, effect=Effect.KEYED)


def test_a_key_that_is_made_takes_nothing_from_what_was_given() -> None:
    given = CallOptions(meta={"a": "b"}, route="r", validation="off")
    made = Attempts.of(PEER, KEYED, None, given).options
    assert made.key is not None
    assert replace(made, key=None) == given


@pytest.mark.parametrize("options", [{"dir": "got"}, {}, "fast"])
def test_params_that_are_called_options_are_told_from_them(options: object) -> None:
    with pytest.raises(TypeError, match=f"options= takes CallOptions, not {type(options).__name__}: .* options_="):
        Attempts.of(PEER, ECHO, None, cast("CallOptions", options))


def test_garbage_collection_passes_by_what_ends_with_its_call() -> None:
    """With thousands of calls in flight, what they hold is most of what a collection looks at."""
    assert not gc.is_tracked(Attempts.of(PEER, ECHO, None, None))
    assert not gc.is_tracked(Deadlines[list[str]]().push(1.0, ["a call"]))
