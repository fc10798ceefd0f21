"""Writes the table of metrics in docs/monitoring.md from ingest/metrics.json.

Run it after any change of a metric: `python scripts/build_metric_docs.py`.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from ingest.telemetry import METRICS

DOCUMENT = Path(__file__).parent.parent / "docs" / "monitoring.md"
_TABLE = re.compile(r"(<!-- metrics -->\n).*?(<!-- end -->)", re.DOTALL)


def current(text: str) -> str:
    """Return the document with the table rebuilt."""
    rows = "".join(
        f"| `{name}` | {', '.join(told.labels) or '–'} | {told.help} |\n"
        for name, told in METRICS.items()
    )
    table = f"| `news_ingest_…` | labels | meaning |\n|---|---|---|\n{rows}"
    return _TABLE.sub(lambda found: found[1] + table + found[2], text)


if __name__ == "__main__":
    DOCUMENT.write_text(current(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"{DOCUMENT.name}: {len(METRICS)} metrics\n")
