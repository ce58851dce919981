"""Write the expected output of the golden cases anew: python tests/codegen/regolden.py [case ...]

Read the difference (`git diff tests/codegen/golden`) before committing it: it is what users of the generator get.
"""

import shutil
import sys
from pathlib import Path

from duologue_codegen.compiler import compile_spec
from duologue_codegen.generate import generate_files

GOLDEN = Path(__file__).parent / "golden"


def main(names: list[str]) -> None:
    for case in sorted(GOLDEN.iterdir()):
        if names and case.name not in names:
            continue
        expected = case / "expected"
        shutil.rmtree(expected, ignore_errors=True)
        for path, text in generate_files(compile_spec(case / "spec.yaml"), project=True).items():
            place = expected / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(text.encode())
        print(f"{case.name}: {sum(path.is_file() for path in expected.rglob('*'))} files")


if __name__ == "__main__":
    main(sys.argv[1:])
