"""What an analyst does: looks for known people and organisations in real articles.

    python -m tests.benchmarks analyst [--misses] [--names 200]

Real articles are enriched and indexed, and `person:"…"` and `org:"…"` are asked for the names that
most articles hold. The truth is a search for plain strings, whole words, case as written:

- *full*: articles with the main name, or a form of two or more words that begins with no title.
- *short*: articles without a full name, but with the surname (for organisations a form of one word
  that is no ordinary word). It must stand alone: no capitalised word next to it but a title, no
  given name before it; and nobody else of that surname is nearly as prominent.
- *cut*: articles with the full name of such a person, once more, with the surname in its place
  throughout.
- *story*: the same of less prominent people, where another article of the same story has the full
  name: a single article cannot tell who is meant, so this is no target.
- *wrong*: articles that are found though they hold neither a full name nor a surname or form that
  stands alone, or where another article of the story gives the surname to somebody else only.

So the truth is no annotation: a homonym of a full name counts as the person, and surnames that
several prominent people share are left out. Forms of organisations that are also places, names of
people, or words that the articles write in lower case, are left out too.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path

import msgspec

from ingest.adapters.sqlite_index import SqliteIndex
from ingest.bootstrap.engines import now
from ingest.children import cores
from ingest.model import IndexedDocument
from ingest.operations.enrichment.documents import TextJob
from ingest.operations.enrichment.reports import chain_for, enrich_reports
from ingest.ports import IndexWrite
from ingest.query import SearchRequest
from ingest.search.parse import parse
from ingest.settings.options import IndexOptions
from tests.benchmarks.analyst_truth import Article, Name, Sought, Truth, in_language, world

# ── what is found ───────────────────────────────────────────────────────────────────────────


class Archive:
    """The articles, enriched and indexed; answers queries as `news-ingest search` does."""

    def __init__(self, articles: Sequence[Article], folder: Path) -> None:
        jobs = [
            TextJob(article.id, "", msgspec.json.encode({
                "id": article.id, "title": article.title, "text": article.text,
                "language": article.language,
            }))
            for article in articles
        ]  # fmt: skip
        self._index = SqliteIndex(folder / "index.db", IndexOptions(), clock=now)
        self._ids: dict[str, str] = {}
        self.documents: dict[str, IndexedDocument] = {}
        reports = enrich_reports(jobs, chain_for(None), workers=cores(), as_json=False)
        writes = []
        for report in reports:
            if report.document is None:
                raise SystemExit(f"{report.name}: {report.error}")
            document = msgspec.convert(msgspec.structs.asdict(report.document), IndexedDocument)
            self._ids[document.id] = report.name
            self.documents[report.name] = document
            writes.append(IndexWrite(document))
        self._index.put(writes)
        self._index.refresh()

    def found(self, query: str) -> frozenset[str]:
        tree = parse(query, now(), UTC)
        result = self._index.search(SearchRequest(query=tree, size=10_000))
        return frozenset(self._ids[hit.document.id] for hit in result.hits)

    def close(self) -> None:
        self._index.close()


def measure(label: str, articles: Sequence[Article], most: int, misses: bool) -> None:
    """Print what is found of the most frequent people and organisations in these articles."""
    truths = {type: Truth(type, articles, most) for type in ("person", "organisation")}
    cuts = truths["person"].cut_articles()
    everything = [*articles, *(cut for many in cuts.values() for cut in many)]
    with tempfile.TemporaryDirectory() as folder:
        archive = Archive(everything, Path(folder))
        for type, truth in truths.items():
            every = [_sought(name, truth, archive, cuts) for name in truth.names]
            print(_line(f"{label} {type}", every), flush=True)
            narrower = sum(_finds_less(name, archive) for name in truth.names)
            if type == "person" and narrower:
                print(f"    {narrower} surnames find less than their full names")
            if misses:
                _print_misses(every, truth, archive)
        archive.close()


def _sought(name: Name, truth: Truth, archive: Archive, cuts: dict[str, list[Article]]) -> Sought:
    known = name.row.known
    field = "person" if known.type == "person" else "org"
    found = archive.found(f'{field}:"{known.name}"')
    cut = frozenset(article.id for article in cuts.get(known.id, ()))
    return truth.sought(name, found, cut)


def _finds_less(name: Name, archive: Archive) -> bool:
    """Return whether the surname finds less than the full name."""
    if not name.row.surnames:
        return False
    full = archive.found(f'person:"{name.row.known.name}"')
    return not full <= archive.found(f'person:"{name.row.surnames[0]}"')


def _line(label: str, every: Sequence[Sought]) -> str:
    parts = [f"{label:16} {len(every):4} names"]
    for kind in ("full", "short", "cut", "story"):
        wanted = sum(len(getattr(one, kind)) for one in every)
        hits = sum(len(getattr(one, kind) & one.found) for one in every)
        parts.append(f"{kind} {hits / max(wanted, 1):.3f} of {wanted:4}")
    wrong, found = (sum(len(getattr(one, kind)) for one in every) for kind in ("wrong", "real"))
    return "  ".join([*parts, f"wrong {wrong / max(found, 1):.3f} of {found:4}"])


def _print_misses(every: Sequence[Sought], truth: Truth, archive: Archive) -> None:
    for one in every:
        kinds = (
            ("full", one.full - one.found),
            ("short", one.short - one.found),
            ("cut", one.cut - one.found),
            ("story", one.story - one.found),
            ("wrong", one.wrong),
        )
        for kind, ids in kinds:
            for id in sorted(ids):
                known = one.name.row.known
                print(f"  {kind:5} {known.name} [{known.id}] · {id[:70]}")
                print(f"        {truth.snippet(id, one.name)}")
                seen = _seen_as(one.name, archive.documents[id])
                if seen:
                    print(f"        there: {seen}")


def _seen_as(name: Name, document: IndexedDocument) -> str:
    """Return the mentions that share a word with the name."""
    words = {word for form in name.full | name.short for word in form.split() if len(word) > 2}
    seen = Counter(
        f"{one.type} {one.text!r} {one.entity_id} ({one.rule})"
        for one in document.mentions
        if words & set(one.text.split()) or one.entity_id == name.row.known.id
    )
    return "; ".join(text for text, _ in seen.most_common(4))


def main() -> None:
    """Print a line for people and one for organisations, for each group of articles."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--misses", action="store_true", help="print each article missed or wrong")
    parser.add_argument("--names", type=int, default=200, help="names of each type in English")
    parser.add_argument("--languages", default="en,de,es,it,nl", help="groups to measure")
    asked = parser.parse_args()
    for language in asked.languages.split(","):
        articles = world() if language == "en" else in_language(language)
        if not articles:
            print(f"{language}: no articles are there")
            continue
        measure(language, articles, asked.names if language == "en" else 60, asked.misses)


if __name__ == "__main__":
    main()
