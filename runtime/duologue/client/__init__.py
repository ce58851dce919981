"""The client: makes connections, renews them, and keeps its credentials fresh."""
