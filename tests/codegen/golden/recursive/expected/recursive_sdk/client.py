"""Client of the recursive protocol 0.1.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from ssl import SSLContext
from typing import ClassVar

from duologue import CallOptions, Client, Lifecycle, Limits, Protocol, Token
from duologue import Deflate as _Deflate
from duologue import Observer as _Observer

from . import actions
from .models import EvalParams, Expr, Exprs
from .protocol import PROTOCOL
from .sync_client import RecursiveSyncClient


class RecursiveClient(Client):
    """Client of the recursive protocol."""

    protocol: ClassVar[Protocol] = PROTOCOL

    @classmethod
    def open_sync(
        cls,
        url: str,
        *,
        token: Token | None = None,
        tls: SSLContext | None = None,
        limits: Limits | None = None,
        lifecycle: Lifecycle | None = None,
        compression: _Deflate | None = None,
        observers: Sequence[_Observer] = (),
    ) -> AbstractContextManager[RecursiveSyncClient]:
        """`open` for synchronous code: a connection that is kept, and made again, as long as the `with` block.

        What `lifecycle` has is called in the thread that the connection lives in, and `observers` are told there.
        """
        return cls._open_sync(
            RecursiveSyncClient,
            url,
            token=token,
            tls=tls,
            limits=limits,
            lifecycle=lifecycle,
            compression=compression,
            observers=observers,
        )

    async def eval(
        self, *, expr: Expr, all: Exprs | None = None, timeout: float | None = None, options: CallOptions | None = None
    ) -> Exprs:
        """Call `eval`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return await self._call(actions.EVAL, EvalParams(expr=expr, all=all), timeout, options)
