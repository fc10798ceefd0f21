"""Names of countries, cities and regions by language for build_place_file.py."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator

from babel import Locale
from place_divisions import Divisions, cldr_regions
from place_table import LISTS, Table, facts

from ingest.entities.gazetteer import DISTRICT, folded
from ingest.entities.inflection import inflected
from ingest.entities.lexicon import name_key

#: Languages whose country names are kept.
LANGUAGES = (
    "en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "no", "fi", "is", "ga", "ca", "ro", "pl",
    "cs", "sk", "sl", "hr", "hu", "et", "lv", "lt", "sq", "tr", "az", "id", "ms", "vi", "sw",
    "ru", "uk", "be", "bg", "mk", "sr", "el", "ka", "hy", "he", "ar", "fa", "ur", "hi", "bn", "ta",
    "te", "mr", "gu", "th", "ko", "ja", "zh",
)  # fmt: skip
#: Languages in which regions are named too.
REGION_LANGUAGES = frozenset({"de", "fr", "es", "it", "pt", "nl", "sv", "da", "no", "fi", "pl",
                              "cs", "tr", "ru", "uk", "ar", "zh", "ja", "ko"})  # fmt: skip
#: Regions of fewer people are left out in other languages.
MIN_REGION = 300_000

#: CLDR's words for countries that a news text would not use, or that are other words as well.
_NOT_COUNTRIES = {"ZZ", "XA", "XB", "EU", "EZ", "UN", "QO", "AQ", "BV", "HM", "UM", "CQ"}
#: The EU's codes are of three letters; these few are not ISO 3166.
_ODD_CODES = {"1A0": "XK"}
#: Languages of the columns of city_names.tsv.
_CITY_LANGUAGES = ("de", "fr", "es", "it", "pt", "nl", "sv", "pl")
#: Words of regions that mean nothing alone.
_BARE = re.compile(r"^(nord|sud|sur|süd|ost|est|west|oost|zuid|norte|centr\w*|zentral\w*|центр\w*|"
                   r"север\w*|южн\w*|западн\w*|восточн\w*|capital|mitte|北部|中部|南部|东部|西部)$")  # fmt: skip


def country_names(known: set[str]) -> dict[str, dict[str, str]]:
    """Return for each language the names of the countries, lower case, with their codes."""
    more = list(_of_the_eu(known))
    result = {}
    for language in LANGUAGES:
        names: dict[str, str] = {}
        listed = [
            (code, name)
            for code, name in Locale(language).territories.items()
            if code in known and code not in _NOT_COUNTRIES
        ]
        listed += [(code, name) for code, one, name in more if one == language]
        listed += [
            (code, name)
            for one, code, forms, *_ in facts("country_forms.tsv")
            if one == language
            for name in forms.split("|")
        ]
        for code, name in listed:
            if not re.search(r"[(（;/\[]", name):
                for form in inflected(name, language):
                    names.setdefault(folded(form), code)
        result[language] = names
    result["demonyms"] = {
        word.casefold(): code
        for code, _, words, *_ in facts("countries.tsv")
        for word in words.split("|")
        if word
    }
    return result


def _of_the_eu(known: set[str]) -> Iterator[tuple[str, str, str]]:
    """Yield code, language and name of the EU's list; its other forms may be adjectives."""
    with gzip.open(LISTS / "eu-countries.tsv.gz", "rt", encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file][1:]
    english = {name: code for code, name in Locale("en").territories.items() if code in known}
    codes = dict(_ODD_CODES)
    for code, language, name, kind in rows:
        if language == "en" and kind == "prefLabel" and name in english:
            codes[code] = english[name]
    for code, language, name, _ in rows:
        if code in codes and name[:1].isupper() and len(name) > 3:
            yield codes[code], language, name


def city_names(table: Table, divisions: Divisions) -> dict[str, dict[str, int]]:
    """Return for each language the rows of cities and regions by lower-case name."""
    result: dict[str, dict[str, int]] = {}
    for language in LANGUAGES:
        names = result.setdefault(language, {})
        for zone, words in Locale(language).time_zones.items():
            row = table.biggest_city(zone.rpartition("/")[2].replace("_", " "))
            if row is not None and "city" in words:
                for form in inflected(words["city"], language):
                    names[folded(form)] = row
    for english, country, *local in facts("city_names.tsv"):
        row = table.biggest_city(english, country)
        if row is None:
            print(f"no city {english} ({country}): left out")
            continue
        for language, name in zip(_CITY_LANGUAGES, local, strict=False):
            for form in inflected(name, language) if name and name != "-" else ():
                result[language][folded(form)] = row
    for language, english, country, forms, *_ in facts("city_forms.tsv"):
        row = table.biggest_city(english, country)
        if row is None:
            print(f"no city {english} ({country}): left out")
            continue
        result[language].update((folded(form), row) for form in forms.split("|"))
    for code, language, name in cldr_regions():
        row = divisions.rows_by_iso.get(code)
        if row is None or language not in REGION_LANGUAGES or not _is_told(table, row, name):
            continue
        if table.rows[row].population >= MIN_REGION:
            for form in inflected(name, language):
                result[language].setdefault(folded(form), row)
    return result


def _is_told(table: Table, row: int, name: str) -> bool:
    """Return whether a name in another language says something that the table does not."""
    is_short = len(name) < (5 if name.isascii() else 3)
    if is_short or re.search(r"[(（,]", name) or _BARE.match(name.casefold()):
        return False
    if table.rows[row].kind == DISTRICT and table.rows[row].population < 2 * MIN_REGION:
        return False
    return row < table.known_regions or not table.keys.get(name_key(name))
