"""`make soak`: ten minutes of two thousand feeds with faults mixed in.

    python -m tests.soak [--minutes 10] [--feeds 2000] [--seed 1]

Prints the result as JSON; exits with status 1 when an item is lost, twice or strange, a host was
asked more often than allowed, a stage's memory grew, or something was left over.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.soak.run import Plan, Soaked, soak

#: Memory of a stage at the end beside its middle: what is flat stays under it.
_MOST_GROWTH = 1.15


def main() -> int:
    """Run one soak as the arguments say and return the exit code."""
    wish = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    wish.add_argument("--minutes", type=float, default=10.0)
    wish.add_argument("--feeds", type=int, default=2000)
    wish.add_argument("--seed", type=int, default=1)
    given = wish.parse_args()
    plan = Plan(
        feeds=given.feeds,
        seconds=given.minutes * 60,
        interval_seconds=max(5.0, given.feeds / 40),
        items_a_second=given.feeds / 250,
        seed=given.seed,
    )
    with tempfile.TemporaryDirectory(prefix="news-ingest-soak-") as folder:
        result = soak(Path(folder), plan, lambda line: print(line, file=sys.stderr, flush=True))
    print(result.as_json())
    faults = failures(result)
    for fault in faults:
        print(f"FAILED {fault}", file=sys.stderr)
    return 1 if faults else 0


def failures(result: Soaked) -> list[str]:
    """Return what is not as promised, a line each."""
    found = []
    for name in ("lost", "strange", "twice"):
        addresses = getattr(result, name)
        if addresses:
            found.append(f"{name}: {len(addresses)}, such as {addresses[0]}")
    for name, rows in result.politeness._asdict().items():
        if rows:
            found.append(f"{name}: {len(rows)}, such as {rows[0]}")
    left: dict[str, object] = {name: result.audit[name] for name in ("waiting", "missing", "older")}
    # A feed that is cut off may end in half an item, without its link.
    left |= {
        f"dead letters {reason}": count
        for reason, count in result.dead_letters.items()
        if reason != "entry_without_link"
    }
    found += [f"{name}: {value}" for name, value in left.items() if value]
    found += [
        f"memory of {stage} grew to {ratio:.2f} of its middle"
        for stage, ratio in result.growth.items()
        if ratio > _MOST_GROWTH
    ]
    if result.exit_code:
        found.append(f"the tree ended with {result.exit_code}")
    return found


if __name__ == "__main__":
    sys.exit(main())
