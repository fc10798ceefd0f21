"""`make chaos`: ten thousand articles through a hundred kills and every half-failure.

    python -m tests.chaos [--articles 10000] [--kills 100] [--rounds 3] [--seed 1]

Prints recovery times by fault; exits with status 1 when an article is lost, doubled, stale or was
asked for too often, or when a stage's memory grew.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.chaos.run import Plan, chaos


def main() -> int:
    """Run as the arguments say and return the exit code."""
    wish = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    for name in ("articles", "kills", "rounds", "seed"):
        wish.add_argument(f"--{name}", type=int, default=getattr(Plan(), name))
    plan = Plan(**vars(wish.parse_args()))
    with tempfile.TemporaryDirectory(prefix="news-ingest-chaos-") as folder:
        result = chaos(Path(folder), plan, lambda line: print(line, file=sys.stderr, flush=True))
    print(result.table())
    for failure in result.failures:
        print(f"FAILED {failure}")
    return 1 if result.failures else 0


if __name__ == "__main__":
    sys.exit(main())
