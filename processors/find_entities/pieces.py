"""Finds the runs of capitalised words, and cuts them into the pieces that may each be a name."""

from __future__ import annotations

from typing import NamedTuple

from ingest.entities.gazetteer import is_demonym, place_hint
from ingest.entities.lexicon import WordLists
from processors.find_entities.tokens import Token, View, key_of

_MORE_PARTICLES = frozenset({"do"})

#: Bodies with committees of long names: Senate Energy and Natural Resources Committee.
_BODIES = frozenset({"senate", "house", "national", "royal", "commons", "assembly", "american",
                     "european", "international", "british", "australian", "canadian"})  # fmt: skip


class CapitalRun(NamedTuple):
    """Tokens `first` up to, not including, `last`."""

    first: int
    last: int


def runs(tokens: list[Token], pack: WordLists, taken: bytearray) -> list[CapitalRun]:
    """Return the runs in order; tokens marked in `taken` already belong to something."""
    found: list[CapitalRun] = []
    number = 0
    count = len(tokens)
    while number < count:
        token = tokens[number]
        if not token.is_capital or taken[number] or _is_opener(token, pack):
            number += 1
            continue
        last = _end_of_run(tokens, number, pack, taken)
        found.append(CapitalRun(number, last))
        number = last
    return found


class Piece(NamedTuple):
    """Tokens from `first` up to, not including, `last`; a `title` before makes it a person."""

    first: int
    last: int
    title: str = ""


def pieces(view: View, run: CapitalRun) -> list[Piece]:
    """Return the pieces of a run in order, without titles and openers."""
    first, last = run
    title = _title_before(view, first)
    if _is_one_organisation(view, first, last):
        first = _without_openers(view, first, last)
        return [Piece(first, last)] if first < last else []
    found: list[Piece] = []
    start = first
    number = first
    while number < last:
        width = _title_at(view, number, last, start)
        if not width:
            number += 1
            continue
        begin, end = width
        if begin > start:
            found += _trimmed(view, start, begin, title)
        title = " ".join(token.text for token in view.tokens[begin:end])
        start = number = end
    if start < last:
        found += _trimmed(view, start, last, title)
    return found


def _is_opener(token: Token, pack: WordLists) -> bool:
    """Return whether this capital word is a function word, not a name in capitals (US, IT)."""
    if token.key not in pack.openers or token.is_abbreviation:
        return False
    if token.key in pack.given_words and not token.opens and not token.text.isupper():
        return False
    is_acronym = len(token.text) > 1 and token.text.isupper() and not token.is_shouted
    return not (is_acronym and token.key in {"us", "it", "who", "un"})


def _end_of_run(tokens: list[Token], first: int, pack: WordLists, taken: bytearray) -> int:
    last = first + 1
    count = len(tokens)
    while last < count:
        previous, token = tokens[last - 1], tokens[last]
        if taken[last] or not token.is_joined or _closes(previous, tokens, first, last, pack):
            break
        if token.is_capital:
            if _is_opener(token, pack):
                break
            last += 1
            continue
        step = _joined(tokens, first, last, pack, taken)
        if step == last:
            break
        last = step
    return last


def _closes(previous: Token, tokens: list[Token], first: int, last: int, pack: WordLists) -> bool:
    if previous.is_possessive:
        before = tokens[last - 2].key if last - 2 >= first else ""
        return previous.key not in pack.owners and before not in {"st", "st.", "saint"}
    return previous.is_abbreviation and previous.key in pack.closers


def _joined(tokens: list[Token], first: int, last: int, pack: WordLists, taken: bytearray) -> int:
    """Return where the run continues after a lower-case word that can join; `last` if it ends."""
    token = tokens[last]
    after = last + 1
    if token.text == "," and _is_list_of_work(tokens, first, last, pack):
        return last + 2
    if token.text == "&":
        return after + 1 if _is_name(tokens, after, pack, taken) else last
    particles = pack.particles
    if pack.language in ("pt", "it"):
        particles = particles | _MORE_PARTICLES
    if token.key in particles and token.text.islower():
        while (
            after < len(tokens)
            and after < last + 3
            and tokens[after].text.islower()
            and (tokens[after].key in particles)
        ):
            after += 1
        return after + 1 if _is_name(tokens, after, pack, taken) else last
    if token.key[-1:] in "'’" and token.key[:-1] in {"d", "dell", "dall", "l"}:
        is_joining = any(one.key in pack.organisation_heads_first for one in tokens[first:last])
        return after + 1 if is_joining and _is_name(tokens, after, pack, taken) else last
    if token.key in pack.joining and _may_join(tokens, first, last, pack):
        if after < len(tokens) and tokens[after].key in {"the", "its"}:
            after += 1
        if _is_name(tokens, after, pack, taken):
            return after + 1
    return last


