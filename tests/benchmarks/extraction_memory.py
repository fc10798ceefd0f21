"""How much memory one child of the extract stage holds over thousands of pages.

    python -m tests.benchmarks.extraction_memory [PAGES]

The pages of the set come again and again, each time as other pages: another address, other words
in every paragraph, other names of classes, so that caches of what was seen cannot help, and grow
if they can. A process of its own: the most that ended children held is known per process only.
"""

from __future__ import annotations

import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import psutil

from ingest.children import ChildPool
from ingest.model import Document, Page
from processors.extract_document import Options
from tests.benchmarks.extraction_set import Case, cases, data_folder, page_of
from tests.benchmarks.measure import MEBIBYTE, memory_of

#: What a child may hold at most.
BOUND_BYTES = 200_000_000
_CHUNK_PAGES = 16
_SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
_PARAGRAPH = re.compile(rb"<p([ >])")
_CLASS = re.compile(rb'class="')
_PATH = re.compile(r"^(https?://[^/?#]+)")


def measure(count: int) -> None:
    """Run the memory part in a process of its own; it prints its table itself."""
    subprocess.run([sys.executable, "-m", __name__, str(count)], check=True)


def varied(found: list[Case], count: int) -> Iterator[Page]:
    """Return this many pages: those of the set in turns, no two the same."""
    for number in range(count):
        case = found[number % len(found)]
        mark = b"q%d" % number
        html = _PARAGRAPH.sub(rb"<p\1 " + mark + rb" harbour ", case.html)
        html = _CLASS.sub(b'class="' + mark + b" ", html)
        html = html.replace(b"<body", b'<body data-%s="1"' % mark, 1)
        yield page_of(Case(_PATH.sub(rf"\1/{number}", case.url), html, ""))


def lines(found: list[Case], count: int) -> Iterator[str]:
    """Return the table, a line at a time. Errors: RuntimeError when a page fails."""
    options = Options()
    recycled_past = options.recycle_memory_bytes / MEBIBYTE
    yield f"\nmemory of a child over {count} pages, in MiB; replaced when it holds {recycled_past:.0f} after a chunk"
    yield f"{'pages':>8} {'now':>6} {'peak':>6} {'children':>9}"
    marks = {round(count * share) for share in _SHARES}
    pages = varied(found, count)
    peak, seen = 0, 0
    started: set[int] = set()
    made = ChildPool(
        "processors.extract_document.child:page_extractor",
        count=1,
        timeout_seconds=options.page_timeout_seconds,
        memory_bytes=options.child_memory_bytes,
        recycle_bytes=options.recycle_memory_bytes,
        arguments=(options.model_dump(), "benchmark"),
    )
    with closing(made) as pool:
        while chunk := [page for _, page in zip(range(_CHUNK_PAGES), pages, strict=False)]:
            for answer in pool.map(chunk):
                if not isinstance(answer, Document):
                    raise RuntimeError(f"a page failed: {answer}")
            (id,) = pool.process_ids
            started.add(id)
            held = memory_of("child", psutil.Process(id))
            peak = max(peak, held.peak, _most_of_ended())
            if marks.intersection(range(seen + 1, seen + len(chunk) + 1)):
                now, most = held.resident / MEBIBYTE, peak / MEBIBYTE
                yield f"{seen + len(chunk):8} {now:6.0f} {most:6.0f} {len(started):9}"
            seen += len(chunk)
    verdict = "under" if peak < BOUND_BYTES else "OVER"
    yield f"the most any child held: {peak / 1e6:.0f} MB, {verdict} {BOUND_BYTES / 1e6:.0f} MB"


def _most_of_ended() -> int:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def main() -> int:
    """Print the table."""
    folder = data_folder()
    if folder is None:
        return 1
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    for line in lines(list(cases(folder)), count):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
