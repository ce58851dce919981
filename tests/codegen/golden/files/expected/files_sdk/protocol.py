"""The one table of the files protocol 1.0.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Final

from duologue import Later, Protocol

from . import actions, errors

PROTOCOL: Final = Protocol(
    name="files",
    version="1.0.0",
    api_level=1,
    client_actions=(
        actions.PUT,
        actions.GET,
    ),
    server_actions=(
        actions.PUT,
        actions.GET,
    ),
    errors=(errors.NoFile,),
    namespaces={
        "Folder": Later(".namespaces.folder.protocol", "TABLE", __name__),
    },
)
"""The one table of the protocol, which both ends share."""
