"""Calls and events from the peer, and the users' handlers that take them."""
