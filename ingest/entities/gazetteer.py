"""The gazetteer: countries, regions, areas and cities by name."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

import msgspec
import zstandard

from ingest.entities.lexicon import name_key

COUNTRY, REGION, AREA, CITY, CAPITAL = range(5)
#: In order of importance; all others are cities.
_KIND_NAMES = ((COUNTRY, "country"), (REGION, "region"), (AREA, "area"))


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """The gazetteer as stored on disk: each column has one item per place.

    Coordinates are in degrees × 10,000. `keys` maps folded names to row numbers, `alternate_keys`
    does so for names in other languages. `admins` are GeoNames' codes of first-level regions.
    """

    names: str
    kinds: bytes
    countries: str
    admins: str
    geoname_ids: list[int]
    populations: list[int]
    latitudes: list[int]
    longitudes: list[int]
    keys: dict[str, int | list[int]]
    alternate_keys: dict[str, int | list[int]]
    aliases: dict[int, list[str]]


class Place(NamedTuple):
    """One place. `geoname_id` is 0 if its GeoNames id is unknown."""

    row: int
    name: str
    kind: int
    country: str
    admin: str
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
        self._names = columns.names.split("\n")
        self._admins = columns.admins.split("\n")
        self._keys = columns.keys
        self._alternates = columns.alternate_keys
        self._countries: dict[str, Place] = {}
        self._regions: dict[tuple[str, str], Place] = {}
        for row, kind in enumerate(columns.kinds):
            if kind == COUNTRY:
                place = self.place(row)
                self._countries[place.country] = place
            elif kind == REGION:
                place = self.place(row)
                self._regions.setdefault((place.country, place.admin), place)
            elif kind == CITY:
                break

    def __len__(self) -> int:
        return len(self._names)

    def place(self, row: int) -> Place:
        columns = self._columns
        return Place(
            row, self._names[row], columns.kinds[row],
            columns.countries[2 * row : 2 * row + 2].strip(), self._admins[row],
            columns.geoname_ids[row], columns.populations[row],
            columns.latitudes[row] / 10_000, columns.longitudes[row] / 10_000,
        )  # fmt: skip

    def rows(self, key: str) -> list[int]:
        """Return the rows of places with this main name or English alias."""
        return _as_list(self._keys.get(key))

    def alternate_rows(self, key: str) -> list[int]:
        """Return the rows of bigger cities with this name in some language."""
        return _as_list(self._alternates.get(key))

    def named(self, key: str) -> list[Place]:
        return [self.place(row) for row in self.rows(key)]

    def named_elsewhere(self, key: str) -> list[Place]:
        return [self.place(row) for row in self.alternate_rows(key)]

    def country(self, code: str) -> Place | None:
        return self._countries.get(code)

    def region(self, country: str, admin: str) -> Place | None:
        return self._regions.get((country, admin))

    def aliases(self, row: int) -> list[str]:
        """Return the other English names of a place."""
        return self._columns.aliases.get(row, [])


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
    """Return the rows of big cities by lower-case name in one language."""
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
    """Return the most important sense of a folded name."""
    places = gazetteer()
    if key.startswith("the "):
        key = key[4:]
    rows = places.rows(key)
    if not rows:
        if language != "en":
            if key in country_keys(language):
                return PlaceHint("country", 10_000_000)
            if key in city_keys(language):
                return PlaceHint("city", gazetteer().place(city_keys(language)[key]).population)
        return _hint_elsewhere(key)
    found = [places.place(row) for row in rows]
    kinds = {place.kind for place in found}
    population = max(place.population for place in found)
    kind = next((name for one, name in _KIND_NAMES if one in kinds), "city")
    return PlaceHint(kind, population)


@lru_cache(maxsize=100)
def country_keys(language: str) -> dict[str, str]:
    """Return the countries by folded name in one language."""
    return {name_key(name): code for name, code in country_names(language).items()}


@lru_cache(maxsize=100)
def city_keys(language: str) -> dict[str, int]:
    """Return the rows of big cities by folded name in one language."""
    return {name_key(name): row for name, row in city_names(language).items()}


def _as_list(value: int | list[int] | None) -> list[int]:
    if value is None:
        return []
    return [value] if isinstance(value, int) else value


def _read(name: str) -> bytes:
    packed = (files(__package__) / "data" / name).read_bytes()
    return zstandard.ZstdDecompressor().decompress(packed)


def _hint_elsewhere(key: str) -> PlaceHint:
    rows = gazetteer().alternate_rows(key)
    if not rows or len(key) < 4:
        return _NO_HINT
    population = max(gazetteer().place(row).population for row in rows)
    return PlaceHint("alternate", population)
