"""How bytes travel: WebSocket connections without sockets."""
