"""What the verbs of `entities` do: find entities, propose merges, decide and undo them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime

import msgspec
from msgspec.structs import replace
from rapidfuzz.distance import JaroWinkler

from ingest.entities.lexicon import name_key
from ingest.entities.merges import TOPIC, EntityChange, Merges, type_of
from ingest.errors import WrongArgument
from ingest.ports import Index, Log
from ingest.query import EntityIs, SearchRequest
from ingest.records.appending import NewRecord, append_all
from ingest.records.reading import values
from ingest.search_fields import ENTITIES
from ingest.terms import fold
from ingest.wire import encode

#: Entities of a type that are compared with each other, and neighbours that are compared.
COMPARED, NEIGHBOURS = 400, 30
#: Given names and initials may differ; spellings of one name are at least this similar.
SAME_NAME = 0.9
#: Documents that are read to learn what an entity is called.
_SAMPLE = 20


class FoundEntity(msgspec.Struct, frozen=True, kw_only=True):
    """An entity of the archive: `documents` mention it, under these names."""

    id: str
    type: str
    name: str
    documents: int
    names: tuple[str, ...]


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """Two entities that may be one. `shared` are entities that documents of both mention."""

    id: str
    into: str
    name: str
    into_name: str
    documents: int
    into_documents: int
    similarity: float
    shared: tuple[str, ...]


def changes(log: Log) -> list[EntityChange]:
    """Return all decisions, undone ones too, oldest first."""
    found = [change for _, change in values(log, TOPIC, EntityChange)]
    return sorted(found, key=lambda change: change.at)


def find(index: Index, asked: str) -> list[FoundEntity]:
    """Return the entities with this id or name, most frequent first."""
    types = [type_of(asked)] if ":" in asked else list(ENTITIES)
    found: dict[str, FoundEntity] = {}
    for type in types:
        if type not in ENTITIES:
            continue
        hits = index.search(SearchRequest(query=EntityIs(type, asked), size=_SAMPLE)).hits
        for detail in (one for hit in hits for one in hit.document.entity_details):
            names = (detail.name, *detail.forms)
            if detail.type != type or fold(asked) not in map(fold, (detail.id, *names)):
                continue
            before = found[detail.id].names if detail.id in found else ()
            found[detail.id] = FoundEntity(
                id=detail.id, type=type, name=(*before, detail.name)[0], documents=0,
                names=tuple(dict.fromkeys((*before, *names))),
            )  # fmt: skip
    counted = [replace(one, documents=_documents(index, one.id)) for one in found.values()]
    return sorted(counted, key=lambda one: (-one.documents, one.id))


def the_one(index: Index, asked: str) -> FoundEntity:
    """Return the one entity with this id or name. Errors: WrongArgument for none or several."""
    found = find(index, asked)
    if len(found) == 1:
        return found[0]
    if exact := [one for one in found if one.id == asked]:
        return exact[0]
    if not found:
        remedy = "see `news-ingest entities show NAME`; an id is written as in `search --json`"
        raise WrongArgument("no document mentions such an entity", value=asked, remedy=remedy)
    remedy = f"give an id: {', '.join(one.id for one in found)}"
    raise WrongArgument("several entities have this name", value=asked, remedy=remedy)


def proposals(index: Index, type: str, merges: Merges) -> Iterator[Proposal]:
    """Yield pairs of entities of this type that may be one, of the most frequent ones.

    People with one surname and alike or abbreviated given names; organisations with alike names or
    initials. Both need an entity that documents of both mention.
    """
    asked = SearchRequest(size=0, facets=(type,), facet_size=COMPARED)
    names = [value.value for value in index.search(asked).facets[type]]
    for one, two in itertools.combinations(names, 2):
        similarity = _similarity(type, name_key(one).split(), name_key(two).split())
        if similarity < SAME_NAME:
            continue
        pairs = [_by_name(index, type, name) for name in (one, two)]
        if None in pairs or merges.root(pairs[0].id) == merges.root(pairs[1].id):  # type: ignore[union-attr]
            continue
        into, gone = sorted((pair for pair in pairs if pair), key=_weight, reverse=True)
        if _is_known(gone.id) and _is_known(into.id):
            continue  # two entities of Wikidata
        shared = _neighbours(index, into.id) & _neighbours(index, gone.id)
        shared -= {*into.names, *gone.names}
        if shared:
            yield Proposal(
                id=gone.id, into=into.id, name=gone.name, into_name=into.name,
                documents=gone.documents, into_documents=into.documents,
                similarity=round(similarity, 2), shared=tuple(sorted(shared)[:5]),
            )  # fmt: skip


def decide(log: Log, change: EntityChange, before: Iterable[EntityChange]) -> None:
    """Write a merge or a split. Errors: WrongArgument when it would go in a circle."""
    merges = Merges(before)
    if not change.beside and merges.root(change.into) == merges.root(change.id):
        raise WrongArgument(
            "these are one entity already" if change.id != change.into else "this is one entity",
            value=f"{change.id}, {change.into}",
            remedy="see `news-ingest entities show ID`, or undo the other merge first",
        )
    _write(log, [change])


def take_back(log: Log, asked: str, by: str, now: datetime) -> list[EntityChange]:
    """Undo the merge and the splits of this entity and return them. Errors: WrongArgument."""
    active = [one for one in changes(log) if one.id == asked and one.undone_at is None]
    if not active:
        remedy = "`news-ingest entities show` lists what is in force"
        raise WrongArgument("nothing is merged or split under this id", value=asked, remedy=remedy)
    undone = [replace(one, undone_by=by, undone_at=now) for one in active]
    _write(log, undone)
    return undone


def _write(log: Log, made: Sequence[EntityChange]) -> None:
    with closing(log.appender()) as appender:
        append_all(appender, [NewRecord(TOPIC, one.key, encode(one)) for one in made])


def _documents(index: Index, id: str) -> int:
    return index.search(SearchRequest(query=EntityIs(type_of(id), id), size=0)).total


def _by_name(index: Index, type: str, name: str) -> FoundEntity | None:
    return next((one for one in find(index, name) if one.type == type), None)


def _neighbours(index: Index, id: str) -> set[str]:
    """Return the names that documents with this entity mention most."""
    request = SearchRequest(
        query=EntityIs(type_of(id), id), size=0, facets=tuple(ENTITIES), facet_size=NEIGHBOURS
    )
    facets = index.search(request).facets
    return {value.value for values in facets.values() for value in values}


def _weight(found: FoundEntity) -> tuple[bool, int, int]:
    return _is_known(found.id), len(found.name.split()), found.documents


def _is_known(id: str) -> bool:
    kind, _, rest = id.partition(":")
    return kind != "place" and rest[:1] == "Q" and rest[1:].isdigit()


def _similarity(type: str, one: Sequence[str], two: Sequence[str]) -> float:
    """Return how alike two names are: 0 to 1."""
    if not one or not two or one == two:
        return float(one == two and bool(one))
    if type != "person":
        short, long = sorted((one, two), key=len)
        if len(short) == 1 and short[0] == "".join(word[0] for word in long):
            return 0.95
        return float(JaroWinkler.similarity(" ".join(one), " ".join(two)))
    if len(one) < 2 or len(two) < 2 or JaroWinkler.similarity(one[-1], two[-1]) < SAME_NAME:
        return 0.0
    given, other = one[0], two[0]
    if 1 in (len(given), len(other)):
        return 0.92 if given[0] == other[0] else 0.0
    return float(JaroWinkler.similarity(given, other))
