"""Calls to the peer, and what they carry."""
