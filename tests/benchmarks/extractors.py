"""What is measured side by side on the pages of the set: ours in each mode, and its parts alone.

    python -m tests.benchmarks.extractors NAME

takes each page of the set once and prints the most memory that took, in bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import psutil

from ingest.model import Page
from processors.extract_document import Options
from processors.extract_document.child import page_extractor
from processors.extract_document.read.text import extract_text, extractor_for, second_text
from processors.extract_document.read.tree import parse
from tests.benchmarks.extraction_set import Case, cases, data_folder, page_of
from tests.benchmarks.measure import memory_of

#: From a page of the set, and the same as the fetch stage hands it on, to a text.
Work = Callable[[Case, Page], str]

OURS = "combined, fast (the default)"
THEIRS = "trafilatura, with its metadata"


def combined(mode: str) -> Work:
    """Return what a child does with a page: text and metadata."""
    options = Options(mode=mode, drops_repeated_lines=False)  # type: ignore[arg-type]
    extract = page_extractor(options.model_dump(), "benchmark")
    return lambda _, page: extract(page).text


def _trafilatura(mode: str) -> Work:
    extractor = extractor_for(mode)

    def work(case: Case, _: Page) -> str:
        root = parse(case.html.decode("utf-8", "replace"))
        return "" if root is None else extract_text(root, case.url, extractor)

    return work


def _trafilatura_alone() -> Work:
    from trafilatura import bare_extraction

    def work(case: Case, _: Page) -> str:
        page = case.html.decode("utf-8", "replace")
        found = bare_extraction(page, url=case.url, with_metadata=True)
        return (found.text or "") if found else ""

    return work


def _resiliparse() -> Work:
    return lambda case, _: second_text(case.html.decode("utf-8", "replace"))


#: Factories by the name of the row. Text and metadata come from the first three and THEIRS.
EXTRACTORS: dict[str, Callable[[], Work]] = {
    OURS: lambda: combined("fast"),
    "combined, thorough": lambda: combined("thorough"),
    "combined, precision": lambda: combined("precision"),
    THEIRS: _trafilatura_alone,
    "trafilatura, text": lambda: _trafilatura("thorough"),
    "trafilatura fast + recall, text": lambda: _trafilatura("fast"),
    "resiliparse, text": _resiliparse,
}


def main(name: str) -> int:
    """Take each page once; prints the peak."""
    folder = data_folder()
    if folder is None:
        return 1
    work = EXTRACTORS[name]()
    for case in cases(folder):
        work(case, page_of(case))
    print(memory_of(name, psutil.Process()).peak)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
