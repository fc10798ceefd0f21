"""Prints how well places are found and put on the map, on sets of articles with coordinates.

Run it: `python tests/benchmarks/places.py [FOLDER] [--losses] [--half dev|held-out]`. FOLDER has
GeoVirus.xml.gz and GWN.xml.gz (default: places of the test data). "given": the mentions of the set
are resolved; a mention is right within 161 km. "end to end": a place that is found must overlap
one of the set and lie within 161 km of it; names inside organisations and nationalities count
neither way. The halves are even and odd articles.
"""

from __future__ import annotations

import argparse
import gzip
import math
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ingest.entities.gazetteer import Place, gazetteer, is_demonym
from ingest.entities.lexicon import name_key
from ingest.model import EnrichedDocument, Mention
from ingest.outcome import Keep
from processors import find_entities, merge_mentions, resolve_places
from tests.builders import a_document
from tests.data_sets import data_set

FOLDER = data_set("places")
NEAR_KM = 161.0
#: Kinds of GeoWebNews that are names of places; the others with coordinates count neither way.
_LITERAL = frozenset(
    {"Literal", "Mixed", "Coercion", "Metonymic", "Literal_Modifier", "Embedded_Literal"}
)


class Gold(NamedTuple):
    """One place of the set; `is_open` if finding it is neither right nor wrong."""

    start: int
    end: int
    point: tuple[float, float]
    is_open: bool


class Article(NamedTuple):
    """One article with its places."""

    name: str
    text: str
    gold: tuple[Gold, ...]


def read(folder: Path, name: str) -> list[Article]:
    """Return the articles of a set: "GeoVirus" or "GWN"."""
    root = ET.fromstring(gzip.decompress((folder / f"{name}.xml.gz").read_bytes()))
    found = []
    for number, article in enumerate(root.iter("article")):
        text = article.findtext("text") or ""
        places = tuple(_gold(article, name, text))
        found.append(Article(f"{name}/{number}", text, places))
    return found


def _gold(article: ET.Element, name: str, text: str) -> Iterator[Gold]:
    is_virus = name == "GeoVirus"
    for one in article.iter("location" if is_virus else "toponym"):
        fields = {child.tag: child.text or "" for child in one}
        start, end = int(fields["start"]) - is_virus, int(fields["end"]) - is_virus
        latitude = fields.get("lat") or fields.get("latitude")
        longitude = fields.get("lon") or fields.get("longitude")
        kind = fields.get("type", "Literal")
        is_open = kind not in _LITERAL or is_demonym(name_key(text[start:end]))
        if latitude and longitude:
            yield Gold(start, end, (float(latitude), float(longitude)), is_open)
        elif kind in _LITERAL or kind in ("Embedded_Non_Lit", "Non_Literal_Modifier"):
            yield Gold(start, end, (0.0, 0.0), True)


def distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the distance of two points on the sphere."""
    a, b, c, d = map(math.radians, (*one, *other))
    half = math.sin((c - a) / 2) ** 2 + math.cos(a) * math.cos(c) * math.sin((d - b) / 2) ** 2
    return 12742 * math.asin(min(1.0, math.sqrt(half)))


@cache
def _places() -> dict[str, Place]:
    places = gazetteer()
    return {place.id: place for row in range(len(places)) if (place := places.place(row))}


CHAIN = (
    find_entities.build(find_entities.Options(backend="builtin")),
    merge_mentions.build(merge_mentions.Options()),
    resolve_places.build(resolve_places.Options()),
)


class Tally:
    """Counts of one set, and what went wrong."""

    def __init__(self) -> None:
        self.given: Counter[bool] = Counter()
        self.counts: Counter[str] = Counter()
        self.losses: list[tuple[str, str, str]] = []
        self.seconds = 0.0

    def add(self, article: Article) -> None:
        self._add_given(article)
        self._add_end_to_end(article)

    def _add_given(self, article: Article) -> None:
        sure = [gold for gold in article.gold if not gold.is_open]
        mentions = tuple(
            Mention(type="place", start=gold.start, end=gold.end,
                    text=article.text[gold.start : gold.end], rule="gold", strength="strong")
            for gold in sorted(set(sure))
        )  # fmt: skip
        document = self._through(_document(article, mentions), 1)
        by_span = {(one.start, one.end): one for one in document.mentions}
        for gold in sure:
            point = _point(by_span[gold.start, gold.end])
            is_right = point is not None and distance_km(point, gold.point) <= NEAR_KM
            self.given[is_right] += 1
            if not is_right:
                text = article.text[gold.start : gold.end]
                entity = by_span[gold.start, gold.end].entity_id
                far = round(distance_km(point, gold.point)) if point else 0
                self.losses.append(("given", article.name, f"{text} -> {entity} {far} km"))

    def _add_end_to_end(self, article: Article) -> None:
        document = self._through(_document(article, ()), 0)
        found = [one for one in document.mentions if one.type == "place"]
        met = set()
        for gold in article.gold:
            text = article.text[gold.start : gold.end]
            hits = [one for one in found if one.start < gold.end and gold.start < one.end]
            met |= {(one.start, one.end) for one in hits}
            if gold.is_open:
                continue
            point = next((p for one in hits if (p := _point(one)) is not None), None)
            if point is not None and distance_km(point, gold.point) <= NEAR_KM:
                self._count("right", article, text)
                continue
            cause = "wrong place" if point else "not in the gazetteer" if hits else ""
            if not cause:
                other = next((one for one in document.mentions
                              if one.start < gold.end and gold.start < one.end), None)  # fmt: skip
                cause = f"taken for {other.type}" if other else "not found"
                text += f" [{other.text}: {other.rule}]" if other else ""
            elif point is not None:
                text += f" -> {hits[0].text} {hits[0].entity_id}"
            around = article.text[max(0, gold.start - 30) : gold.end + 30].replace("\n", " ")
            self._count(cause, article, f"{text}  | {around}")
        for one in found:
            if (one.start, one.end) not in met and _point(one) is not None:
                around = article.text[max(0, one.start - 30) : one.end + 30].replace("\n", " ")
                self._count("no place there", article, f"{one.text} ({one.rule}) | {around}")

    def _count(self, cause: str, article: Article, what: str) -> None:
        self.counts[cause] += 1
        if cause != "right":
            self.losses.append((cause, article.name, what))

    def _through(self, document: EnrichedDocument, first: int) -> EnrichedDocument:
        for step in CHAIN[first:]:
            begin = time.process_time()
            outcome = step(document)
            if step is CHAIN[-1]:
                self.seconds += time.process_time() - begin
            assert isinstance(outcome, Keep)
            document = outcome.value
        return document

    def line(self) -> str:
        given = self.given[True] / max(1, self.given.total())
        right = self.counts["right"]
        wrong = self.counts["wrong place"]
        precision = right / max(1, right + wrong + self.counts["no place there"])
        lost = sum(n for cause, n in self.counts.items() if cause not in ("no place there",))
        recall = right / max(1, lost)
        both = 2 * precision * recall / max(1e-9, precision + recall)
        return f"given {given:.3f}   P {precision:.3f} R {recall:.3f} F1 {both:.3f}"


def _document(article: Article, mentions: tuple[Mention, ...]) -> EnrichedDocument:
    return a_document(
        text=article.text, title="", language="en", mentions=mentions, publisher_country=""
    )


def _point(mention: Mention) -> tuple[float, float] | None:
    place = _places().get(mention.entity_id)
    return (place.latitude, place.longitude) if place else None


def main() -> None:
    """Print a line a set and half."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--losses", action="store_true", help="list what went wrong")
    parser.add_argument("--half", choices=("dev", "held-out"), help="one half only")
    chosen = parser.parse_args()
    if not chosen.folder.is_dir():
        raise SystemExit(f"no folder {chosen.folder}: give the one that has GeoVirus.xml.gz")
    for name in ("GeoVirus", "GWN"):
        articles = read(chosen.folder, name)
        for number, half in enumerate(("dev", "held-out")):
            if chosen.half not in (None, half):
                continue
            tally = Tally()
            for article in articles[number::2]:
                tally.add(article)
            documents = len(articles[number::2])
            speed = tally.seconds / 2 / max(1, documents) * 1000
            print(f"{name:9} {half:9} {tally.line()}   resolving {speed:.2f} ms a document")
            print("   " + ", ".join(f"{cause} {n}" for cause, n in tally.counts.most_common()))
            if chosen.losses:
                for cause, where, what in sorted(tally.losses):
                    print(f"     {cause:20} {where:13} {what}")


if __name__ == "__main__":
    main()
