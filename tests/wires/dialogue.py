"""Conversations that are written down: `> ` before what a client says, `< ` before what a server does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeGuard, cast

from tests.runtime.raw import Raw

FOLDER = Path(__file__).with_name("dialogues")


def is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def lines(name: str) -> list[tuple[str, Any]]:
    """Who says what, in order."""
    text = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    return [(line[0], json.loads(line[2:])) for line in text.splitlines()]


async def play(peer: Raw, who: str, name: str) -> None:
    """Say one end's lines, and hear the other's; a text such as `*1` is whatever is heard there first."""
    known: dict[str, Any] = {}
    for speaker, line in lines(name):
        if speaker == who:
            await peer.say_text(json.dumps(_filled(line, known)).encode())
        else:
            heard = await peer.hear()
            _learn(line, heard, known)
            assert heard == _filled(line, known), name


def _filled(line: Any, known: dict[str, Any]) -> Any:
    if isinstance(line, dict):
        return {key: _filled(value, known) for key, value in cast("dict[str, Any]", line).items()}
    if is_list(line):
        return [_filled(value, known) for value in line]
    return known.get(line, line) if isinstance(line, str) else line


def _learn(line: Any, heard: Any, known: dict[str, Any]) -> None:
    if isinstance(line, dict) and isinstance(heard, dict):
        for key, value in cast("dict[str, Any]", line).items():
            if isinstance(value, str) and value.startswith("*"):
                known.setdefault(value, cast("dict[str, Any]", heard).get(key))
