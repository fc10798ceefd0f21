"""Recognises known people and organisations, also where only a surname stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ingest.entities.gazetteer import country_names, place_hint
from ingest.entities.known import KnownEntity, KnownRow, form_key
from ingest.entities.lexicon import person_names
from ingest.model import Mention
from processors.find_entities.known_forms import CASELESS, NameHit, caseless_names, full_names
from processors.find_entities.known_passage import (
    Passage,
    goes_on,
    has_other_reading,
    is_beside_capital,
    is_no_name,
    mention_of,
    passage_of,
)
from processors.find_entities.known_surnames import lone_surnames
from processors.find_entities.tokens import ORGANISATION, PERSON, Token


def with_known(text: str, language: str, mentions: Sequence[Mention]) -> tuple[Mention, ...]:
    """Return the mentions with those of known entities, in order, none overlapping.

    A full name settles class and id. A surname alone means its most prominent bearer only with a
    sign beside it; without one the mention is ambiguous, and a word that may mean something else is
    no mention at all.
    """
    if language in CASELESS:
        return _caseless(text, language, mentions)
    passage = passage_of(text, language, mentions)
    added = _full(passage)
    added += lone_surnames(passage, added)
    return merged(mentions, added)


def merged(mentions: Iterable[Mention], added: Iterable[Mention]) -> tuple[Mention, ...]:
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


# ── full names ──────────────────────────────────────────────────────────────────────────────


def _full(passage: Passage) -> list[Mention]:
    added = []
    for hit in full_names(passage.text, passage.tokens, passage.pack):
        hit = _without_title(passage, hit)
        one = _chosen(passage, hit)
        if one is None or _is_part_of_more(passage, hit, one):
            continue
        rivals = [row for row in hit.rows if row.known.type == one.type]
        is_ambiguous = one.type == PERSON and len(rivals) > 1 and not _is_ahead(rivals)
        passage.found[one.id] = one
        passage.firsts.setdefault(one.id, hit.first)
        evidence = f"full name: {one.name}" + (f", {one.role}" if one.role else "")
        added.append(
            mention_of(passage, hit.first, hit.last, one, f"known_{one.type}", "strong", evidence,
                     is_ambiguous)
        )  # fmt: skip
    return added


def _without_title(passage: Passage, hit: NameHit) -> NameHit:
    """Cut off what is no part of the name: President Donald Trump, and The at a sentence start."""
    first, pack = hit.first, passage.pack
    while first < hit.last - 1:
        token = passage.tokens[first]
        is_title = token.key in pack.titles and token.key not in pack.royal
        is_title = is_title and token.key not in person_names().given
        if not (is_title or (token.opens and token.key == "the")):
            break
        first += 1
    return hit._replace(first=first)


def _is_ahead(rows: Sequence[KnownRow]) -> bool:
    return rows[0].known.weight >= 2 * rows[1].known.weight


def _chosen(passage: Passage, hit: NameHit) -> KnownEntity | None:
    """Return the entity that a form means here, if it means one."""
    tokens = passage.tokens[hit.first : hit.last]
    if len(tokens) == 1:
        return _meant_by_one_word(passage, hit)
    inside = passage.covered.get(hit.first)
    rows = [row for row in hit.rows if inside is None or row.known.type == inside.type] or [
        *hit.rows
    ]
    one = rows[0].known
    if _is_phrase(passage, tokens):
        return None
    if one.type == PERSON:
        return one if one.prominence > 1 else None
    rivals = [row.known for row in rows if row.known.type == ORGANISATION]
    return _organisation(passage, rivals, tokens, inside is not None and inside.type == one.type)


def _is_phrase(passage: Passage, tokens: list[Token]) -> bool:
    """Return whether these are ordinary words in a place where all words have capitals."""
    if not (tokens[0].is_shouted or tokens[0].opens):
        return False
    return all(token.key in passage.low or token.key in passage.pack.openers for token in tokens)


def _meant_by_one_word(passage: Passage, hit: NameHit) -> KnownEntity | None:
    """Return the organisation that one word means here: the rules said so, or nothing else can."""
    token = passage.tokens[hit.first]
    inside = passage.covered.get(hit.first)
    rows = [row for row in hit.rows if row.known.type == ORGANISATION]
    if not rows:
        return None
    if inside is not None:
        is_same = (inside.start, inside.end) == (token.start, token.end)
        if inside.type != ORGANISATION or not is_same:
            return None
    elif not _is_backed(passage, hit.first, rows[0]):
        return None
    return _organisation(passage, [row.known for row in rows], [token], inside is not None)


#: Words near a name that tell what it is, by the kind of organisation.
_KINDS = {
    "company": frozenset(
        {"shares", "stock", "company", "firm", "ceo", "chief", "carmaker", "airline", "bank", "maker",
         "group", "investors", "aktie", "aktien", "konzern", "unternehmen", "chef", "entreprise",
         "groupe", "empresa", "acciones", "azienda", "societa", "bedrijf", "aandelen"}
    ),
    "media": frozenset(
        {"newspaper", "daily", "weekly", "tabloid", "magazine", "paper", "broadcaster", "told",
         "according", "reported", "reports", "quoted", "interview", "editor", "zeitung", "tageszeitung",
         "zeitschrift", "magazin", "laut", "berichtet", "berichtete", "journal", "quotidien", "diario",
         "periodico", "revista", "giornale", "quotidiano", "krant", "dagblad", "jornal"}
    ),
    "party": frozenset(
        {"party", "mp", "mps", "lawmaker", "lawmakers", "election", "coalition", "leader", "partei",
         "fraktion", "koalition", "abgeordnete", "parti", "partido", "partito", "partij"}
    ),
}  # fmt: skip


def _is_backed(passage: Passage, number: int, row: KnownRow) -> bool:
    """Return whether one word that the rules did not take is this organisation.

    Well-known ones need no other reading; others also a second mention or a word of their kind.
    """
    token = passage.tokens[number]
    if has_other_reading(passage, token) or all(
        form[0] in "~^" for form in row.forms if form_key(form) == token.key
    ):
        return False
    if token.opens and not passage.inner[token.key]:
        return False
    if row.known.prominence > 1:
        return True
    kinds = _KINDS.get(row.known.role, frozenset())
    if any(one.key in kinds for one in passage.tokens[max(0, number - 8) : number + 8]):
        return True
    return passage.inner[token.key] > 1 and passage.language != "de"


#: The weight of the institutions on our own list: their names are no general ones.
_OWN = 40


def _organisation(
    passage: Passage, rivals: list[KnownEntity], tokens: list[Token], is_seen: bool
) -> KnownEntity | None:
    """Return the organisation of this name that the text can mean.

    A name that is made of ordinary words alone (Supreme Court, Labour Party) means the one whose
    country the text names. `is_seen` if the rules found an organisation here.
    """
    key = " ".join(token.key for token in tokens)
    if not is_seen and (place_hint(key, passage.language).kind or key in country_names("demonyms")):
        return None
    pack = passage.pack
    ordinary = (pack.organisation_heads, pack.organisation_alone, pack.common, pack.pair_words)
    is_general = all(
        token.key in passage.low or any(token.key in words for words in ordinary)
        for token in tokens
    )
    if not is_general or rivals[0].weight >= _OWN:
        return rivals[0]
    named = [one for one in rivals if one.country in passage.countries]
    return named[0] if named else None


#: Rules that took a longer name apart from what its parts mean: Trump Tower, Ford Foundation.
_LONGER = frozenset({"organisation_head", "place_head", "club_head", "known_organisation"})


def _is_part_of_more(passage: Passage, hit: NameHit, one: KnownEntity) -> bool:
    """Return whether the form is a part of the name of something else: Angela Merkel Foundation."""
    tokens = passage.tokens
    start, end = tokens[hit.first].start, tokens[hit.last - 1].end
    for mention in (passage.covered.get(hit.first), passage.covered.get(hit.last - 1)):
        if mention is None or mention.type == one.type == PERSON:
            continue
        is_longer = mention.end - mention.start > end - start
        if is_longer and (mention.rule in _LONGER or one.type == ORGANISATION):
            return True
    if one.type == ORGANISATION:
        return hit.first not in passage.covered and is_beside_capital(passage, hit.first, hit.last)
    before = tokens[hit.first - 1] if hit.first and tokens[hit.first].is_joined else None
    if before is not None and before.is_capital and not before.is_possessive:
        is_given = before.key in person_names().given or len(before.text) < 3
        is_place = bool(
            place_hint(before.key, passage.language).kind
        )  # Senator of Alabama Bob Riley
        if is_given and not is_place and not is_no_name(passage, before):
            return True
    return goes_on(passage, hit.last)


# ── scripts without capitals ────────────────────────────────────────────────────────────────


#: Where a script has no capitals, a surname alone counts only for people of this weight.
_LEADER = 50


def _caseless(text: str, language: str, mentions: Sequence[Mention]) -> tuple[Mention, ...]:
    hits = list(caseless_names(text, language))
    full = {hit.known.id for hit in hits if hit.is_full}
    counts = Counter(hit.known.id for hit in hits)
    added = []
    for start, end, one, is_full in hits:
        if not is_full and one.id not in full and one.weight < _LEADER:
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
    return merged(mentions, added)
