"""One connection: joins what is said, how it travels, calls out and handlers in."""
