"""The gazetteer: countries, regions, districts, areas, cities and towns by name."""

from __future__ import annotations

import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files
from itertools import accumulate, pairwise
from typing import NamedTuple

import msgspec
import zstandard

from ingest.entities.lexicon import name_key, person_names

COUNTRY, REGION, AREA, DISTRICT, CITY, CAPITAL = range(6)
#: In order of importance; all others are cities.
_KIND_NAMES = ((COUNTRY, "country"), (REGION, "region"), (AREA, "area"))
#: A smaller place is a town. Its name alone says nothing: `place_hint` does not know it.
SMALL_TOWN = 15_000


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """The gazetteer as stored on disk: each column has one item per place, in order of `kinds`.

    Numbers are little-endian, of four bytes, `admins` and `districts` of two: numbers in `codes`,
    GeoNames' codes of first-level and second-level regions. Coordinates are in degrees × 10,000.
    `keys` are folded names in order. `key_sizes` says how many rows of `key_rows` each has, biggest
    place first; the first `key_own` have this name in English, the others in some language. Regions
    before the row `known_regions` are known all over the world by their bare names.
    """

    names: str
    name_lengths: bytes
    kinds: bytes
    countries: str
    codes: str
    admins: bytes
    districts: bytes
    geoname_ids: bytes
    populations: bytes
    latitudes: bytes
    longitudes: bytes
    keys: str
    key_lengths: bytes
    key_sizes: bytes
    key_own: bytes
    key_rows: bytes
    aliases: dict[int, list[str]]
    known_regions: int


class Place(NamedTuple):
    """One place. `geoname_id` is 0 if its GeoNames id is unknown.

    `admin` and `district` are codes of the first-level and second-level region it is in, or is.
    """

    row: int
    name: str
    kind: int
    country: str
    admin: str
    district: str
    geoname_id: int
    population: int
    latitude: float
    longitude: float

    @property
    def id(self) -> str:
        """Return `country:<ISO 3166>`, `place:<GeoNames id>`, or `place:<country->slug`."""
        if self.kind == COUNTRY:
            return f"country:{self.country}"
        if self.geoname_id:
            return f"place:{self.geoname_id}"
        slug = name_key(self.name).replace(" ", "-")
        return f"place:{self.country.lower()}-{slug}" if self.country else f"place:{slug}"


