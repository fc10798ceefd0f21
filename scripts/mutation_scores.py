"""Prints a table of how many mutations of each module the tests noticed, after `mutmut run`.

    python scripts/mutation_scores.py [--survivors]

A mutation that no test runs at all counts as not noticed. With `--survivors` it also prints the
names of those that were not noticed: `mutmut show NAME` says what each changed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

MUTANTS = Path(__file__).parent.parent / "mutants"
#: mutmut's exit codes of the tests: they passed; there are none; the code differs in no test.
SURVIVED = (0, 5, 33)


def main() -> None:
    """Print the table."""
    print("| module | mutations | noticed |\n|---|---:|---:|")
    total = noticed = 0
    survivors = []
    for path in sorted(MUTANTS.rglob("*.py.meta")):
        codes: dict[str, int | None] = json.loads(path.read_text("utf-8"))["exit_code_by_key"]
        tried = {name: code for name, code in codes.items() if code is not None}
        here = [name for name, code in tried.items() if code in SURVIVED]
        if tried:
            name = path.relative_to(MUTANTS).as_posix().removesuffix(".meta")
            print(f"| `{name}` | {len(tried)} | {share(len(tried) - len(here), len(tried))} |")
        survivors += here
        total, noticed = total + len(tried), noticed + len(tried) - len(here)
    print(f"| all | {total} | {share(noticed, total)} |")
    if "--survivors" in sys.argv:
        print("\n".join(survivors))


def share(part: int, whole: int) -> str:
    """Return a part as a percentage."""
    return f"{100 * part / whole:.0f} %" if whole else "–"


if __name__ == "__main__":
    main()
