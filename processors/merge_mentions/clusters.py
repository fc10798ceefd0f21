"""Joins the mentions of a document that mean the same person or organisation."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import msgspec
from rapidfuzz.distance import JaroWinkler

from ingest.model import Mention
from processors.find_entities.known import aliases
from processors.find_entities.lexicon import WordLists
from processors.merge_mentions.normal import clean, organisation_key, person_key, slug

#: Given names this much alike are two spellings of one.
_SAME_GIVEN_NAME = 0.9

Key = tuple[str, ...]


class Cluster(msgspec.Struct):
    """The mentions, by their numbers, that mean one entity.

    `id` and `name` are empty unless a list gave them; `ambiguous` are numbers of mentions that
    could as well belong to another.
    """

    type: str
    keys: set[Key] = msgspec.field(default_factory=set)
    numbers: list[int] = msgspec.field(default_factory=list)
    ambiguous: set[int] = msgspec.field(default_factory=set)
    id: str = ""
    name: str = ""
    aliases: tuple[str, ...] = ()
    wikidata_id: str = ""


def add_persons(
    clusters: list[Cluster], mentions: Sequence[Mention], numbers: Iterable[int],
    text: str, pack: WordLists,
) -> None:  # fmt: skip
    """Join the mentions with these numbers to people: longest names first.

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
        # A second surname may follow in Spanish: the shorter name opens the longer one.
        return (
            len(longer) > len(shorter) >= 2
            and longer[: len(shorter)] == shorter
            and (len(longer) - len(shorter) == 1)
        )
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


def add_organisations(
    clusters: list[Cluster], mentions: Sequence[Mention], numbers: Iterable[int], text: str
) -> None:
    """Join the mentions with these numbers to organisations.

    A prefix joins its longer form, an acronym the name with those capitals; "Full Name (ABC)"
    is the safest cue.
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


_SMALL = frozenset(
    {"of", "for", "the", "and", "de", "la", "le", "du", "des", "on", "in", "to", "et", "y", "del"}
)


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


def add_places(
    clusters: list[Cluster], mentions: Sequence[Mention], numbers: Iterable[int]
) -> None:
    """Join the mentions of places by their folded names; resolve_places knows more."""
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
