"""People and organisations of public life, found by their names in many languages.

The file is made by scripts/build_known_names.py. It is kept as text and sorted hashes, not as
dictionaries: a process that reads it needs little time and memory, and a row becomes a `KnownEntity`
only on demand.
"""

from __future__ import annotations

import itertools
import re
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

import msgspec
import zstandard

from ingest.entities.lexicon import name_key, person_names, slug


class KnownEntity(NamedTuple):
    """One person or organisation of public life.

    `prominence` runs from 0 to 3, `weight` from 0 to 99 and tells bearers of one surname apart;
    `country` is an ISO 3166-1 code in capitals; unknown text is "".
    """

    id: str
    type: str
    name: str
    role: str
    country: str
    prominence: int
    years: str
    wikidata_id: str
    weight: int = 0


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """The file: a line of `rows` per entity, most prominent first, and its names as hashes.

    The organisations of our own lists come before all others.

    The columns of a line: type (P or O), name, Wikidata id, role, country, prominence, years,
    weight, surnames, other forms; the last two with | between the names. A form of an organisation
    may begin with ~ (also an ordinary word) or ^ (a place that stands for its club).
    Hashes are CRC-32 of folded names, sorted, stored as differences, with a row number each.
    """

    rows: bytes
    form_hashes: bytes
    form_rows: bytes
    surname_hashes: bytes
    surname_rows: bytes


class _Index:
    """KnownRow numbers by the hash of a name."""

    def __init__(self, hashes: bytes, rows: bytes) -> None:
        differences = array("I")
        differences.frombytes(hashes)
        self._hashes = array("I", itertools.accumulate(differences))
        self._rows = array("I")
        self._rows.frombytes(rows)

    def __len__(self) -> int:
        return len(self._hashes)

    def rows(self, key: str) -> list[int]:
        """Return the rows that may have this name, in ascending order."""
        wanted = zlib.crc32(key.encode())
        place = bisect_left(self._hashes, wanted)
        found = []
        while place < len(self._hashes) and self._hashes[place] == wanted:
            found.append(self._rows[place])
            place += 1
        return sorted(found)


class KnownRow(NamedTuple):
    """An entity with its names; `surnames` and `forms` are as written, flags included."""

    known: KnownEntity
    surnames: tuple[str, ...]
    forms: tuple[str, ...]


class KnownNames:
    """All entities of the file."""

    def __init__(self, stored: Stored) -> None:
        self._text = stored.rows
        ends = (match.end() for match in re.finditer(b"\n", self._text))
        self._starts = array("I", itertools.chain([0], ends))
        self._forms = _Index(stored.form_hashes, stored.form_rows)
        self._surnames = _Index(stored.surname_hashes, stored.surname_rows)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def row(self, number: int) -> KnownRow:
        start, end = self._starts[number], self._starts[number + 1] - 1
        kind, name, wikidata_id, role, country, prominence, years, weight, surnames, forms = (
            self._text[start:end].decode().split("\t")
        )
        type = "person" if kind == "P" else "organisation"
        id = f"{type}:{wikidata_id or slug(name)}"
        return KnownRow(
            KnownEntity(
                id, type, name, role, country, int(prominence), years, wikidata_id, int(weight)
            ),
            tuple(surnames.split("|")) if surnames else (),
            _with_main(name, forms),
        )

    def organisations(self) -> Iterator[KnownRow]:
        """Yield the organisations of our own lists, which come first in the file."""
        for number in range(len(self)):
            row = self.row(number)
            if row.known.type != "organisation":
                return
            yield row

    def by_form(self, key: str) -> list[KnownRow]:
        rows = (self.row(number) for number in self._forms.rows(key))
        return [row for row in rows if any(form_key(form) == key for form in row.forms)]

    def by_surname(self, key: str) -> list[KnownRow]:
        rows = (self.row(number) for number in self._surnames.rows(key))
        return [row for row in rows if any(key in surname_keys(one) for one in row.surnames)]

    def by_id(self, id: str) -> KnownRow | None:
        rows = (self.row(number) for number in self._forms.rows(id))
        return next((row for row in rows if row.known.id == id), None)


#: Words before a surname that may be left out: "al-Assad" and "Assad", "von der Leyen", "Leyen".
PARTICLES = frozenset(
    {"al", "el", "ar", "as", "ash", "an", "bin", "ibn", "bint", "ben", "abu", "von", "van", "der",
     "den", "ten", "ter", "zu", "zur", "de", "da", "do", "dos", "das", "del", "della", "di", "du",
     "af", "av", "of"}
)  # fmt: skip
#: After these a surname is not cut: the rest is an ordinary word or another name (Ben Ali, Du Pont).
_KEPT = frozenset({"ben", "du", "of", "abu"})


def _with_main(name: str, forms: str) -> tuple[str, ...]:
    """Return all forms, the main name first; it is among the others if it has a flag."""
    others = tuple(forms.split("|")) if forms else ()
    return others if others and others[0].lstrip("~^") == name else (name, *others)


def form_key(form: str) -> str:
    """Return the folded form without its flag."""
    return name_key(form.lstrip("~^").replace(" & ", " and "))


def surname_keys(surname: str) -> tuple[str, ...]:
    """Return the folded surname, and the same without particles."""
    key = name_key(surname)
    words = key.split(" ")
    while len(words) > 1 and words[0] in PARTICLES and words[0] not in _KEPT:
        words.pop(0)
    bare = " ".join(words)
    return (key,) if bare == key or len(bare) < 3 else (key, bare)


@cache
def known_names() -> KnownNames:
    """Return the people and organisations, read once per process."""
    data = (files(__package__) / "data" / "known.bin").read_bytes()
    plain = zstandard.ZstdDecompressor().decompress(data)
    return KnownNames(msgspec.msgpack.decode(plain, type=Stored))


@lru_cache(maxsize=4096)  # a document has the same few names again and again
def known_by_form(key: str) -> tuple[KnownEntity, ...]:
    """Return those with this full name or alias, folded by `name_key`, most prominent first."""
    return tuple(row.known for row in known_names().by_form(key))


@lru_cache(maxsize=4096)  # a document has the same few names again and again
def known_by_surname(key: str) -> tuple[KnownEntity, ...]:
    """Return the people with this surname, with or without particles, most prominent first."""
    return tuple(row.known for row in known_names().by_surname(key))


#: A surname can mean a person of this weight alone: one of the most read; one of our own list where
#: it is a given name too; a head of state or government where more than so many bear it.
_FAMOUS, _OURS, _LEADER, _MANY = 20, 50, 80, 40


def lead(key: str) -> KnownEntity | None:
    """Return the bearer of a surname who is far ahead of all others, if there is one."""
    bearers = known_by_surname(key)
    least = _LEADER if len(bearers) > _MANY else _OURS if key in person_names().given else _FAMOUS
    if not bearers or bearers[0].weight < least:
        return None
    if len(bearers) > 1 and bearers[0].weight < 2 * bearers[1].weight:
        return None
    return bearers[0]


@lru_cache(maxsize=1024)
def forms_of(id: str) -> tuple[str, ...]:
    """Return the names of an entity, the main name first; none if the id is unknown."""
    row = known_names().by_id(id)
    return tuple(form.lstrip("~^") for form in row.forms) if row else ()


@lru_cache(maxsize=1024)
def known(id: str) -> KnownEntity | None:
    """Return the person or organisation with this id."""
    row = known_names().by_id(id)
    return row.known if row else None
