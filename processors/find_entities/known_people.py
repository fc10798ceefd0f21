"""Recognises known people and organisations, also where only a surname stands."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from ingest.entities.gazetteer import country_keys, country_names, place_hint
from ingest.entities.known import Known, Row, form_key, lead
from ingest.entities.lexicon import WordLists, person_names, word_lists
from ingest.model import Mention
from processors.find_entities.known_forms import (
    CASELESS,
    NameHit,
    bases,
    bearers_of,
    caseless_names,
    full_names,
)
from processors.find_entities.tokens import ORGANISATION, PERSON, Token, tokens_of

#: Signs count this many tokens before and after a surname: its sentence and the next, mostly.
_NEAR = 25
#: Two such surnames share neighbouring sentences when they are at most this many tokens apart.
_TOGETHER = 40
#: Roles that stand near the surname of a head of state, beside the titles of the language.
_ROLES = frozenset(
    {"administration", "government", "presidency", "cabinet", "regime", "campaign", "regierung",
     "kabinett", "gouvernement", "gobierno", "governo", "kreml", "kremlin", "tweet", "tweeted"}
)  # fmt: skip
#: What only people do, beside the verbs of saying.
_DEEDS = frozenset({"met", "spoke", "flew", "signed", "visited", "travelled", "traveled", "who",
                    "himself", "herself", "apologised", "apologized"})  # fmt: skip


class Page(msgspec.Struct):
    """What all decisions about one text need.

    `covered` maps a token to the mention that it is in; `found` are the known entities named in
    full, by id, `firsts` the tokens at which they are first.
    """

    text: str
    tokens: list[Token]
    pack: WordLists
    language: str
    low: set[str]
    covered: dict[int, Mention]
    countries: set[str]
    found: dict[str, Known] = {}
    firsts: dict[str, int] = {}


def with_known(text: str, language: str, mentions: Sequence[Mention]) -> tuple[Mention, ...]:
    """Return the mentions with those of known entities, in order, none overlapping.

    A full name settles class and id. A surname alone means its most prominent bearer only with a
    sign beside it; without one the mention is ambiguous, and a word that may mean something else is
    no mention at all.
    """
    if language in CASELESS:
        return _caseless(text, language, mentions)
    tokens = tokens_of(text, language)
    pack = word_lists(language)
    low = {token.key for token in tokens if token.is_word and not token.is_capital}
    page = Page(text, tokens, pack, language, low, _covered(tokens, mentions),
                _countries(tokens, language))  # fmt: skip
    added = _full(page)
    added += _surnames(page, added)
    return _merged(mentions, added)


def _countries(tokens: list[Token], language: str) -> set[str]:
    """Return the codes of the countries that a text names, or whose people it names."""
    names, nations = country_keys(language), country_names("demonyms")
    keys = {token.key for token in tokens if token.is_capital}
    pairs = {f"{one.key} {two.key}" for one, two in itertools.pairwise(tokens) if two.is_capital}
    return {table[key] for key in keys | pairs for table in (names, nations) if key in table}


def _covered(tokens: list[Token], mentions: Sequence[Mention]) -> dict[int, Mention]:
    covered: dict[int, Mention] = {}
    number = 0
    for mention in mentions:
        while number < len(tokens) and tokens[number].start < mention.start:
            number += 1
        while number < len(tokens) and tokens[number].start < mention.end:
            covered[number] = mention
            number += 1
    return covered


def _merged(mentions: Iterable[Mention], added: Iterable[Mention]) -> tuple[Mention, ...]:
    """Return all mentions in order; added ones replace those that they overlap."""
    result = sorted(added, key=lambda one: one.start)
    starts = [(one.start, one.end) for one in result]
    place = 0
    kept = []
    for mention in mentions:
        while place < len(starts) and starts[place][1] <= mention.start:
            place += 1
        if place == len(starts) or starts[place][0] >= mention.end:
            kept.append(mention)
    return tuple(sorted([*kept, *result], key=lambda one: one.start))


def _mention(
    page: Page, first: int, last: int, one: Known, rule: str, strength: str, evidence: str,
    is_ambiguous: bool = False,
) -> Mention:  # fmt: skip
    start, end = page.tokens[first].start, page.tokens[last - 1].end
    return Mention(
        type=one.type, start=start, end=end, text=page.text[start:end], rule=rule,
        strength=strength, entity_id=one.id, evidence=evidence, is_ambiguous=is_ambiguous,
    )  # fmt: skip


# ── full names ──────────────────────────────────────────────────────────────────────────────


def _full(page: Page) -> list[Mention]:
    added = []
    for hit in full_names(page.text, page.tokens, page.pack):
        hit = _without_title(page, hit)
        one = _chosen(page, hit)
        if one is None or _is_part_of_more(page, hit, one):
            continue
        rivals = [row for row in hit.rows if row.known.type == one.type]
        is_ambiguous = one.type == PERSON and len(rivals) > 1 and not _is_ahead(rivals)
        page.found[one.id] = one
        page.firsts.setdefault(one.id, hit.first)
        evidence = f"full name: {one.name}" + (f", {one.role}" if one.role else "")
        added.append(
            _mention(page, hit.first, hit.last, one, f"known_{one.type}", "strong", evidence,
                     is_ambiguous)
        )  # fmt: skip
    return added


def _without_title(page: Page, hit: NameHit) -> NameHit:
    """Cut off what is no part of the name: President Donald Trump, and The at a sentence start."""
    first, pack = hit.first, page.pack
    while first < hit.last - 1:
        token = page.tokens[first]
        is_title = token.key in pack.titles and token.key not in pack.royal
        if not (is_title or (token.opens and token.key == "the")):
            break
        first += 1
    return hit._replace(first=first)


def _is_ahead(rows: Sequence[Row]) -> bool:
    return rows[0].known.weight >= 2 * rows[1].known.weight


def _chosen(page: Page, hit: NameHit) -> Known | None:
    """Return the entity that a form means here, if it means one."""
    tokens = page.tokens[hit.first : hit.last]
    if len(tokens) == 1:
        return _meant_by_one_word(page, hit)
    inside = page.covered.get(hit.first)
    rows = [row for row in hit.rows if inside is None or row.known.type == inside.type] or [
        *hit.rows
    ]
    one = rows[0].known
    if _is_phrase(page, tokens):
        return None
    if one.type == PERSON:
        return one if one.prominence > 1 else None
    rivals = [row.known for row in rows if row.known.type == ORGANISATION]
    return _organisation(page, rivals, tokens, inside is not None and inside.type == one.type)


def _is_phrase(page: Page, tokens: list[Token]) -> bool:
    """Return whether these are ordinary words in a place where all words have capitals."""
    if not (tokens[0].is_shouted or tokens[0].opens):
        return False
    return all(token.key in page.low or token.key in page.pack.openers for token in tokens)


def _meant_by_one_word(page: Page, hit: NameHit) -> Known | None:
    """Return the organisation that one word means here: the rules said so, or nothing else can."""
    token = page.tokens[hit.first]
    inside = page.covered.get(hit.first)
    rows = [row for row in hit.rows if row.known.type == ORGANISATION]
    if not rows:
        return None
    if inside is not None:
        is_same = (inside.start, inside.end) == (token.start, token.end)
        if inside.type != ORGANISATION or not is_same:
            return None
    elif (
        token.is_shouted
        or token.opens
        or _has_other_reading(page, token)
        or rows[0].known.prominence < 3
        or all(form[0] in "~^" for form in rows[0].forms if form_key(form) == token.key)
    ):
        return None
    return _organisation(page, [row.known for row in rows], [token], inside is not None)


def _organisation(
    page: Page, rivals: list[Known], tokens: list[Token], is_seen: bool
) -> Known | None:
    """Return the organisation of this name that the text can mean.

    A name that several have, or that is made of ordinary words alone (Supreme Court, Labour Party),
    means the one whose country the text names. `is_seen` if the rules found an organisation here.
    """
    key = " ".join(token.key for token in tokens)
    if not is_seen and (place_hint(key, page.language).kind or key in country_names("demonyms")):
        return None
    ordinary = page.pack.organisation_heads | page.pack.organisation_alone | page.pack.common
    ordinary |= page.pack.pair_words | page.low
    is_general = all(token.key in ordinary for token in tokens)
    if not is_general and (len(rivals) == 1 or rivals[0].prominence > rivals[1].prominence):
        return rivals[0]
    named = [one for one in rivals if one.country in page.countries]
    return named[0] if named else None


def _has_other_reading(page: Page, token: Token) -> bool:
    """Return whether a word is also a place, an ordinary word or a given name."""
    key, pack = token.key, page.pack
    if key in page.low or key in pack.not_names or key in person_names().given:
        return True
    if key in pack.common or key in country_names("demonyms") or _is_calendar(pack, key):
        return True
    return bool(place_hint(key, page.language).kind)


def _is_calendar(pack: WordLists, key: str) -> bool:
    return key in pack.openers or key in pack.weekdays or key in pack.months


def _is_beside_capital(page: Page, first: int, last: int) -> bool:
    """Return whether a capital word beside it may belong to the same name."""
    tokens = page.tokens
    if first and tokens[first].is_joined and not tokens[first].is_shouted:
        before = tokens[first - 1]
        if before.is_capital and not before.is_possessive and not _is_no_name(page, before):
            return True
    return _goes_on(page, last)


def _goes_on(page: Page, last: int) -> bool:
    """Return whether the next word may belong to the same name."""
    tokens = page.tokens
    if last >= len(tokens) or not tokens[last].is_joined or tokens[last - 1].is_possessive:
        return False
    after = tokens[last]
    if after.is_shouted:
        return _is_last_word(page, after)
    if not after.is_capital or _is_calendar(page.pack, after.key) or after.key in page.pack.titles:
        return False
    inside = page.covered.get(last)
    return not (inside and inside.start == after.start and inside.rule == "known_organisation")


def _is_last_word(page: Page, token: Token) -> bool:
    """Return whether a word ends names: where all words have capitals, this alone says so."""
    pack, key = page.pack, token.key
    return (
        key in pack.organisation_heads or key in pack.place_heads or key in pack.other_heads
        or key in person_names().surnames
    )  # fmt: skip


def _is_no_name(page: Page, token: Token) -> bool:
    pack, key = page.pack, token.key
    return (
        key in pack.openers or key in pack.titles or key in pack.title_modifiers
        or key in pack.sentence_words or key in country_names("demonyms")
        or (token.opens and key in page.low) or token.text.lower() in pack.titles
    )  # fmt: skip


#: Rules that took a longer name apart from what its parts mean: Trump Tower, Ford Foundation.
_LONGER = frozenset({"organisation_head", "place_head", "club_head", "known_organisation"})


def _is_part_of_more(page: Page, hit: NameHit, one: Known) -> bool:
    """Return whether the form is a part of the name of something else: Angela Merkel Foundation."""
    tokens = page.tokens
    start, end = tokens[hit.first].start, tokens[hit.last - 1].end
    for mention in (page.covered.get(hit.first), page.covered.get(hit.last - 1)):
        if mention is None or mention.type == one.type == PERSON:
            continue
        is_longer = mention.end - mention.start > end - start
        if is_longer and (mention.rule in _LONGER or one.type == ORGANISATION):
            return True
    if one.type == ORGANISATION:
        return hit.first not in page.covered and _is_beside_capital(page, hit.first, hit.last)
    before = tokens[hit.first - 1] if hit.first and tokens[hit.first].is_joined else None
    if before is not None and before.is_capital and not before.is_possessive:
        is_given = before.key in person_names().given or len(before.text) < 3
        if is_given and not _is_no_name(page, before):
            return True
    return _goes_on(page, hit.last)


# ── surnames ────────────────────────────────────────────────────────────────────────────────


class Lone(msgspec.Struct):
    """A surname that stands alone, at these tokens (first, last), and whom it may mean.

    `needed` is how many different signs, a title among them, it takes to be believed; 0 where it
    can mean nobody else.
    """

    known: Known
    places: list[tuple[int, int]]
    needed: int
    signs: list[str]


def _surnames(page: Page, added: list[Mention]) -> list[Mention]:
    """Return the mentions of known people by their surname alone."""
    taken = _covered(page.tokens, sorted(added, key=lambda one: one.start))
    strangers = _strangers(page, added)
    here = _surnames_here(page)
    alone: dict[str, Lone] = {}
    result = []
    for number, token in enumerate(page.tokens):
        if not token.is_capital or number in taken or _cannot_be_surname(page, token):
            continue
        for base in bases(token, page.language):
            bearers = bearers_of(base)
            if bearers and base not in strangers:
                break
        else:
            continue
        first = _with_particles(page, number, base)
        if not _stands_alone(page, first, number + 1):
            continue
        named = here.get(base, [])
        if named and _is_lead_meant(page, base, named, number):
            named = []
        if len(named) == 1:
            if _is_clearly_other(page, number):
                continue
            one = named[0]
            evidence = f"surname of {one.name}, named in full"
            result.append(
                _mention(page, first, number + 1, one, "known_surname", "medium", evidence)
            )
        elif not named:
            _note(page, alone, base, first, number + 1)
    return result + _judged(page, alone)


def _cannot_be_surname(page: Page, token: Token) -> bool:
    if token.is_shouted or len(token.text) < 2 or _is_calendar(page.pack, token.key):
        return True
    if token.opens and (token.key in page.low or token.key in page.pack.sentence_words):
        return True
    return len(token.text) < 5 and token.text.isupper()


def _is_lead_meant(page: Page, base: str, named: list[Known], number: int) -> bool:
    """Return whether a relative is named in full, but later: "Trump … his son Eric Trump"."""
    one = lead(base)
    if one is None or one.id in {other.id for other in named}:
        return False
    return all(page.firsts[other.id] > number for other in named)


def _surnames_here(page: Page) -> dict[str, list[Known]]:
    """Return the known people named in full in this text, by each of their surnames."""
    found: dict[str, list[Known]] = defaultdict(list)
    for one in page.found.values():
        if one.type != PERSON:
            continue
        words = form_key(one.name).split(" ")
        for key in {words[-1], words[0], " ".join(words[1:])}:
            if any(row.known.id == one.id for row in bearers_of(key)):
                found[key].append(one)
    return found


def _strangers(page: Page, added: Sequence[Mention]) -> set[str]:
    """Return the last words of full names in this text that are not known."""
    spans = [(one.start, one.end) for one in added]
    found = set()
    for mention in {id(one): one for one in page.covered.values()}.values():
        if mention.type != PERSON or " " not in mention.text:
            continue
        if any(mention.start < end and start < mention.end for start, end in spans):
            continue
        found.add(form_key(mention.text).rpartition(" ")[2])
    return found


def _with_particles(page: Page, number: int, base: str) -> int:
    """Return where the surname begins: at "von" of "von der Leyen"."""
    first = number
    while first and page.tokens[first].is_joined and page.tokens[first - 1].is_word:
        key = page.tokens[first - 1].key
        if key not in page.pack.particles or (not bearers_of(f"{key} {base}") and (
            first < 2 or not bearers_of(f"{page.tokens[first - 2].key} {key} {base}")
        )):  # fmt: skip
            break
        base = f"{key} {base}"
        first -= 1
    return first


def _stands_alone(page: Page, first: int, last: int) -> bool:
    """Return whether no longer name goes on here; the rules may have taken just this word."""
    inside = page.covered.get(last - 1)
    if inside is not None and (
        inside.start < page.tokens[first].start or inside.end > page.tokens[last - 1].end
    ):
        return False
    return not _is_beside_capital(page, first, last)


def _is_clearly_other(page: Page, number: int) -> bool:
    inside = page.covered.get(number)
    return inside is not None and inside.type != PERSON and inside.strength == "strong"


def _note(page: Page, alone: dict[str, Lone], base: str, first: int, last: int) -> None:
    """Remember a surname that stands alone, with the signs beside it."""
    one = lead(base)
    inside = page.covered.get(last - 1)
    if one is None or (inside is not None and inside.type != PERSON):
        return
    token = page.tokens[last - 1]
    found = alone.get(base)
    if found is None:
        found = alone[base] = Lone(one, [], 0, [])
    found.places.append((first, last))
    found.needed = max(found.needed, _signs_needed(page, one, token))
    found.signs += _signs(page, one, first, last)


#: Whom a newspaper calls by the surname: heads of state, and those most read about.
_FAMOUS, _RULER = 24, 40


def _signs_needed(page: Page, one: Known, token: Token) -> int:
    """Return how many signs it takes to believe that a surname means this person.

    The lists of given names hold many surnames, so such a reading counts little; less known people
    share theirs with private ones.
    """
    key = token.key
    if key in page.low or key in page.pack.not_names or (
        key in page.pack.common and (token.opens or one.weight < _RULER)
    ):  # fmt: skip
        return 2
    if one.weight >= _RULER:
        return 0
    is_given = key in person_names().given
    return 2 if one.weight < _FAMOUS or is_given or place_hint(key, page.language).kind else 0


def _signs(page: Page, one: Known, first: int, last: int) -> list[str]:
    """Return the signs beside a surname that a person is meant, and this one."""
    tokens, pack = page.tokens, page.pack
    signs = []
    before = tokens[first - 1] if first else None
    if before is not None and (before.key in pack.titles or before.text.lower() in pack.titles):
        signs.append(f"title: {before.text}")
    after = tokens[last].key if last < len(tokens) else ""
    if not tokens[last - 1].is_possessive and (after in pack.speech or after in _DEEDS):
        signs.append(f"verb: {after}")
    countries = country_keys(page.language)
    nations = country_names("demonyms")
    for token in tokens[max(0, first - _NEAR) : last + _NEAR]:
        key = token.key
        if one.country and (countries.get(key) == one.country or nations.get(key) == one.country):
            signs.append(f"country: {token.text}")
        elif key in _ROLES or (key in pack.after_person and key in one.role):
            signs.append(f"role: {token.text}")
    return signs


def _judged(page: Page, alone: dict[str, Lone]) -> list[Mention]:
    """Return the mentions of those who are meant, and of those who may be."""
    result = []
    for base, one in alone.items():
        signs = list(one.signs)
        if len(one.places) > 1:
            signs.append("said twice")
        if one.needed == 0:
            signs += [f"beside {other.known.name}" for other in _beside(alone, base)]
        kinds = {sign.partition(":")[0] for sign in signs}
        if one.needed and not ("title" in kinds and len(kinds) >= one.needed):
            continue
        evidence = f"surname of {one.known.name}; " + ("; ".join(dict.fromkeys(signs)) or "no sign")
        strength = "medium" if signs else "weak"
        result += [
            _mention(page, first, last, one.known, "known_surname", strength, evidence, not signs)
            for first, last in one.places
        ]
    return result


def _beside(alone: dict[str, Lone], base: str) -> list[Lone]:
    """Return the others of whom one stands near."""
    return [
        other
        for key, other in alone.items()
        if key != base
        and other.needed == 0
        and any(
            abs(one[0] - two[0]) <= _TOGETHER for one in alone[base].places for two in other.places
        )
    ]


# ── scripts without capitals ────────────────────────────────────────────────────────────────


def _caseless(text: str, language: str, mentions: Sequence[Mention]) -> tuple[Mention, ...]:
    hits = list(caseless_names(text, language))
    full = {hit.known.id for hit in hits if hit.is_full}
    counts: dict[str, int] = defaultdict(int)
    for hit in hits:
        counts[hit.known.id] += 1
    added = []
    for start, end, one, is_full in hits:
        if not is_full and one.id not in full and one.prominence < 3:
            continue
        signs = "full name" if is_full else "named in full" if one.id in full else ""
        signs = signs or ("said twice" if counts[one.id] > 1 else "")
        added.append(
            Mention(
                type=one.type, start=start, end=end, text=text[start:end],
                rule=f"known_{one.type}" if is_full else "known_surname",
                strength="strong" if is_full else "medium" if signs else "weak",
                entity_id=one.id, is_ambiguous=not signs,
                evidence=f"{signs or 'surname, no sign'}: {one.name}",
            )
        )  # fmt: skip
    return _merged(mentions, added)
