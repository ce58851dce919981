"""Events of the one-way protocol 0.1.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Final

from duologue import Delivery, EventDescriptor

from .models import Pressed

PRESSED: Final[EventDescriptor[Pressed]] = EventDescriptor(
    model=Pressed,
    delivery=Delivery.VOLATILE,
    scope=(),
)
"""A button was pressed."""
