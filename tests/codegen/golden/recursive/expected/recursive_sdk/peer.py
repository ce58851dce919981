"""What a server of the recursive protocol 0.1.0 may ask of its clients.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from duologue import Peer


class RecursivePeer(Peer):
    """The client at the other end of a connection."""
