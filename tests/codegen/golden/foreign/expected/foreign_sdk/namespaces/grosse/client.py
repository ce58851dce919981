"""Client of the namespace `größe` of the foreign protocol 1.3.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

# Namespaces stand on private members of the class that they are part of.
# pyright: reportPrivateUsage=false
from __future__ import annotations

from typing import TYPE_CHECKING

from duologue import CallOptions, Later

from ...models import Presence
from . import actions
from .models import GrosseOffnenParams

if TYPE_CHECKING:
    from ...client import ForeignClient
else:
    ForeignClient = Later("...client", "ForeignClient", __name__)


class ForeignGrosse:
    """The namespace `größe`."""

    def __init__(self, owner: ForeignClient) -> None:
        self._owner = owner

    async def offnen(self, *, timeout: float | None = None, options: CallOptions | None = None) -> Presence:
        """Call `größe.öffnen`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return await self._owner._call(actions.GROSSE_OFFNEN, GrosseOffnenParams(), timeout, options)
