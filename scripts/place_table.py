"""The table of places that build_place_file.py fills, and the facts it reads."""

from __future__ import annotations

import math
import os
import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ingest.entities.gazetteer import CAPITAL, CITY, Columns
from ingest.entities.lexicon import name_key

FACTS = Path(__file__).parent / "facts"
TARGET = Path(__file__).parent.parent / "ingest" / "entities" / "data"
#: The folder of the lists that are not packages.
LISTS = Path(os.environ.get("NEWS_INGEST_TEST_DATA", "../shared/data")) / "lists" / "places"

#: A key leads to so many places at most, the biggest.
MOST_ROWS = 120


class Row(NamedTuple):
    """One place."""

    name: str
    kind: int
    country: str
    admin: str
    district: str
    geoname_id: int
    population: int
    point: tuple[float, float]


class Table:
    """The rows so far, and the keys that lead to them."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.keys: dict[str, list[int]] = defaultdict(list)
        self.other_keys: dict[str, list[int]] = defaultdict(list)
        self.aliases: dict[int, list[str]] = {}
        self.known_regions = 0

    def add(
        self, name: str, kind: int, country: str, admin: str, district: str, geoname_id: int,
        population: int, point: tuple[float, float], aliases: Iterable[str] = (),
    ) -> int:  # fmt: skip
        """Add a place that is found by its name and aliases, and return its number."""
        number = len(self.rows)
        row = Row(name, kind, country, admin, district, geoname_id, population, point)
        self.rows.append(row)
        kept = [alias for alias in aliases if alias]
        if kept:
            self.aliases[number] = kept
        for text in (name, *kept):
            self.key(text, number)
        return number

    def key(self, text: str, number: int) -> None:
        """Let a name lead to a place."""
        for key in {name_key(text), name_key(text.replace("Saint ", "St "))}:
            if key and number not in self.keys[key]:
                self.keys[key].append(number)

    def other_key(self, text: str, number: int) -> None:
        """Let a name in another language lead to a place."""
        key = name_key(text)
        if key and number not in self.other_keys[key]:
            self.other_keys[key].append(number)

    def biggest_city(self, name: str, country: str = "") -> int | None:
        """Return the number of the biggest city of this name."""
        numbers = [
            number for number in self.keys.get(name_key(name), ())
            if self.rows[number].kind in (CITY, CAPITAL)
            and country in ("", self.rows[number].country)
        ]  # fmt: skip
        return max(numbers, key=lambda number: self.rows[number].population, default=None)

    def columns(self) -> Columns:
        """Return what is stored."""
        codes = sorted({one for row in self.rows for one in (row.admin, row.district)})
        numbers = {code: number for number, code in enumerate(codes)}
        names = [row.name[:250] for row in self.rows]
        keys = sorted({key for key in {**self.keys, **self.other_keys} if 0 < len(key) < 250})
        own = [self._biggest(self.keys.get(key, ())) for key in keys]
        others = [
            self._biggest(set(self.other_keys.get(key, ())) - set(self.keys.get(key, ())))
            for key in keys
        ]
        kept = [number for number, key in enumerate(keys) if own[number] or others[number]]
        return Columns(
            names="".join(names),
            name_lengths=bytes(map(len, names)),
            kinds=bytes(row.kind for row in self.rows),
            countries="".join(row.country if len(row.country) == 2 else "  " for row in self.rows),
            codes="\n".join(codes),
            admins=array("H", (numbers[row.admin] for row in self.rows)).tobytes(),
            districts=array("H", (numbers[row.district] for row in self.rows)).tobytes(),
            geoname_ids=_packed(row.geoname_id for row in self.rows),
            populations=_packed(_rounded(row.population) for row in self.rows),
            latitudes=_packed(_angle(row, 0) for row in self.rows),
            longitudes=_packed(_angle(row, 1) for row in self.rows),
            keys="".join(keys[number] for number in kept),
            key_lengths=bytes(len(keys[number]) for number in kept),
            key_sizes=bytes(len(own[number]) + len(others[number]) for number in kept),
            key_own=bytes(len(own[number]) for number in kept),
            key_rows=_packed(row for number in kept for row in own[number] + others[number]),
            aliases=self.aliases,
            known_regions=self.known_regions,
        )

    def _biggest(self, numbers: Iterable[int]) -> list[int]:
        ordered = sorted(
            numbers, key=lambda n: (self.rows[n].kind >= CITY, -self.rows[n].population, n)
        )
        return ordered[:MOST_ROWS]


def _packed(numbers: Iterable[int]) -> bytes:
    return array("i", numbers).tobytes()


def _rounded(population: int) -> int:
    """Return two digits: more say nothing in a score, and take space."""
    digits = max(0, len(str(population)) - 2)
    return round(population, -digits)


def _angle(row: Row, axis: int) -> int:
    """Return degrees × 10,000, of a town to the nearest kilometre."""
    is_small = row.kind == CITY and row.population < 15_000
    return round(row.point[axis] * 100) * 100 if is_small else round(row.point[axis] * 10_000)


def facts(name: str) -> Iterator[list[str]]:
    """Yield the fields of each line of a file in facts/."""
    for line in (FACTS / name).read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            yield [part.strip() for part in line.split("\t")] + [""] * 3


@cache
def middles() -> dict[str, tuple[float, float]]:
    """Return the middles of countries and big regions by code: US, US.CA."""
    return {code: (float(lat), float(lon)) for code, lat, lon, *_ in facts("points.tsv")}


def middle(cities: list[Any]) -> tuple[float, float]:
    """Return the mean of the places on the sphere."""
    if not cities:
        return (0.0, 0.0)
    x = y = z = 0.0
    for city in cities:
        latitude, longitude = math.radians(city["latitude"]), math.radians(city["longitude"])
        x += math.cos(latitude) * math.cos(longitude)
        y += math.cos(latitude) * math.sin(longitude)
        z += math.sin(latitude)
    return (math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x)))


def is_latin(text: str) -> bool:
    """Return whether all letters of a text are Latin, and there is one."""
    return all("LATIN" in unicodedata.name(c, "") for c in text if c.isalpha()) and any(
        c.isalpha() for c in text
    )
