"""The server: accepts connections, lets peers in, and knows them when they come back."""
