"""What a server of the service-registry protocol 1.0.0 may ask of its clients.

Written by duologue 0.1.0 (grammar 1) from registry.yaml. DO NOT EDIT: change registry.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from duologue import Peer


class RegistryPeer(Peer):
    """The client at the other end of a connection."""
