"""The `duologue` command. Works without the generator's dependencies, as far as saying how to get them."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Final

_NEEDED: Final = ("click", "datamodel_code_generator", "jinja2", "yaml", "ruff")


def main() -> None:
    """Run the command line, or say in one line what to install."""
    missing = [module for module in _NEEDED if find_spec(module) is None]
    if missing:
        sys.stderr.write(f"duologue: the generator needs {', '.join(missing)}: pip install 'duologue[codegen]'\n")
        raise SystemExit(2)
    from .tools.ending import Exit, give_up_output

    try:
        from .cli import main as run

        run()
    except KeyboardInterrupt:  # before there was a command to end
        raise SystemExit(Exit.INTERRUPTED) from None
    except OSError as error:  # of standard output: whoever reads or writes a file has told of it
        give_up_output()
        sys.stderr.write(f"duologue: cannot print: {error.strerror}\n")
        raise SystemExit(2) from None
