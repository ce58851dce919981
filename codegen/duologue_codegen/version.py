"""The version that generated files name. The same as the distribution's, which a test holds it to."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
API_LEVEL: Final = 1
"""Level of the runtime's interface that generated packages are written for (`duologue.API_LEVEL`)."""
