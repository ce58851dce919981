"""Events of the namespace `Lamp` of the one-way protocol 0.1.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

# Namespaces stand on private members of the class that they are part of.
# pyright: reportPrivateUsage=false
from __future__ import annotations

from typing import Final

from duologue import Delivery, EventDescriptor

from .models import LampLit

LAMP_LIT: Final[EventDescriptor[LampLit]] = EventDescriptor(
    model=LampLit,
    delivery=Delivery.VOLATILE,
    scope=(),
)
