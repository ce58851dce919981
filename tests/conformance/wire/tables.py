"""Reads the tables of this folder: every process of a run does, so libyaml does it where it is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent


def table(name: str) -> Any:
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load((HERE / f"{name}.yaml").read_text(encoding="utf-8"), loader)