def _is_list_of_work(tokens: list[Token], first: int, last: int, pack: WordLists) -> bool:
    """Return whether a list of fields follows: Ministry of Health, Labour and Welfare."""
    if last + 3 >= len(tokens) or not tokens[last + 1].is_capital:
        return False
    keys = [token.key for token in tokens[first:last]]
    return (
        any(key in pack.organisation_heads_first for key in keys)
        and ("of" in keys or "for" in keys)
        and tokens[last + 1].key in pack.pair_words
        and tokens[last + 2].key in {"and", ","}
        and tokens[last + 3].is_capital
    )


def _is_name(tokens: list[Token], number: int, pack: WordLists, taken: bytearray) -> bool:
    if number >= len(tokens) or taken[number]:
        return False
    token = tokens[number]
    return token.is_capital and token.is_joined and not _is_opener(token, pack)


def _may_join(tokens: list[Token], first: int, last: int, pack: WordLists) -> bool:
    """Return whether "of", "for", "and" … join the next words to the name so far."""
    word = tokens[last].key
    keys = [token.key for token in tokens[first:last]]
    heads = pack.organisation_heads_first
    if word in {"of", "for"}:
        return keys[-1] in heads or keys[-1] in pack.place_heads_first or keys[0] in heads
    if word == "and":
        following = tokens[last + 1].key if last + 1 < len(tokens) else ""
        has_head = any(key in heads for key in keys) and any(key in {"of", "for"} for key in keys)
        if has_head:
            return following not in heads and following not in pack.organisation_alone
        return _is_pair_with_head(tokens, first, last, pack)
    if word in {"the", "at", "in", "to", "on"}:
        return word == "at" and keys[0] == "university"
    return any(key in heads for key in keys)


def _is_pair_with_head(tokens: list[Token], first: int, last: int, pack: WordLists) -> bool:
    """Return whether two common words around "and" precede a head: Health and Safety Executive."""
    if last + 2 >= len(tokens):
        return False
    left, right, head = tokens[first], tokens[last + 1], tokens[last + 2]
    if tokens[first].key in _BODIES and last - first > 1:
        end = last + 1
        while end < min(len(tokens), last + 5) and tokens[end].is_capital and tokens[end].is_joined:
            end += 1
        return tokens[end - 1].key in pack.organisation_heads and end > last + 2
    return last - first == 1 and (
        right.is_capital
        and head.is_capital
        and head.is_joined
        and (head.key in pack.organisation_heads or head.key == "executive")
        and left.key in pack.pair_words
        and right.key in pack.pair_words
    )


def _is_one_organisation(view: View, first: int, last: int) -> bool:
    """Return whether head words make the whole run one organisation: General Motors Company."""
    if last - first < 2:
        return False
    pack = view.pack
    keys = [token.key for token in view.tokens[first:last]]
    head = keys[-1].rstrip(".")
    if head == "executive" and "and" in keys:
        return True
    if keys[0] in pack.titles and (len(keys) == 2 or keys[1] in view.names.given):
        return False
    is_headed = head in pack.organisation_heads and not (
        len(keys) == 2 and head in view.names.surnames and keys[0] in view.names.given
    )
    if is_headed:
        # "Google CEO Jane Roe of Acme Inc" is never one run; a title inside still splits.
        inner = [key for key in keys[1:-1] if key in pack.splitting]
        return not inner
    return (
        keys[0] in pack.organisation_heads_first
        and "of" in keys
        and not (pack.splitting & set(keys))
    )


def _title_at(view: View, number: int, last: int, start: int) -> tuple[int, int] | None:
    """Return the bounds of the title whose head is this token, modifiers included."""
    pack, tokens = view.pack, view.tokens
    token = tokens[number]
    if token.key not in pack.titles and token.text.lower() not in pack.titles:
        return None
    if token.is_possessive or not token.is_capital or token.key in pack.kin:
        return None
    end = number + 1
    if token.key in ("general", "chief") and end < last and tokens[end].key in pack.titles:
        return None
    if end < last and tokens[end].key in ("general", "of", "for", "emeritus", "elect"):
        if tokens[end].key in ("of", "for"):
            return None
        end += 1
    if token.key in pack.royal and end < last:
        return None
    begin = number
    while (
        begin > start
        and tokens[begin - 1].key in pack.title_modifiers
        and not tokens[begin - 1].is_possessive
    ):
        begin -= 1
    if (
        begin == number
        and number > start
        and end < last
        and token.key in view.names.given
        and (token.key not in ("sir", "dame"))
    ):
        return None
    if end == last and number > start and begin == number:
        # The last word: a surname such as Judge or King, or a job title after a company's name.
        before = tokens[number - 1]
        if before.key in view.names.given:
            return None
    return begin, end


