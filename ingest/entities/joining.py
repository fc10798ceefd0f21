"""Joins the mentions of a document to the people, organisations and places that they mean."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from ingest.entities.clusters import (
    Cluster,
    Key,
    add_organisations,
    add_persons,
    add_places,
)
from ingest.entities.known import known
from ingest.entities.lexicon import WordLists, clean, organisation_key, person_key, slug, word_lists
from ingest.model import EnrichedDocument, EntityDetail, Mention, Names

#: Entries of a table: a line, or what stands between semicolons.
_PART = re.compile(r"[^\n;]+")
_WORD = re.compile(r"[^\W_]+")
#: A part with less than this share of words in lower case is no sentence.
_SENTENCE = 0.35
#: A heading has as few; a table is at least this many such parts.
_FEWEST = 6
#: Tables may add this many entities to a document.
_FLOOD = 15

_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv"})


class Pinned(msgspec.Struct, frozen=True, kw_only=True):
    """An entity on a watch-list: its id counts, whatever the text says."""

    id: str
    type: str
    name: str
    aliases: tuple[str, ...] = ()
    wikidata_id: str = ""


def assembled(
    document: EnrichedDocument, mentions: Sequence[Mention], pinned: Iterable[Pinned] = ()
) -> EnrichedDocument:
    """Return the document with these mentions joined to entities, most salient first.

    Mentions of strength certain and of known entities keep the entity id they bring; `pinned`
    describes those of strength certain. A lone given name or surname that joins nobody has none.
    """
    clusters = _clusters(document, mentions, list(pinned))
    if len(clusters) > _FLOOD:
        clusters = _without_tables(document.text, clusters, mentions)
    final = [msgspec.structs.replace(mention, entity_id="") for mention in mentions]
    details = []
    for cluster in clusters:
        if not cluster.numbers:
            continue
        cluster.numbers.sort()
        name = cluster.name or _name(cluster, mentions, document.language)
        id = cluster.id or _made_id(cluster.type, name)
        for number in cluster.numbers:
            final[number] = msgspec.structs.replace(
                final[number], entity_id=id, is_ambiguous=number in cluster.ambiguous
            )
        details.append(_detail(document, cluster, id, name, mentions))
    return with_entities(document, tuple(final), merged_details(details))


def _without_tables(
    text: str, clusters: list[Cluster], mentions: Sequence[Mention]
) -> list[Cluster]:
    """Return the entities without those that only tables name, where these are many.

    A list of results would flood the facets with its hundred names.
    """
    spans = _table_spans(text)

    def is_listed(mention: Mention) -> bool:
        place = bisect_right(spans, (mention.start, len(text)))
        return mention.field == "text" and place > 0 and mention.end <= spans[place - 1][1]

    kept = [
        one
        for one in clusters
        if any(
            mentions[number].strength == "certain" or not is_listed(mentions[number])
            for number in one.numbers
        )
    ]
    return kept if len(clusters) - len(kept) > _FLOOD else clusters


def _table_spans(text: str) -> Sequence[tuple[int, int]]:
    """Return the start and end of each line or entry that belongs to a table, in order."""
    spans = [part.span() for part in _PART.finditer(text) if _is_entry(part.group())]
    return spans if len(spans) >= _FEWEST else ()


def _is_entry(part: str) -> bool:
    words = _WORD.findall(part)
    lower = sum(word[0].islower() for word in words)
    return len(words) > 1 and lower < _SENTENCE * len(words)


def source(document: EnrichedDocument, mention: Mention) -> str:
    """Return the text in which the offsets of a mention count: the body or the title."""
    return document.title if mention.field == "title" else document.text


def with_entities(
    document: EnrichedDocument, mentions: tuple[Mention, ...], details: Sequence[EntityDetail]
) -> EnrichedDocument:
    """Return the document with these entities, and the flat fields made from them."""
    top = max((detail.count for detail in details), default=1)
    firsts: dict[str, int] = {}
    for mention in mentions:
        first = mention.start if mention.field == "text" else 0
        firsts[mention.entity_id] = min(first, firsts.get(mention.entity_id, first))
    weighed = [
        msgspec.structs.replace(
            detail, salience=_salience(detail, top, firsts.get(detail.id, 0), len(document.text))
        )
        for detail in details
    ]
    weighed.sort(key=lambda detail: (-detail.salience, detail.id))
    return msgspec.structs.replace(
        document,
        mentions=mentions,
        entity_details=tuple(weighed),
        entity_ids=tuple(detail.id for detail in weighed),
        entities=_names((one.type, one.name) for one in weighed),
        entity_forms=_names((one.type, form) for one in weighed for form in one.forms),
    )


def merged_details(details: Iterable[EntityDetail]) -> list[EntityDetail]:
    """Return one detail per id: counts added, forms joined, the name of the first."""
    found: dict[str, EntityDetail] = {}
    for detail in details:
        known = found.get(detail.id)
        if known is None:
            found[detail.id] = detail
            continue
        found[detail.id] = msgspec.structs.replace(
            known,
            count=known.count + detail.count,
            is_in_title=known.is_in_title or detail.is_in_title,
            forms=tuple(dict.fromkeys((*known.forms, *detail.forms))),
        )
    return list(found.values())


def _clusters(
    document: EnrichedDocument, mentions: Sequence[Mention], pinned: list[Pinned]
) -> list[Cluster]:
    lists = word_lists(document.language or "en")
    by_id: dict[str, Cluster] = {}
    for one in pinned:
        cluster = Cluster(one.type, id=one.id, name=one.name, aliases=one.aliases,
                          wikidata_id=one.wikidata_id)  # fmt: skip
        cluster.keys |= {_key(one.type, form, lists) for form in (one.name, *one.aliases)}
        by_id[one.id] = cluster
    clusters = list(by_id.values())
    numbers: dict[str, list[int]] = {"person": [], "organisation": [], "place": []}
    for number, mention in enumerate(mentions):
        home = by_id.get(mention.entity_id) or _brought(mention, clusters, lists)
        if home is None:
            numbers[mention.type].append(number)
            continue
        if by_id.setdefault(mention.entity_id, home) is home and home not in clusters:
            clusters.append(home)
        home.numbers.append(number)
        if mention.is_ambiguous:
            home.ambiguous.add(number)
    add_persons(clusters, mentions, numbers["person"], lists)
    add_organisations(clusters, mentions, numbers["organisation"], document.text)
    add_places(clusters, mentions, numbers["place"])
    return clusters


def _brought(mention: Mention, clusters: list[Cluster], lists: WordLists) -> Cluster | None:
    """Return the entity whose id a mention brings: from a watch-list, or of public life.

    A name of a watch-list takes precedence over the known entity of that name.
    """
    if not mention.entity_id:
        return None
    if mention.strength == "certain":
        return Cluster(mention.type, id=mention.entity_id)
    entity = known(mention.entity_id)
    if entity is None:
        return None
    key = _key(entity.type, entity.name, lists)
    for cluster in clusters:
        if cluster.type == entity.type and key in cluster.keys:
            return cluster
    return Cluster(
        entity.type, keys={key}, id=entity.id, name=entity.name, wikidata_id=entity.wikidata_id
    )


def _key(type: str, name: str, lists: WordLists) -> Key:
    return person_key(name, lists) if type == "person" else organisation_key(name)


def _made_id(type: str, name: str) -> str:
    """Return the id of an entity that is on no list: its full name without article, legal form."""
    if type == "organisation":
        name = " ".join(organisation_key(name))
    return f"{type}:{slug(name)}"


def _name(cluster: Cluster, mentions: Sequence[Mention], language: str) -> str:
    """Return the form to show: the most frequent of those with the most words."""
    counts = Counter(_form(mentions[number], language) for number in cluster.numbers)
    return max(counts, key=lambda form: (len(form.split()), counts[form], not form.isupper(), form))


def _form(mention: Mention, language: str) -> str:
    text = clean(mention.text)
    if mention.type == "person":
        words = text.split()
        key = person_key(text, word_lists(language or "en"))
        return (
            " ".join(words[-max(len(key), 1) :])
            if len(key) < len(words) and words[-1].rstrip(".").casefold() not in _SUFFIXES
            else text
        )
    if text[:4].casefold() == "the " and mention.type == "organisation":
        return text[4:]
    if mention.type == "place" and text.isupper() and len(text) > 3:
        return text.title()
    return text


def _detail(
    document: EnrichedDocument, cluster: Cluster, id: str, name: str, mentions: Sequence[Mention]
) -> EntityDetail:
    numbers = cluster.numbers
    surface = [_form(mentions[number], document.language) for number in numbers]
    surnames = [_surname(name)] if cluster.type == "person" else []
    forms = tuple(dict.fromkeys((name, *surface, *cluster.aliases, *surnames)))
    is_in_title = any(mentions[number].field == "title" for number in numbers)
    return EntityDetail(
        id=id, name=name, type=cluster.type, count=len(numbers), forms=forms,
        is_in_title=is_in_title or _is_in_title(document.title, cluster.type, forms),
        wikidata_id=cluster.wikidata_id,
    )  # fmt: skip


def _surname(name: str) -> str:
    """Return the last word of a name, without suffix: `person:Weller` finds Anne Weller."""
    words = [word for word in name.split() if word.strip(".,").casefold() not in _SUFFIXES]
    return words[-1] if words else name


def _is_in_title(title: str, type: str, forms: tuple[str, ...]) -> bool:
    """Return whether the title contains one of these forms as whole words, in any case."""
    if not title:
        return False
    folded = clean(title).casefold()
    wanted = {form.casefold() for form in forms if len(form) > 1}
    if type == "person":
        wanted |= {form.casefold().split()[-1] for form in forms if " " in form}
    return any(
        form in folded and re.search(rf"(?<!\w){re.escape(form)}(?!\w)", folded) for form in wanted
    )


def _salience(detail: EntityDetail, top: int, first: int, length: int) -> float:
    """Return 0 to 1: half for the count, a quarter each for the title and an early mention."""
    count = math.log1p(detail.count) / math.log1p(max(top, 1))
    early = 1 - first / max(length, 1)
    return round(0.5 * count + 0.25 * detail.is_in_title + 0.25 * early, 4)


def _names(names: Iterable[tuple[str, str]]) -> Names:
    """Return the names by type, each once; items are (type, name)."""
    lists: dict[str, list[str]] = {"person": [], "organisation": [], "place": []}
    for type, name in dict.fromkeys(names):
        lists[type].append(name)
    return Names(**{type: tuple(found) for type, found in lists.items()})
