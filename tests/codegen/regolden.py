"""Write the expected output of the golden cases, and of `breaking`, anew: python tests/codegen/regolden.py [case ...]

Read the difference (`git diff tests/codegen`) before committing it: it is what users of the generator get.
"""

import shutil
import sys
from pathlib import Path

from duologue_codegen.breaking.compare import compare
from duologue_codegen.breaking.findings import Labels, Version, render_text
from duologue_codegen.compiler import compile_spec
from duologue_codegen.generate import generate_files

GOLDEN = Path(__file__).parent / "golden"
BREAKING = Path(__file__).parent / "breaking"
LABELS = {Version.NEW: Labels("", "", "after.yaml"), Version.OLD: Labels("", "", "before.yaml")}


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
    for case in sorted(BREAKING.iterdir()):
        if names and case.name not in names:
            continue
        comparison = compare(compile_spec(case / "before.yaml"), compile_spec(case / "after.yaml"))
        text = render_text(comparison.findings, LABELS)
        (case / "expected.txt").write_text(f"{text}\n" if text else "", encoding="utf-8")
        print(f"{case.name}: {len(comparison.findings)} findings")


if __name__ == "__main__":
    main(sys.argv[1:])
