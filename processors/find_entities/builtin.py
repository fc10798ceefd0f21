"""Finds people, organisations and places by rules and lists of names."""

from __future__ import annotations

from collections.abc import Callable

from ingest.entities.gazetteer import is_demonym, place_hint
from ingest.entities.lexicon import person_names, word_lists
from ingest.entities.organisations import KnownOrganisation
from ingest.model import Mention
from processors.find_entities import organisation_cues, person_cues, place_cues
from processors.find_entities.document_pass import decide_all
from processors.find_entities.pieces import Piece, pieces, runs
from processors.find_entities.tokens import (
    ORGANISATION,
    PLACE,
    Decision,
    Token,
    View,
    find_known,
    is_person_like,
    key_of,
    tokens_of,
)

#: A text with at least this many different sports words is about sport.
_SPORT_WORDS = 3


def find_mentions(text: str, language: str) -> tuple[Mention, ...]:
    """Return the mentions of a text in order, none overlapping.

    For languages that capitalise like English. Errors: none.
    """
    lists = word_lists(language)
    tokens = tokens_of(text, language)
    if not tokens:
        return ()
    low = {token.key for token in tokens if token.is_word and not token.is_capital}
    sport = sum(1 for word in lists.sport if word in low)
    view = View(tokens, lists, person_names(), low, sport >= _SPORT_WORDS, {})
    taken = bytearray(len(tokens))
    decided = _dateline(view, taken)
    decided += _known(view, taken)
    candidates: list[tuple[Piece, Decision | None]] = [
        (Piece(one.first, one.last), one) for one in decided
    ]
    for run in runs(tokens, lists, taken):
        if tokens[run.first].is_shouted:
            candidates.append((Piece(*run), None))
            continue
        for piece in pieces(view, run):
            candidates += _parted(view, _with_low_words(view, piece))
    candidates.sort(key=lambda pair: pair[0].first)
    candidates = [pair for pair in candidates if not _is_in_quotes(view, pair[0], pair[1])]
    return tuple(_mention(view, text, one) for one in decide_all(view, candidates))


def _with_low_words(view: View, piece: Piece) -> Piece:
    """Include the lower-case parts of names in Romance languages.

    Before: ministère de la Justice. After: Cour des comptes, Agence régionale de santé.
    """
    if not view.pack.heads_come_first or piece.title or view.known.get(piece.first):
        return piece
    if view.tokens[piece.first].key in view.pack.organisation_heads_first:
        return Piece(piece.first, _end_of_low_tail(view, piece))
    number = piece.first - 1
    while number >= 0 and number > piece.first - 4 and _is_of(view.tokens[number]):
        number -= 1
    if number < 0 or number == piece.first - 1:
        return piece
    head = view.tokens[number]
    if head.is_capital or head.key not in view.pack.low_heads:
        return piece
    return Piece(number, piece.last)


def _end_of_low_tail(view: View, piece: Piece) -> int:
    """Return the end of the tail: an adjective, then "de" and one word; both are optional."""
    tokens, last = view.tokens, piece.last
    if tokens[last - 1].key not in view.pack.organisation_heads_first:
        return piece.last
    if last < len(tokens) and _is_adjective(tokens[last]):
        last += 1
    number = last
    while number < min(len(tokens), last + 2) and _is_of(tokens[number]):
        number += 1
    if number > last and number < len(tokens) and tokens[number].text.islower():
        return number + 1
    return last


def _is_adjective(token: Token) -> bool:
    return token.text.islower() and token.key.endswith(
        ("ale", "al", "ales", "aux", "aire", "ique", "iques", "ive", "if", "elle", "el", "enne",
         "ienne", "ica", "ico", "ivo", "iva", "aria", "ario", "eral", "ica")
    )  # fmt: skip


def _is_of(token: Token) -> bool:
    return token.key.replace("’", "'") in {
        "de", "la", "l'", "du", "des", "del", "di", "della", "dell'", "dei", "do", "da", "dos",
        "das", "d'", "los", "las", "delle", "degli",
    }  # fmt: skip


