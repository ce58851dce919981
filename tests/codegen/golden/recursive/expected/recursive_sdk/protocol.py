"""The one table of the recursive protocol 0.1.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Final

from duologue import Protocol

from . import actions

PROTOCOL: Final = Protocol(
    name="recursive",
    version="0.1.0",
    api_level=1,
    client_actions=(actions.EVAL,),
)
"""The one table of the protocol, which both ends share."""
