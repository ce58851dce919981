"""The one table of the one-way protocol 0.1.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Final

from duologue import Later, Protocol

from . import actions, errors, events

PROTOCOL: Final = Protocol(
    name="one-way",
    version="0.1.0",
    api_level=1,
    server_actions=(actions.RESTART,),
    notifications=(events.PRESSED,),
    errors=(errors.Broken,),
    namespaces={
        "Lamp": Later(".namespaces.lamp.protocol", "TABLE", __name__),
    },
)
"""The one table of the protocol, which both ends share."""
