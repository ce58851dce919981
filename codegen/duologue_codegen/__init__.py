"""duologue_codegen: from a YAML spec to a typed WebSocket SDK. See `cli` for the commands."""
