"""When a call may be sent again after its connection was lost."""

from __future__ import annotations

import math
import secrets
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NoReturn

from msgspec import Struct

from ..descriptors import Action, Effect
from ..errors import CallError, InvalidArgument, NotSent, OutcomeUnknown, Ran
from ..wire import Keys
from .calls import DEFAULTS, CallOptions

if TYPE_CHECKING:
    from ..connection.connection import Connection
    from .peer import Peer

HANDLER_DEADLINE: Final[ContextVar[float | None]] = ContextVar("duologue_handler_deadline", default=None)
"""When the caller of the running handler stops waiting: calls that the handler makes end then, too."""

LONGEST: Final = 1e12
"""Seconds of the longest timeout: a request tells it in milliseconds, 2**53 - 1 at most. A longer one is none."""


class Attempts(Struct, eq=False, gc=False):
    """The attempts at one call.

    What was never sent may be sent, whatever the action's effect. After an attempt whose outcome is unknown, a `safe`
    call may run again; a `keyed` one goes out again under its key, as long as the other end remembers keys since the
    first attempt; an `unsafe` one never does.

    Garbage collection need not look at it: nothing that it refers to refers to it.

    Attributes:
        shares_key: Whether the key was given, so that another call may come under it.
    """

    options: CallOptions
    shares_key: bool
    _peer: Peer
    _action: Action[Any, Any]
    _started: float
    _until: float
    _keys: Keys | None = None
    _sent: bool = False

    @classmethod
    def of(cls, peer: Peer, action: Action[Any, Any], timeout: float | None, options: CallOptions | None) -> Attempts:
        """Those at a call that begins now.

        Args:
            timeout: Seconds for all attempts together; None for the action's own, infinity for no end.

        Raises:
            InvalidArgument: The timeout is not a number.
            TypeError: The options are none.
        """
        if options is None:
            options = DEFAULTS
        elif not isinstance(options, CallOptions):  # pyright: ignore[reportUnnecessaryIsInstance] - a user's
            raise TypeError(
                f"options= takes CallOptions, not {type(options).__name__}: params of that name are given as options_="
            )
        shares_key = options.key is not None
        if action.effect is Effect.KEYED and not shares_key:
            options = replace(options, key=secrets.token_urlsafe(16))
        started = peer.executor.now()
        if timeout is None:
            timeout = math.inf if action.timeout is None else action.timeout
        elif not timeout <= LONGEST:
            if math.isnan(timeout):
                raise InvalidArgument(f"{action.name}: timeout={timeout} is no number of seconds", ran=Ran.NO)
            timeout = math.inf
        until, of_handler = started + timeout, HANDLER_DEADLINE.get()
        if of_handler is not None and of_handler < until:
            until = of_handler
        return cls(options, shares_key, peer, action, started, until)

    def time_left(self) -> float | None:
        """Seconds until the call's timeout, None when it has none."""
        return None if self._until == math.inf else self._until - self._peer.executor.now()

    async def connect(self) -> Connection:
        """The connection for the next attempt.

        Raises:
            NotSent: There is none, and nothing was sent so far.
            OutcomeUnknown: There is none, or another attempt could have an effect for a second time.
        """
        try:
            connection = await self._peer.connected(self.time_left())
        except NotSent as error:
            self._end(error)
        if self._action.effect is Effect.KEYED:
            self._check_keys(connection)
        return connection

    def failed(self, error: CallError, connection: Connection) -> None:
        """An attempt ended in an error; returns when there may be another.

        Raises:
            CallError: It is the call's outcome.
        """
        if isinstance(error, OutcomeUnknown) and connection.closed is not None:
            self._sent = True
            if self._action.effect is not Effect.UNSAFE:
                return
        elif error.ran is Ran.NO and not connection.takes_calls:  # else the next attempt would meet the same again
            return
        self._end(error)

    def _check_keys(self, connection: Connection) -> None:
        hello = connection.session.peer
        keys = hello.keys if hello is not None and isinstance(hello.keys, Keys) else None
        if not self._sent:
            self._keys = keys
            return
        age = self._peer.executor.now() - self._started
        if keys is None or self._keys is None or keys.epoch != self._keys.epoch or age > keys.ttl / 1000:
            raise OutcomeUnknown(
                f"{self._action.name}: the connection was lost before the answer came,"
                " and the server no longer knows which keys it has seen"
            )

    def _end(self, error: CallError) -> NoReturn:
        """Raise the call's outcome: that an attempt was not sent, or refused, says nothing of the one before."""
        if not self._sent or error.ran is not Ran.NO:
            raise error
        text = f"{self._action.name}: the connection was lost before the answer came, and then: {error}"
        raise OutcomeUnknown(text) from error
