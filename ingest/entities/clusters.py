"""Groups mentions: those of one person, organisation or place, within one document."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import msgspec
from rapidfuzz.distance import JaroWinkler

from ingest.entities.lexicon import WordLists, clean, organisation_key, person_key
from ingest.entities.organisations import organisation_named
from ingest.model import Mention

#: Given names at least this similar are spellings of the same name.
_SAME_GIVEN_NAME = 0.9
_SMALL = frozenset(
    {"of", "for", "the", "and", "de", "la", "le", "du", "des", "on", "in", "to", "et", "y", "del"}
)

#: Last words that a company's name may leave out: SoftBank Group.
_GROUPS = frozenset({"group", "holding", "holdings"})

Key = tuple[str, ...]


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


def add_persons(
    clusters: list[Cluster], mentions: Sequence[Mention], numbers: Iterable[int], pack: WordLists
) -> None:
    """Join the mentions with these numbers to people, longest names first.

    Different given names are never joined. A single word joins the full name that holds it, or
    nobody: "John" is not the same person in two documents.
    """
    keyed = [(key, n) for n in numbers if (key := person_key(mentions[n].text, pack))]
    full = sorted({key for key, _ in keyed if _is_full(key)}, key=lambda key: (-len(key), key))
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
        if _is_full(key):
            homes[key].numbers.append(number)
    for key, number in keyed:
        if not _is_full(key):
            _add_single(people, key[0], number)


def _is_full(key: Key) -> bool:
    """Return whether this is more than one word, or a whole name in a script without blanks."""
    return len(key) > 1 or (len(key[0]) > 2 and "\u3400" <= key[0][0] <= "\ud7a3")


def _is_same_person(cluster: Cluster, key: Key) -> bool:
    return any(_names_one_person(known, key) for known in cluster.keys if _is_full(known))


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


def _add_single(people: list[Cluster], word: str, number: int) -> None:
    named = (
        _holding(people, word, slice(-1, None))
        or _holding(people, word, slice(0, 1))
        or _holding(people, word, slice(1, -1))
        or [one for one in people if one.id and (word,) in one.keys]
    )
    if not named:
        return
    home = named[0] if len(named) == 1 else _nearest_before(named, number)
    home.keys.add((word,))
    home.numbers.append(number)
    if len(named) > 1:
        home.ambiguous.add(number)


def _holding(people: list[Cluster], word: str, part: slice) -> list[Cluster]:
    """Return the people who have this word in this part of a full name."""
    return [one for one in people if any(word in key[part] for key in one.keys if len(key) > 1)]


def _nearest_before(clusters: list[Cluster], number: int) -> Cluster:
    def distance(cluster: Cluster) -> tuple[int, int]:
        before = [n for n in cluster.numbers if n < number]
        return (0, number - max(before)) if before else (1, min(cluster.numbers, default=0))

    return min(clusters, key=distance)


def add_organisations(
    clusters: list[Cluster],
    mentions: Sequence[Mention],
    numbers: Iterable[int],
    text: str,
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
        known = organisation_named(" ".join(key)) or organisation_named(" ".join(("the", *key)))
        home = _home(homes, key, known.name if known else "", defined, number)
        if home is None:
            home = Cluster("organisation")
            if known:
                home.id, home.name = known.id, known.name
            homes.append(home)
            clusters.append(home)
        home.keys.add(key)
        home.numbers.append(number)
    for home in homes:
        home.numbers.sort()


def _home(
    homes: list[Cluster], key: Key, known: str, defined: dict[Key, Key], number: int
) -> Cluster | None:
    plain = key[:-1] if len(key) > 1 and key[-1] in _GROUPS else key
    same = [
        home
        for home in homes
        if key in home.keys or plain in home.keys or (known and home.name == known)
    ]
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
        if short.field != "text":
            break
        between = text[long.end : short.start]
        if between.strip() in {"(", "(the"} and text[short.end : short.end + 1] == ")":
            found[organisation_key(short.text)] = organisation_key(long.text)
    return found


def add_places(
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
