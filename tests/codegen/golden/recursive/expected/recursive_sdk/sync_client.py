"""Client of the recursive protocol 0.1.0 for synchronous code.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from duologue import CallOptions, SyncClient

from . import actions
from .models import EvalParams, Expr, Exprs


class RecursiveSyncClient(SyncClient):
    """Client of the recursive protocol."""

    def eval(
        self, *, expr: Expr, all: Exprs | None = None, timeout: float | None = None, options: CallOptions | None = None
    ) -> Exprs:
        """Call `eval`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return self._call(actions.EVAL, EvalParams(expr=expr, all=all), timeout, options)
