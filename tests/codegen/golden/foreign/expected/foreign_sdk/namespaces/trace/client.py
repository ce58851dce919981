"""Client of the namespace `$/trace.v2` of the foreign protocol 1.3.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

# Namespaces stand on private members of the class that they are part of.
# pyright: reportPrivateUsage=false
from __future__ import annotations

from typing import TYPE_CHECKING

from duologue import CallOptions, Later

from . import actions
from .models import TraceV2StartParams

if TYPE_CHECKING:
    from ...client import ForeignClient
else:
    ForeignClient = Later("...client", "ForeignClient", __name__)


class ForeignTrace:
    """Named so that Python could not.

    Experimental: it may change or go in any version.
    """

    def __init__(self, owner: ForeignClient) -> None:
        self._owner = owner

    async def start(self, *, timeout: float | None = None, options: CallOptions | None = None) -> None:
        """Call `$/trace.v2.start`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return await self._owner._call(actions.TRACE_V2_START, TraceV2StartParams(), timeout, options)