def _title_before(view: View, first: int) -> str:
    """Return the lower-case title right before a run: coach, former president, the judge."""
    if first == 0:
        return ""
    token = view.tokens[first - 1]
    if not token.is_word or not view.tokens[first].is_joined or token.is_possessive:
        return ""
    if token.is_capital and not token.opens:
        return ""
    key = token.key
    if key in view.pack.titles and key not in view.pack.only_capital:
        return token.text
    return ""


def _trimmed(view: View, first: int, last: int, title: str) -> list[Piece]:
    """Cut openers, months and nationalities off the front, and what is not a name off the end."""
    first = _without_openers(view, first, last)
    tokens, pack = view.tokens, view.pack
    while last > first and not place_hint(key_of(view, first, last)).kind:
        key = tokens[last - 1].key
        is_date = (
            (key in pack.post_nominals and tokens[last - 1].text.isupper())
            or key in pack.weekdays
            or (key in pack.months and key not in view.names.surnames)
        )
        is_group = (
            key in pack.not_names - pack.other_heads
            and last - first > 1
            and key not in view.names.surnames
        )
        if (
            is_date
            or is_group
            or (tokens[last - 1].key in pack.particles and tokens[last - 1].text.islower())
        ):
            last -= 1
        else:
            break
    if last <= first:
        return []
    return [Piece(first, last, title)]


def _without_openers(view: View, first: int, last: int) -> int:
    """Return where the name begins, after words that only open the sentence or describe it."""
    while first < last and _is_no_part(view, first, last):
        first += 1
    return first


def _is_no_part(view: View, first: int, last: int) -> bool:
    pack, token = view.pack, view.tokens[first]
    if token.key in pack.openers and not (
        token.is_abbreviation or (token.key in pack.given_words and not token.opens)
    ):
        return not (token.text.isupper() and len(token.text) > 1)
    if token.key in pack.weekdays:
        return True
    if token.key in pack.months:
        return not _is_person_month(view, first, last)
    if last - first == 1:
        return False
    if token.opens and _opens_before_name(view, first, last):
        return True
    describes = (
        (token.opens and token.key in pack.sentence_words)
        or _is_group_word(view, token.key)
        or is_demonym(token.key)
        or token.key in pack.title_modifiers & pack.sentence_words
    )
    return describes and not _is_kept(view, first, last)


def _is_group_word(view: View, key: str) -> bool:
    return key in view.pack.not_names and key not in view.names.given


def _is_person_month(view: View, first: int, last: int) -> bool:
    token = view.tokens[first]
    is_name = token.key in view.names.given or token.key in view.names.surnames
    if not is_name or token.key == "march":
        return False
    if last - first >= 2:
        return True
    return first > 0 and view.tokens[first - 1].key in view.pack.titles


def _is_kept(view: View, first: int, last: int) -> bool:
    """Return whether the first word belongs to a name: New York, Great Yarmouth, British Museum."""
    pack = view.pack
    keys = [token.key for token in view.tokens[first:last]]
    if place_hint(" ".join(keys)).kind:
        return True
    if keys[0] in pack.royal and keys[1] in view.names.given:
        return True
    hit = view.known.get(first)
    if hit is not None and (hit[0] > first + 1 or not hit[1].flags):
        return True
    if keys[0] in pack.directions:
        return keys[-1] not in view.names.surnames or bool(place_hint(keys[-1]).kind)
    if any(key in pack.organisation_heads_first for key in keys[1:]) and {"of", "for"} & set(keys):
        return True
    head = keys[-1].rstrip(".")
    if head in pack.organisation_heads:
        return not view.tokens[first].opens or is_demonym(keys[0]) or keys[0] in pack.low_risk
    return head in pack.other_heads or head in pack.place_heads


def _opens_before_name(view: View, first: int, last: int) -> bool:
    """Return whether an ordinary word opens the sentence before a full name: Yesterday Jane Roe."""
    tokens = view.tokens
    token, following = tokens[first], tokens[first + 1]
    if token.key not in view.low and token.key not in view.pack.common:
        return False
    if token.key in view.names.given and last - first == 2:
        return False
    return following.key in view.names.given and last - first >= 3
