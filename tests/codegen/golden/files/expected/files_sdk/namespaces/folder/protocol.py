"""The one table of the namespace `Folder` of the files protocol 1.0.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Final

from duologue import NamespaceTable

from . import actions

TABLE: Final = NamespaceTable(
    client_actions=(
        actions.FOLDER_PUT,
        actions.FOLDER_GET,
    ),
    server_actions=(
        actions.FOLDER_PUT,
        actions.FOLDER_GET,
    ),
)
"""What of the protocol the namespace has."""
