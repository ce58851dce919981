"""The one table of the namespace `Lamp` of the one-way protocol 0.1.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Final

from duologue import NamespaceTable

from . import actions, events

TABLE: Final = NamespaceTable(
    server_actions=(
        actions.LAMP_LIGHT,
        actions.LAMP_FADE,
    ),
    notifications=(events.LAMP_LIT,),
)
"""What of the protocol the namespace has."""
