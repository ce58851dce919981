"""`python -m duologue_registry` is the command `duologue-registry`."""

from .cli import main

main(prog_name="duologue-registry")
