"""Protocols of other formats, as specs."""
