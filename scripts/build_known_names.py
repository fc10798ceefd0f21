"""Writes known.bin, the people and organisations of public life that entities are found by.

Run it by hand when the lists change: `python scripts/build_known_names.py ../shared/data/lists`.
Data: facts of Wikidata and other open lists (see NOTICE), scripts/facts (our own).
"""

from __future__ import annotations

import os
import sys
import zlib
from array import array
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import msgspec
import zstandard
from known_names.names import Entity, as_written, distinct, is_latin
from known_names.organisations import organisations
from known_names.people import people, with_other_scripts

from ingest.entities.known import Stored, form_key, surname_keys
from ingest.entities.lexicon import slug

TARGET = Path(__file__).parent.parent / "ingest" / "entities" / "data" / "known.bin"
#: People of at least this weight get names in other scripts, composed of name tokens.
COMPOSED_FROM = 12


def main() -> None:
    """Write known.bin."""
    base = os.environ.get("NEWS_INGEST_TEST_DATA", "../shared/data")
    lists = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(base) / "lists"
    persons = people(lists)
    with_other_scripts(lists, persons, COMPOSED_FROM)
    entities = [*persons, *organisations(lists)]
    entities.sort(key=lambda one: (-one.prominence, one.type, -one.weight, one.name))
    kept = unique(entities)
    data = msgspec.msgpack.encode(stored(kept))
    TARGET.write_bytes(zstandard.ZstdCompressor(level=19).compress(data))
    persons = [one for one in kept if one.type == "P"]
    print(f"{len(persons)} people, {len(kept) - len(persons)} organisations, {len(data)} bytes,")
    print(f"{TARGET.stat().st_size} packed")


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
        mains = [form for form in one.forms if form.lstrip("~^") == one.name]
        is_ours = one.type == "O" and one.prominence == 3
        every = [*(mains[:1] or [one.name]), *one.forms]
        every = distinct(every, by=as_written if is_ours else form_key)
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
            one.years, str(min(one.weight, 99)), "|".join(family), "|".join(every if every[0] != one.name else every[1:]),
        )  # fmt: skip
        lines.append("\t".join(columns) + "\n")
    form_hashes, form_rows = hashed(forms)
    surname_hashes, surname_rows = hashed(surnames)
    return Stored(
        rows="".join(lines).encode(), form_hashes=form_hashes, form_rows=form_rows,
        surname_hashes=surname_hashes, surname_rows=surname_rows,
    )  # fmt: skip


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