def _parted(view: View, piece: Piece) -> list[tuple[Piece, Decision | None]]:
    """Classify a piece; an unknown one may end in a person's full name: Acme Sports Jane Roe."""
    decision = decide(view, piece.first, piece.last, piece.title)
    if decision is not None or piece.title or not 2 <= piece.last - piece.first <= 7:
        return [(piece, decision)]
    for cut in range(piece.first + 1, piece.last - 1):
        person = decide(view, cut, piece.last)
        if person is None or person.rule not in ("given_name", "middle_initial"):
            continue
        if person.strength == "weak" and view.tokens[piece.last - 1].key not in view.names.surnames:
            continue
        left = Piece(piece.first, cut)
        return [*_parted(view, left), (Piece(cut, piece.last), person)]
    hit = view.known.get(piece.first)
    if hit is not None and not hit[1].flags and _is_role(view, hit[0], piece.last):
        known = decide(view, piece.first, hit[0])
        return [(Piece(piece.first, hit[0]), known)]
    return [(piece, None)]


def _is_role(view: View, first: int, last: int) -> bool:
    """Return whether these words are a job title after a company: Chief Operating Officer."""
    return first < last and view.tokens[last - 1].key in view.pack.titles


def _known(view: View, taken: bytearray) -> list[Decision]:
    """Accept well-known organisations of several words at once; keep the others as hints."""
    found = []
    for first, last, known in find_known(view.tokens):
        if taken[first]:
            continue
        if last - first == 1 or known.flags:
            if any(token.is_capital for token in view.tokens[first:last]):
                view.known[first] = (last, known)
            else:
                found.append(_locked(first, last, known, taken))
            continue
        first = _with_place_before(view, first, last, taken)
        extended = _extended(view, first, last)
        if extended is None:
            found.append(_locked(first, last, known, taken))
        elif extended.type:
            found.append(extended)
            taken[extended.first : extended.last] = b"\1" * (extended.last - extended.first)
    return found


def _with_place_before(view: View, first: int, last: int, taken: bytearray) -> int:
    """Return the start including a place before a common name: Texas Supreme Court."""
    tokens = view.tokens
    if first == 0 or taken[first - 1] or tokens[last - 1].key not in _SHARED_HEADS:
        return first
    before = tokens[first - 1]
    if not (before.is_capital and tokens[first].is_joined) or before.is_possessive:
        return first
    is_place = bool(place_hint(before.key).kind) or is_demonym(before.key)
    return first - 1 if is_place else first


#: Bodies within parliaments and offices: House Intelligence Committee.
_COMMITTEES = frozenset(
    {"committee", "subcommittee", "commission", "council", "division", "bureau"}
)

#: Last words of well-known names that other countries and states use too.
_SHARED_HEADS = frozenset(
    {"court", "senate", "guard", "force", "party", "cross", "crescent", "association", "assembly",
     "representatives", "commerce", "commission", "agency", "council", "police", "navy", "army",
     "congress", "parliament", "board", "service", "services", "department", "society", "union"}
)  # fmt: skip


def _locked(first: int, last: int, known: KnownOrganisation, taken: bytearray) -> Decision:
    taken[first:last] = b"\1" * (last - first)
    return Decision(first, last, ORGANISATION, "known_organisation", "strong", known.name)


def _extended(view: View, first: int, last: int) -> Decision | None:
    """Return what a known name becomes with the next word: Bank of America + Stadium."""
    tokens, lists = view.tokens, view.pack
    if last >= len(tokens) or tokens[last - 1].is_possessive:
        return None
    token = tokens[last]
    if not (token.is_capital and token.is_joined):
        return None
    end = last
    while end < min(len(tokens), last + 4) and tokens[end].is_capital and tokens[end].is_joined:
        end += 1
    head = tokens[end - 1].key
    if end > last + 1 and head in _COMMITTEES:
        return Decision(first, end, ORGANISATION, "organisation_head", "strong", head)
    if token.key in lists.place_heads and token.key not in lists.organisation_heads:
        return Decision(first, last + 1, PLACE, "place_head", "strong", token.key)
    if token.key in lists.organisation_heads and token.key not in lists.titles:
        return Decision(first, last + 1, ORGANISATION, "organisation_head", "strong", token.key)
    return None


