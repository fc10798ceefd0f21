"""Joins the mentions of a document to the people, organisations and places that they mean."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec
from rapidfuzz.distance import JaroWinkler

from ingest.entities.lexicon import (
    WordLists,
    aliases,
    clean,
    organisation_key,
    person_key,
    slug,
    word_lists,
)
from ingest.model import EnrichedDocument, EntityDetail, Mention, Names

#: Given names at least this similar are spellings of the same name.
_SAME_GIVEN_NAME = 0.9
_SMALL = frozenset(
    {"of", "for", "the", "and", "de", "la", "le", "du", "des", "on", "in", "to", "et", "y", "del"}
)


Key = tuple[str, ...]


class Pinned(msgspec.Struct, frozen=True, kw_only=True):
    """An entity on a watch-list: its id counts, whatever the text says."""

    id: str
    type: str
    name: str
    aliases: tuple[str, ...] = ()
    wikidata_id: str = ""


class Cluster(msgspec.Struct):
    """The mentions of one entity, by number.

    `id` and `name` are empty unless they come from a list; `ambiguous` are the numbers of mentions
    that could also mean another entity.
    """

    type: str
    keys: set[Key] = msgspec.field(default_factory=set)
    numbers: list[int] = msgspec.field(default_factory=list)
    ambiguous: set[int] = msgspec.field(default_factory=set)
    id: str = ""
    name: str = ""
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
    _add_persons(clusters, mentions, numbers["person"], document.text, lists)
    _add_organisations(clusters, mentions, numbers["organisation"], document.text)
    _add_places(clusters, mentions, numbers["place"])
    return clusters


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


def _add_persons(
    clusters: list[Cluster], mentions: Sequence[Mention], numbers: Iterable[int],
    text: str, pack: WordLists,
) -> None:  # fmt: skip
    """Join the mentions with these numbers to people, longest names first.

    Different given names are never joined.
    """
    keyed = [(person_key(mentions[n].text, pack), n) for n in numbers]
    full = sorted({key for key, _ in keyed if len(key) > 1}, key=lambda key: (-len(key), key))
    people = [cluster for cluster in clusters if cluster.type == "person"]
    homes: dict[Key, Cluster] = {}
    first_seen = dict(reversed(keyed))
    for key in sorted(full, key=lambda key: (-len(key), first_seen[key])):
        home = next((one for one in people if _is_same_person(one, key)), None)
        if home is None:
            home = Cluster("person")
            people.append(home)
            clusters.append(home)
        home.keys.add(key)
        homes[key] = home
    for key, number in keyed:
        if len(key) > 1:
            homes[key].numbers.append(number)
    for key, number in keyed:
        if len(key) == 1:
            _add_single(clusters, people, key, number, mentions, text, pack)


def _is_same_person(cluster: Cluster, key: Key) -> bool:
    return any(_names_one_person(known, key) for known in cluster.keys if len(known) > 1)


def _names_one_person(longer: Key, shorter: Key) -> bool:
    if longer == shorter or longer[-len(shorter) :] == shorter:
        return True
    if longer[-1] != shorter[-1]:
        # A second surname may follow in Spanish: the longer name begins with the shorter one.
        return len(longer) == len(shorter) + 1 > 2 and longer[: len(shorter)] == shorter
    one, two = longer[0], shorter[0]
    if one == two:
        middles = (longer[1:-1], shorter[1:-1])
        if all(middles) and middles[0] != middles[1]:
            return any(
                a[0] == b[0] and min(len(a), len(b)) == 1 for a, b in zip(*middles, strict=False)
            )
        return True
    if min(len(one), len(two)) <= 2 and one[0] == two[0] and (len(one) == 1 or len(two) == 1):
        return True
    return min(len(one), len(two)) > 3 and JaroWinkler.similarity(one, two) > _SAME_GIVEN_NAME


def _add_single(
    clusters: list[Cluster], people: list[Cluster], key: Key, number: int,
    mentions: Sequence[Mention], text: str, pack: WordLists,
) -> None:  # fmt: skip
    word = key[0]
    named = [c for c in people if any(word == known[-1] for known in c.keys if len(known) > 1)]
    if not named and _is_followed_by_speech(text, mentions[number].end, pack):
        named = [c for c in people if any(word == known[0] for known in c.keys if len(known) > 1)]
    if not named:
        named = [c for c in people if key in c.keys]
    if not named:
        named = [Cluster("person")]
        people += named
        clusters += named
    home = named[0] if len(named) == 1 else _nearest_before(named, number)
    home.keys.add(key)
    home.numbers.append(number)
    if len(named) > 1:
        home.ambiguous.add(number)


def _nearest_before(clusters: list[Cluster], number: int) -> Cluster:
    def distance(cluster: Cluster) -> tuple[int, int]:
        before = [n for n in cluster.numbers if n < number]
        return (0, number - max(before)) if before else (1, min(cluster.numbers, default=0))

    return min(clusters, key=distance)


def _is_followed_by_speech(text: str, end: int, pack: WordLists) -> bool:
    following = text[end : end + 24].split()
    return (
        bool(following)
        and text[end : end + 1] == " "
        and (following[0].strip(".,:;\"”'").casefold() in pack.speech)
    )


def _add_organisations(
    clusters: list[Cluster], mentions: Sequence[Mention], numbers: Iterable[int], text: str
) -> None:
    """Join the mentions with these numbers to organisations.

    A prefix joins its longer form, an acronym the name with those initials; "Full Name (ABC)"
    is the most reliable cue.
    """
    numbers = list(numbers)
    keyed = {n: organisation_key(mentions[n].text) for n in numbers}
    defined = _definitions(mentions, numbers, text)
    homes = [cluster for cluster in clusters if cluster.type == "organisation"]
    for number in sorted(numbers, key=lambda n: (-len(keyed[n]), n)):
        key = keyed[number]
        known = aliases().get(" ".join(key)) or aliases().get(" ".join(("the", *key)))
        home = _home(homes, key, known[0] if known else "", defined, number)
        if home is None:
            home = Cluster("organisation")
            if known:
                home.id, home.name = f"organisation:{slug(known[0])}", known[0]
                home.aliases = known[1]
            homes.append(home)
            clusters.append(home)
        home.keys.add(key)
        home.numbers.append(number)
    for home in homes:
        home.numbers.sort()


def _home(
    homes: list[Cluster], key: Key, known: str, defined: dict[Key, Key], number: int
) -> Cluster | None:
    same = [home for home in homes if key in home.keys or (known and home.name == known)]
    if same:
        return same[0]
    if key in defined:
        same = [home for home in homes if defined[key] in home.keys]
        if same:
            return same[0]
    if known:
        return None
    if len(key) == 1 and 2 <= len(key[0]) <= 6:
        short = [
            h for h in homes if any(_initials(long) == key[0] for long in h.keys if len(long) > 1)
        ]
        if short:
            return short[0]
    longer = [h for h in homes if any(_opens(long, key) for long in h.keys)]
    if not longer:
        return None
    return longer[0] if len(longer) == 1 else _nearest_before(longer, number)


def _opens(longer: Key, key: Key) -> bool:
    if len(longer) <= len(key) or longer[: len(key)] != key:
        return False
    return longer[len(key)] not in {"of", "for", "and"} or len(key) > 1


def _initials(key: Key) -> str:
    return "".join(word[0] for word in key if word not in _SMALL)


def _definitions(mentions: Sequence[Mention], numbers: list[int], text: str) -> dict[Key, Key]:
    """Return short → long form where the text says "Full Name (ABC)"."""
    found: dict[Key, Key] = {}
    for one, two in itertools.pairwise(numbers):
        long, short = mentions[one], mentions[two]
        between = text[long.end : short.start]
        if between.strip() in {"(", "(the"} and text[short.end : short.end + 1] == ")":
            found[organisation_key(short.text)] = organisation_key(long.text)
    return found


def _add_places(
    clusters: list[Cluster], mentions: Sequence[Mention], numbers: Iterable[int]
) -> None:
    """Join the mentions of places by their folded names; resolve_places refines this."""
    homes = {key: c for c in clusters if c.type == "place" for key in c.keys}
    for number in numbers:
        words = organisation_key(clean(mentions[number].text))
        home = homes.get(words)
        if home is None:
            home = Cluster("place")
            homes[words] = home
            clusters.append(home)
        home.keys.add(words)
        home.numbers.append(number)