class Gazetteer:
    """The places by name; a row becomes a `Place` only on demand."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._codes = columns.codes.split("\n")
        self._name_ends = _ends(columns.name_lengths)
        ends = _ends(columns.key_lengths)
        self._keys = [columns.keys[one:other] for one, other in pairwise(ends)]
        self._row_ends = _ends(columns.key_sizes)
        self._key_rows = array("i", columns.key_rows)
        self._admins, self._districts = array("H", columns.admins), array("H", columns.districts)
        self._ids, self._populations = (
            array("i", columns.geoname_ids),
            array("i", columns.populations),
        )
        self._latitudes = array("i", columns.latitudes)
        self._longitudes = array("i", columns.longitudes)
        self._countries: dict[str, Place] = {}
        self._regions: dict[tuple[str, str], Place] = {}
        for row, kind in enumerate(columns.kinds):
            if kind > REGION:
                break
            place = self.place(row)
            if kind == COUNTRY:
                self._countries[place.country] = place
            else:
                self._regions.setdefault((place.country, place.admin), place)

    def __len__(self) -> int:
        return len(self._columns.kinds)

    def place(self, row: int) -> Place:
        columns, ends = self._columns, self._name_ends
        return Place(
            row, columns.names[ends[row] : ends[row + 1]], columns.kinds[row],
            columns.countries[2 * row : 2 * row + 2].strip(),
            self._codes[self._admins[row]], self._codes[self._districts[row]],
            self._ids[row], self._populations[row],
            self._latitudes[row] / 10_000, self._longitudes[row] / 10_000,
        )  # fmt: skip

    def cities(self, least: int) -> Iterator[Place]:
        """Yield the cities of so many people or more."""
        for row, population in enumerate(self._populations):
            if population >= least and self._columns.kinds[row] >= CITY:
                yield self.place(row)

    @lru_cache(maxsize=20_000)  # noqa: B019 - there is one gazetteer in a process
    def named(self, key: str) -> tuple[Place, ...]:
        """Return the places with this main name or English alias, biggest first."""
        first, own, _ = self._span(key)
        return tuple(map(self.place, self._key_rows[first:own]))

    @lru_cache(maxsize=20_000)  # noqa: B019
    def named_elsewhere(self, key: str) -> tuple[Place, ...]:
        """Return the places that have this name in some other language only, biggest first."""
        _, own, end = self._span(key)
        return tuple(map(self.place, self._key_rows[own:end]))

    def country(self, code: str) -> Place | None:
        return self._countries.get(code)

    def region(self, country: str, admin: str) -> Place | None:
        return self._regions.get((country, admin))

    def is_known_region(self, place: Place) -> bool:
        """Return whether its name alone means this region: Ohio, Bavaria."""
        return place.kind == REGION and place.row < self._columns.known_regions

    def aliases(self, row: int) -> list[str]:
        """Return the other English names of a place."""
        return self._columns.aliases.get(row, [])

    def _span(self, key: str) -> tuple[int, int, int]:
        """Return where the rows of a key begin, where the English names end, and all end."""
        number = bisect_left(self._keys, key)
        if number == len(self._keys) or self._keys[number] != key:
            return (0, 0, 0)
        first = self._row_ends[number]
        return (first, first + self._columns.key_own[number], self._row_ends[number + 1])


def _ends(lengths: bytes) -> array[int]:
    """Return where each item begins, and the last one ends."""
    return array("i", accumulate(lengths, initial=0))


def folded(text: str) -> str:
    """Return the form by which names in other languages are compared: ß stays."""
    return unicodedata.normalize("NFKC", text).lower()


@cache
def gazetteer() -> Gazetteer:
    """Return the gazetteer, read once per process."""
    return Gazetteer(msgspec.msgpack.decode(_read("places.bin"), type=Columns))


@cache
def country_names(language: str) -> dict[str, str]:
    """Return the countries by lower-case name in a language; `demonyms` has nationalities."""
    every = msgspec.msgpack.decode(_read("country_names.bin"), type=dict[str, dict[str, str]])
    return every.get(language, {})


def is_demonym(key: str) -> bool:
    """Return whether a folded word is a nationality."""
    return key in country_names("demonyms")


@cache
def city_names(language: str) -> dict[str, int]:
    """Return the rows of cities and regions by lower-case name in one language."""
    every = msgspec.msgpack.decode(_read("city_names.bin"), type=dict[str, dict[str, int]])
    return every.get(language, {})


@cache
def other_scripts() -> dict[str, int | list[int]]:
    """Return the rows of the bigger cities by their names in scripts other than Latin."""
    return msgspec.msgpack.decode(_read("alternates.bin"), type=dict[str, int | list[int]])


class PlaceHint(NamedTuple):
    """The kind of place a name means: country, region, area, city or alternate; "" if unknown."""

    kind: str
    population: int = 0


_NO_HINT = PlaceHint("")


@lru_cache(maxsize=50_000)
def place_hint(key: str, language: str = "en") -> PlaceHint:
    """Return the most important sense of a folded name. Small towns have none: see `is_town`.

    A district is a region if its name says so (Suffolk County) and no hint else.
    """
    places = gazetteer()
    key = key.removeprefix("the ")
    found = [place for place in places.named(key) if _is_hint(place, key)]
    if not found:
        if language != "en":
            if key in country_keys(language):
                return PlaceHint("country", 10_000_000)
            if key in city_keys(language):
                return _hint(places.place(city_keys(language)[key]))
        return _hint_elsewhere(key)
    return min(map(_hint, found), key=_importance)._replace(
        population=max(place.population for place in found)
    )


def _hint(place: Place) -> PlaceHint:
    kind = next((name for one, name in _KIND_NAMES if one == place.kind), "city")
    if place.kind == REGION and not gazetteer().is_known_region(place):
        kind = "city"
    return PlaceHint("region" if place.kind == DISTRICT else kind, place.population)


def _importance(hint: PlaceHint) -> int:
    return ("country", "region", "area", "city").index(hint.kind)


def _is_hint(place: Place, key: str) -> bool:
    if place.kind == DISTRICT:
        return place.country in _SHIRES or not _DISTRICT_WORDS.isdisjoint(key.split())
    if key in _DIRECTIONS:
        return False
    if place.kind == REGION and not gazetteer().is_known_region(place) and " " not in key:
        return not (key in person_names().given or key in person_names().surnames)
    return place.kind in (COUNTRY, AREA, CAPITAL) or place.population >= SMALL_TOWN


#: Countries whose districts (Kent, Seine-Maritime) are known by their bare names.
_SHIRES = frozenset({"GB", "FR"})
_DISTRICT_WORDS = frozenset({"county", "parish", "borough", "province", "district"})
#: Names of regions and towns that mean nothing alone.
_DIRECTIONS = frozenset({"north", "south", "east", "west", "northern", "southern", "eastern",
                         "western", "central", "centre", "center", "capital", "state"})  # fmt: skip


def is_town(key: str) -> bool:
    """Return whether a place of any size has this folded name: enough only with its state."""
    return bool(gazetteer().named(key))


@lru_cache(maxsize=100)
def country_keys(language: str) -> dict[str, str]:
    """Return the countries by folded name in one language."""
    return {name_key(name): code for name, code in country_names(language).items()}


@lru_cache(maxsize=100)
def city_keys(language: str) -> dict[str, int]:
    """Return the rows of cities and regions by folded name in one language."""
    return {name_key(name): row for name, row in city_names(language).items()}


def _read(name: str) -> bytes:
    packed = (files(__package__) / "data" / name).read_bytes()
    return zstandard.ZstdDecompressor().decompress(packed)


def _hint_elsewhere(key: str) -> PlaceHint:
    if len(key) < 4:
        return _NO_HINT
    bigger = (place.population for place in gazetteer().named_elsewhere(key))
    population = max(bigger, default=0)
    return PlaceHint("alternate", population) if population >= SMALL_TOWN else _NO_HINT