def _dateline(view: View, taken: bytearray) -> list[Decision]:
    """Return the place that opens the text: LONDON, Ohio (Agency) —."""
    tokens = view.tokens
    mark = next((n for n, token in enumerate(tokens[:14]) if token.text in _DASHES), None)
    if mark is None or not tokens[0].is_capital:
        return []
    end = 0
    while end < mark and tokens[end].is_word and tokens[end].is_capital:
        end += 1
    loud = [token for token in tokens[:end] if len(token.text) > 1]
    for width in range(min(end, 4), 0, -1):
        key = " ".join(token.key for token in tokens[:width])
        hint = place_hint(key)
        is_loud = all(token.text.isupper() for token in loud[:width])
        is_placed = hint.kind and (
            is_loud or _is_agency_between(tokens, width, mark) or width == mark
        )
        if is_placed or (is_loud and width == end and end <= 3 and len(tokens[0].text) > 3):
            if not hint.kind and not _is_agency_between(tokens, width, mark):
                continue
            for token in tokens[: mark + 1]:
                token.is_shouted = False
            taken[:width] = b"\1" * width
            return [Decision(0, width, PLACE, "dateline", "strong")]
    return []


_DASHES = frozenset({"—", "–", "-", "--", "―"})


def _is_agency_between(tokens: list[Token], width: int, mark: int) -> bool:
    """Return whether "(Reuters)", ", Ohio" or ", Nov. 3" stands between a place and the dash."""
    return mark > width and tokens[width].text in {"(", ",", "/"}


def _is_in_quotes(view: View, piece: Piece, decision: Decision | None) -> bool:
    """Return whether this is the title of a work: all in quotation marks, not well known."""
    if decision is None or decision.rule in ("known_organisation", "country_name", "title_before"):
        return False
    tokens = view.tokens
    if piece.last - piece.first < 2 and decision.strength != "weak":
        return False
    first = piece.first
    if first and tokens[first - 1].key in {"the", "a", "an"} and tokens[first - 1].is_capital:
        first -= 1
    before = tokens[first - 1].text if first else ""
    after = tokens[piece.last].text if piece.last < len(tokens) else ""
    if after in {",", "."} and piece.last + 1 < len(tokens):
        after = tokens[piece.last + 1].text
    return before in {'"', "“", "‘", "«", "„"} and after in {'"', "”", "’", "»", "“"}


def _mention(view: View, text: str, decision: Decision) -> Mention:
    start = view.tokens[decision.first].start
    end = view.tokens[decision.last - 1].end
    return Mention(
        type=decision.type, start=start, end=end, text=text[start:end], rule=decision.rule,
        strength=decision.strength, evidence=decision.evidence,
    )  # fmt: skip


Cue = Callable[[View, int, int, str], Decision | None]


def other_thing(view: View, first: int, last: int, title: str) -> Decision | None:
    """An event, law, prize or work, by its last word or its first."""
    if last - first == 1 or title:
        return None
    pack = view.pack
    head, opening = view.tokens[last - 1].key, view.tokens[first].key
    if head in pack.other_heads:
        if is_person_like(view, first, last) and (
            head in pack.surname_heads or head in view.names.surnames
        ):
            return None
        if place_hint(key_of(view, first, last)).kind:
            return None
        return Decision(first, last, "", "other_head", "strong")
    if opening in pack.things_first and not is_person_like(view, first, last):
        return Decision(first, last, "", "other_head", "strong")
    return None


#: The most reliable cues first, after well-known organisations and things that are not names.
ORDER: tuple[Cue, ...] = (
    organisation_cues.known,
    other_thing,
    organisation_cues.headed,
    person_cues.titled,
    place_cues.sure,
    place_cues.abbreviated,
    place_cues.directed,
    place_cues.headed,
    person_cues.royal,
    person_cues.given_name,
    place_cues.by_name,
    organisation_cues.acronym,
    person_cues.apposition,
    organisation_cues.in_context,
    person_cues.surname,
    place_cues.after_preposition,
    person_cues.lone_given_name,
)


def decide(view: View, first: int, last: int, title: str = "") -> Decision | None:
    """Return the first cue that fires on these tokens; None when none does."""
    for cue in ORDER:
        decision = cue(view, first, last, title)
        if decision is not None:
            return decision
    return None
