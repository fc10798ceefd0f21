"""Makes the entities of a document from its mentions."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from ingest.model import EnrichedDocument, EntityDetail, Mention, Names
from processors.find_entities.lexicon import pack
from processors.merge_mentions.clusters import (
    Cluster,
    add_organisations,
    add_persons,
    add_places,
)
from processors.merge_mentions.normal import clean, organisation_key, person_key, slug


class Pinned(msgspec.Struct, frozen=True, kw_only=True):
    """An entity that a watch-list gives: its id stands, whatever the text says."""

    id: str
    type: str
    name: str
    aliases: tuple[str, ...] = ()
    wikidata_id: str = ""


def assembled(
    document: EnrichedDocument, mentions: Sequence[Mention], pinned: Iterable[Pinned] = ()
) -> EnrichedDocument:
    """Return the document with these mentions joined to entities, most salient first.

    Mentions of strength certain keep the entity id they bring; `pinned` describes those.
    """
    clusters = _clusters(document, mentions, list(pinned))
    final = list(mentions)
    details = []
    for cluster in clusters:
        if not cluster.numbers:
            continue
        cluster.numbers.sort()
        name = cluster.name or _name(cluster, mentions, document.language)
        id = cluster.id or f"{cluster.type}:{slug(name)}"
        for number in cluster.numbers:
            final[number] = msgspec.structs.replace(
                final[number], entity_id=id, is_ambiguous=number in cluster.ambiguous
            )
        details.append(_detail(document, cluster, id, name, mentions))
    return with_entities(document, tuple(final), merged_details(details))


def with_entities(
    document: EnrichedDocument, mentions: tuple[Mention, ...], details: Sequence[EntityDetail]
) -> EnrichedDocument:
    """Return the document with these entities, and the flat fields made from them."""
    top = max((detail.count for detail in details), default=1)
    firsts: dict[str, int] = {}
    for mention in mentions:
        firsts.setdefault(mention.entity_id, mention.start)
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
        entities=_names(weighed, lambda detail: (detail.name,)),
        entity_forms=_names(weighed, lambda detail: detail.forms),
    )


def merged_details(details: Iterable[EntityDetail]) -> list[EntityDetail]:
    """Return one detail an id: counts added, forms joined, the first one's name kept."""
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
    lists = pack(document.language or "en")
    by_id: dict[str, Cluster] = {}
    for one in pinned:
        cluster = Cluster(one.type, id=one.id, name=one.name, aliases=one.aliases,
                          wikidata_id=one.wikidata_id)  # fmt: skip
        for form in (one.name, *one.aliases):
            key = person_key(form, lists) if one.type == "person" else organisation_key(form)
            cluster.keys.add(key)
        by_id[one.id] = cluster
    clusters = list(by_id.values())
    numbers: dict[str, list[int]] = {"person": [], "organisation": [], "place": []}
    for number, mention in enumerate(mentions):
        if mention.strength == "certain" and mention.entity_id:
            home = by_id.get(mention.entity_id)
            if home is None:
                home = by_id[mention.entity_id] = Cluster(mention.type, id=mention.entity_id)
                clusters.append(home)
            home.numbers.append(number)
        else:
            numbers[mention.type].append(number)
    add_persons(clusters, mentions, numbers["person"], document.text, lists)
    add_organisations(clusters, mentions, numbers["organisation"], document.text)
    add_places(clusters, mentions, numbers["place"])
    return clusters


def _name(cluster: Cluster, mentions: Sequence[Mention], language: str) -> str:
    """Return the form to show: of those with most words the most frequent one."""
    counts = Counter(_form(mentions[number], language) for number in cluster.numbers)
    return max(counts, key=lambda form: (len(form.split()), counts[form], not form.isupper(), form))


def _form(mention: Mention, language: str) -> str:
    text = clean(mention.text)
    if mention.type == "person":
        words = text.split()
        key = person_key(text, pack(language or "en"))
        return (
            " ".join(words[-max(len(key), 1) :])
            if len(key) < len(words)
            and words[-1].rstrip(".").casefold() not in {"jr", "sr", "ii", "iii", "iv"}
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
    surface = [_form(mentions[number], document.language) for number in cluster.numbers]
    forms = tuple(dict.fromkeys((name, *surface, *cluster.aliases)))
    return EntityDetail(
        id=id, name=name, type=cluster.type, count=len(cluster.numbers), forms=forms,
        is_in_title=_is_in_title(document.title, cluster.type, forms),
        wikidata_id=cluster.wikidata_id,
    )  # fmt: skip


def _is_in_title(title: str, type: str, forms: tuple[str, ...]) -> bool:
    """Return whether one of these forms stands in the title as whole words, case aside."""
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
    """Return 0 to 1: half for the count, a quarter each for the title and an early place."""
    count = math.log1p(detail.count) / math.log1p(max(top, 1))
    early = 1 - first / max(length, 1)
    return round(0.5 * count + 0.25 * detail.is_in_title + 0.25 * early, 4)


def _names(details: Sequence[EntityDetail], of: object) -> Names:
    lists: Mapping[str, list[str]] = {"person": [], "organisation": [], "place": []}
    for detail in details:
        for name in of(detail):  # type: ignore[operator]
            if name not in lists[detail.type]:
                lists[detail.type].append(name)
    return Names(**{type: tuple(found) for type, found in lists.items()})
