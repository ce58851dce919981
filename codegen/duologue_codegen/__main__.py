"""`python -m duologue_codegen` is `duologue`."""

from .entry import main

main()
