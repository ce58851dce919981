"""`python -m duologue_registry` is the command `duologue-registry`."""

from .commands.cli import main

main(prog_name="duologue-registry")
