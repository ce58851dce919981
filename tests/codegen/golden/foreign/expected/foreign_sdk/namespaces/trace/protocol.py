"""The one table of the namespace `$/trace.v2` of the foreign protocol 1.3.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Final

from duologue import NamespaceTable

from . import actions

TABLE: Final = NamespaceTable(
    client_actions=(actions.TRACE_V2_START,),
)
"""What of the protocol the namespace has."""
