"""The package that the simulations use, as `spec.yaml` has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.generated import generated

bank: Any = generated(Path(__file__).with_name("spec.yaml"))
