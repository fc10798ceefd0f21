"""What an analyst does: looks for known people and organisations in real articles.

    python -m tests.benchmarks analyst [--misses] [--names 200]

Real articles are enriched and indexed, and `person:"…"` and `org:"…"` are asked for the names that
most articles hold. The truth is a search for plain strings, whole words, case as written:

- *full*: articles with the main name, or a form of two or more words that begins with no title.
- *short*: articles without a full name, but with the surname (for organisations a form of one word
  that is no ordinary word). It must stand alone: no capitalised word next to it but a title, no
  given name before it. It must mean that person beyond doubt: another article of the same story
  has the full name, or nobody else of that surname is nearly as prominent.
- *wrong*: articles that are found though they hold neither a full name nor a surname or form that
  stands alone, or where another article of the story gives the surname to somebody else only.

So the truth is no annotation: a homonym of a full name counts as the person, and surnames that
several prominent people share are left out.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from functools import cache
from pathlib import Path
from typing import NamedTuple

import ahocorasick
import msgspec

from ingest.adapters.sqlite_index import SqliteIndex
from ingest.bootstrap.engines import now
from ingest.children import cores
from ingest.entities.known import Row, known_names, lead
from ingest.entities.lexicon import name_key, person_names
from ingest.model import IndexedDocument
from ingest.operations.enrichment.documents import TextJob
from ingest.operations.enrichment.reports import chain_for, enrich_reports
from ingest.ports import IndexWrite
from ingest.query import SearchRequest
from ingest.search.parse import parse
from ingest.settings.options import IndexOptions
from tests.benchmarks import entity_sets, extraction_set
from tests.data_sets import data_set

#: Words before a surname that are no name; articles begin sentences with the last of them.
TITLES = frozenset({
    "president", "mr", "mrs", "ms", "miss", "sir", "dr", "lord", "lady", "king", "queen",
    "prince", "princess", "pope", "senator", "sen", "rep", "gov", "governor", "minister",
    "chancellor", "premier", "secretary", "general", "judge", "justice", "mayor",
    "congressman", "congresswoman", "representative", "prime", "chairman", "director",
    "professor", "prof", "detective", "captain", "coach", "presidente", "ministro",
    "primer", "primo", "herr", "frau", "kanzler", "kanzlerin", "bundeskanzlerin", "señor",
    "president-elect", "ex-president", "then", "former", "with", "by", "says", "and", "but",
    "the", "when", "while", "if", "as", "for",
})  # fmt: skip
_END = re.compile(r"[.!?:…\"”']\s*$")
_WORD_BEFORE = re.compile(r"([\w.’'-]+)([ \u00a0]+)$")
_WORD_AFTER = re.compile(r"^[ \u00a0-]([\w’'-]+)")


class Article(NamedTuple):
    """One real article; `story` is empty where none is known."""

    id: str
    story: str
    language: str
    title: str
    text: str

    @property
    def whole(self) -> str:
        return f"{self.title}\n\n{self.text}"


class Name(NamedTuple):
    """A person or organisation to ask for, with its forms."""

    row: Row
    full: frozenset[str]
    short: frozenset[str]


class Sought(NamedTuple):
    """What a name should find, and what it finds: ids of articles."""

    name: Name
    full: frozenset[str]
    short: frozenset[str]
    allowed: frozenset[str]
    found: frozenset[str]

    @property
    def wrong(self) -> frozenset[str]:
        return self.found - self.allowed


# ── articles ────────────────────────────────────────────────────────────────────────────────


def world() -> list[Article]:
    """Return the English articles at hand: pages of the extraction set, and of the stories."""
    folder = extraction_set.data_folder()
    cases = extraction_set.cases(folder) if folder else ()
    return [
        *(Article(f"aeb {case.url}", "", "", "", case.gold) for case in cases),
        *_stories("ecb-plus"),
        *(one for one in _stories("meantime") if one.language == "en"),
    ]


def _stories(name: str) -> Iterator[Article]:
    path = data_set("stories") / name / "articles.jsonl.gz"
    if not path.exists():
        return
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            one = json.loads(line)
            first, _, rest = one["text"].partition("\n")
            title, text = ("", one["text"]) if _END.search(first) else (first, rest)
            language = one.get("language", "en")
            yield Article(f"{name} {one['id']}", f"{name} {one['story']}", language, title, text)


def in_language(language: str) -> list[Article]:
    """Return articles in another language; runs of annotated sentences where there are no others."""
    found = [one for one in _stories("meantime") if one.language == language]
    if found:
        return found
    parts = [one for one in entity_sets.parts() if one.language == language]
    return [
        Article(f"{part.name} {number}", "", language, "", one.text)
        for part in parts
        if not part.is_for_training
        for number, one in enumerate(entity_sets.documents(part, 3000))
    ]


# ── the truth ───────────────────────────────────────────────────────────────────────────────


class Strings:
    """Finds many strings as whole words in the articles."""

    def __init__(self, strings: Iterable[str], articles: Sequence[Article]) -> None:
        automaton = ahocorasick.Automaton()
        for one in strings:
            automaton.add_word(one, one)
        automaton.make_automaton()
        #: string → article id → places
        self.places: dict[str, dict[str, list[int]]] = defaultdict(dict)
        for article in articles:
            text = article.whole
            for last, string in automaton.iter(text):
                start = last + 1 - len(string)
                if not _is_inside_word(text, start, last + 1):
                    self.places[string].setdefault(article.id, []).append(start)

    def articles_with(self, strings: Iterable[str]) -> frozenset[str]:
        return frozenset(id for one in strings for id in self.places.get(one, ()))


def _is_inside_word(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start], text[end : end + 1]
    return before.isalnum() or after.isalnum()


def names_of(type: str) -> Iterator[Name]:
    """Return the people of public life, or the organisations, with their forms."""
    every = known_names()
    for number in range(len(every)):
        row = every.row(number)
        if row.known.type != type or (type == "person" and row.known.prominence < 2):
            continue
        if type == "person":
            full = {form for form in row.forms if _is_full(form)}
            short = {one for one in row.surnames if len(one) > 2 and one[0].isupper()}
        else:
            plain = {form for form in row.forms if form[0] not in "~^" and form[:1].isupper()}
            full = {form for form in plain if " " in form} | ({row.known.name} & plain)
            short = plain - full
            short = {form for form in short if len(form) > 1}
        if full:
            yield Name(row, frozenset(full), frozenset(short - full))


def _is_full(form: str) -> bool:
    words = form.split()
    return len(words) > 1 and words[0].lower().strip(".") not in TITLES and form[0].isupper()


@cache
def _given_names() -> frozenset[str]:
    return frozenset(name_key(one) for one in person_names().given)


def stands_alone(text: str, start: int, end: int, own: frozenset[str] = frozenset()) -> bool:
    """Return whether no other name stands next to these words; `own` are its own given names."""
    before = _WORD_BEFORE.search(text[max(0, start - 30) : start])
    if before:
        word = before[1]
        is_title = word.lower().strip(".") in TITLES or word.endswith((":", ",", "'s", "’s"))
        starts = not text[: start - len(before[0])].strip() or bool(
            _END.search(text[max(0, start - len(before[0]) - 3) : start - len(before[0])])
        )
        is_name = word[:1].isupper() and not is_title and word.strip(".") not in own
        if is_name and (not starts or name_key(word) in _given_names()):
            return False
    after = _WORD_AFTER.match(text[end : end + 30])
    return not (after and after[1][:1].isupper())


class Truth:
    """Says which articles hold which names, by plain strings alone."""

    def __init__(self, type: str, articles: Sequence[Article], most: int) -> None:
        self._articles = {article.id: article for article in articles}
        names = list(names_of(type))
        full = Strings({form for name in names for form in name.full}, articles)
        counted = [(len(full.articles_with(name.full)), name) for name in names]
        counted = [pair for pair in counted if pair[0]]
        counted.sort(
            key=lambda pair: (-pair[0], -pair[1].row.known.prominence, -pair[1].row.known.weight)
        )
        self.names: list[Name] = []
        taken: set[str] = set()
        for _, name in counted:
            if not taken & name.full:  # a namesake that is more prominent stands for both
                self.names.append(name)
                taken |= name.full
        self.names = self.names[:most]
        self._full = full
        self._short = Strings({form for name in self.names for form in name.short}, articles)
        self._by_story: dict[str, set[str]] = defaultdict(set)
        for article in articles:
            if article.story:
                self._by_story[article.story].add(article.id)
        self._bearers: dict[str, list[Name]] = defaultdict(list)
        for _, name in counted:
            for form in name.short:
                self._bearers[form].append(name)

    def sought(self, name: Name, found: frozenset[str]) -> Sought:
        full = self._full.articles_with(name.full)
        alone = {
            id: form
            for form in name.short
            for id, places in self._short.places.get(form, {}).items()
            if id not in full and any(self._alone(id, at, form, name) for at in places)
        }
        stories = {self._articles[id].story for id in full} - {""}
        others = {
            self._articles[id].story
            for form in name.short
            for other in self._bearers[form]
            if other is not name
            for id in self._full.articles_with(other.full)
        } - {""}
        short, allowed = set(), set(full)
        for id, form in alone.items():
            story = self._articles[id].story
            if story in others and story not in stories:
                continue
            allowed.add(id)
            if self._has_other(id, name):
                continue
            if (story in stories and story not in others) or self._is_lead(form, name):
                short.add(id)
        return Sought(name, full, frozenset(short), frozenset(allowed), found)

    def _alone(self, id: str, at: int, form: str, name: Name) -> bool:
        own = frozenset(word for full in name.full for word in full.split())
        return stands_alone(self._articles[id].whole, at, at + len(form), own)

    def _has_other(self, id: str, name: Name) -> bool:
        """Return whether the article gives the surname to somebody with another given name."""
        if name.row.known.type != "person":
            return False
        text = self._articles[id].whole
        return any(
            not stands_alone(text, at, at + len(form))
            for form in name.short
            for at in self._short.places.get(form, {}).get(id, ())
        )

    def _is_lead(self, form: str, name: Name) -> bool:
        if name.row.known.type == "person":
            best = lead(name_key(form))
            return best is not None and best.id == name.row.known.id
        return self._bearers[form] == [name] and len(form) > 2

    def snippet(self, id: str, name: Name) -> str:
        text = self._articles[id].whole
        for form in sorted(name.full | name.short, key=len, reverse=True):
            found = re.search(rf"(?<!\w){re.escape(form)}(?!\w)", text)
            if found:
                return " ".join(text[max(0, found.start() - 70) : found.end() + 50].split())
        return " ".join(text[:100].split())


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
    with tempfile.TemporaryDirectory() as folder:
        archive = Archive(articles, Path(folder))
        for type, field in (("person", "person"), ("organisation", "org")):
            truth = Truth(type, articles, most)
            every = []
            narrower = 0
            for name in truth.names:
                found = archive.found(f'{field}:"{name.row.known.name}"')
                every.append(truth.sought(name, found))
                if type == "person" and name.row.surnames:
                    narrower += not found <= archive.found(f'person:"{name.row.surnames[0]}"')
            print(_line(f"{label} {type}", every), flush=True)
            if narrower:
                print(f"    {narrower} surnames find less than their full names")
            if misses:
                _print_misses(every, truth, archive)
        archive.close()


def _line(label: str, every: Sequence[Sought]) -> str:
    full = sum(len(one.full) for one in every)
    short = sum(len(one.short) for one in every)
    found = sum(len(one.found) for one in every)
    hit_full = sum(len(one.full & one.found) for one in every)
    hit_short = sum(len(one.short & one.found) for one in every)
    wrong = sum(len(one.wrong) for one in every)
    return (
        f"{label:24} {len(every):4} names"
        f"  full {hit_full / max(full, 1):.3f} of {full:5}"
        f"  short {hit_short / max(short, 1):.3f} of {short:5}"
        f"  wrong {wrong / max(found, 1):.3f} of {found:5}"
    )


def _print_misses(every: Sequence[Sought], truth: Truth, archive: Archive) -> None:
    for one in every:
        kinds = (
            ("full", one.full - one.found),
            ("short", one.short - one.found),
            ("wrong", one.wrong),
        )
        for kind, ids in kinds:
            for id in sorted(ids):
                known = one.name.row.known
                print(f"  {kind:5} {known.name} [{known.id}] · {id[:60]}")
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
    sys.exit(main())
