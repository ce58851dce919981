"""The package that the tests of security use, as `spec.yaml` has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.generated import generated

vault: Any = generated(Path(__file__).with_name("spec.yaml"))
