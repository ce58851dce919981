"""Client of the namespace `a.b` of the foreign protocol 1.3.0 for synchronous code.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

# Namespaces stand on private members of the class that they are part of.
# pyright: reportPrivateUsage=false
from __future__ import annotations

from typing import TYPE_CHECKING

from duologue import CallOptions, Later

from ...models import Names, Signs
from . import actions
from .models import ABCParams

if TYPE_CHECKING:
    from ...sync_client import ForeignSyncClient
else:
    ForeignSyncClient = Later("...sync_client", "ForeignSyncClient", __name__)


class ForeignSyncAB:
    """The namespace `a.b`."""

    def __init__(self, owner: ForeignSyncClient) -> None:
        self._owner = owner

    def c(self, *, names: Names, timeout: float | None = None, options: CallOptions | None = None) -> Signs:
        """Call `a.b.c`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return self._owner._call(actions.A_B_C, ABCParams(names=names), timeout, options)
