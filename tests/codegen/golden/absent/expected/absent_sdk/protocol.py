"""The one table of the absent protocol 0.1.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Final

from duologue import Protocol

from . import actions, events

PROTOCOL: Final = Protocol(
    name="absent",
    version="0.1.0",
    api_level=1,
    client_actions=(
        actions.DATE,
        actions.PATCH,
    ),
    events=(events.TIMEDELTA,),
)
"""The one table of the protocol, which both ends share."""
