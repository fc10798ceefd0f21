"""`make compose-test`: docker-compose.yml in a real container engine, from a fresh clone to a restore.

It tests the last commit. Needs Docker with Compose, on this machine and as root (it kills processes
of containers). Images that the engine does not have are built as stand-ins: tests/compose/build.sh.
`CA_CERTIFICATE` is passed on to the build of our image.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.compose.engine import Engine
from tests.compose.scenes import SCENES

ROOT = Path(__file__).parents[2]
VERSIONS = ("9.4.3", "4.3.0")


def main() -> int:
    """Run all scenes, print their times, and return the exit status."""
    subprocess.run([ROOT / "tests" / "compose" / "build.sh", *VERSIONS], check=True)
    with tempfile.TemporaryDirectory(prefix="news-ingest-compose-") as scratch:
        clone = Path(scratch) / f"news-ingest-test-{os.getpid()}"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        Path(scratch).chmod(0o755)
        times = {}
        engine = Engine(clone)
        try:
            for scene in SCENES:
                name = scene.__name__.replace("_", " ")
                print(f"… {name}", flush=True)
                started = time.monotonic()
                scene(engine)
                times[name] = time.monotonic() - started
                print(f"  {times[name]:.0f} s", flush=True)
        except BaseException:
            engine.report()
            raise
        finally:
            engine.remove()
    width = max(map(len, times))
    print("\n".join(f"{name:<{width}} {seconds:6.0f} s" for name, seconds in times.items()))
    print(f"{len(times)} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
