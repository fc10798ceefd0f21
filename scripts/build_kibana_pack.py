"""Writes config/kibana/ from the description in scripts/kibana/pack.py.

Run it after any change there: `python scripts/build_kibana_pack.py`. With `--check` it writes
nothing and exits with status 1 when a file is not current.
"""

from __future__ import annotations

import sys
from pathlib import Path

from kibana.objects import ndjson
from kibana.pack import PACKS

FOLDER = Path(__file__).parent.parent / "config" / "kibana"


def main() -> None:
    """Write every pack, or tell which are not current."""
    stale = []
    for name, dashboard in PACKS.items():
        path, text = FOLDER / name, ndjson(dashboard)
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if "--check" not in sys.argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for name in stale:
        print(name)
    if stale and "--check" in sys.argv:
        sys.exit(1)


if __name__ == "__main__":
    main()
