"""Highlights the matches of a search in a text, and picks the snippet to show.

Neither engine stores what its own highlighter needs. Words are compared after the tokeniser and
the stemmers, so that marks are where the engine matched.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ingest.query import And, Boost, EntityIs, Near, Node, Or, Phrase, Prefix, Word
from ingest.terms import stems, terms, words, words_with_spans

#: Only this many characters of a text are searched and shown.
MAX_CHARACTERS = 50_000

_ELLIPSIS = "…"
_SENTENCE_ENDS = ".!?…。！？"


class Span(msgspec.Struct, frozen=True, order=True):
    """A marked part of a text, in code points; the end is excluded."""

    start: int
    end: int


class Snippet(msgspec.Struct, frozen=True):
    """Part of a text with its matches, and those of the title.

    `spans` are in `text`, `title_spans` in the whole title; sorted, not overlapping.
    """

    text: str
    spans: tuple[Span, ...] = ()
    title_spans: tuple[Span, ...] = ()


class _Wanted(msgspec.Struct, frozen=True):
    """One thing to mark: consecutive words, or a prefix, or a word and its inflected forms."""

    terms: tuple[str, ...]
    stem: str = ""
    is_prefix: bool = False
    is_for_text: bool = True


def snippet(text: str, title: str, query: Node, language: str, width: int = 240) -> Snippet:
    """Return the part of a text with the most matches, at most `width` characters.

    Without a match it is the beginning of the text. Each run of white space becomes one blank,
    and `…` marks text left out.
    """
    wanted = _wanted(query, language, {})
    shown = " ".join(text[:MAX_CHARACTERS].split())
    marks = _marks(shown, [one for one in wanted if one.is_for_text], language)
    start, end = _window(shown, marks, width)
    if len(text) > MAX_CHARACTERS:
        shown += _ELLIPSIS
    return _cut(shown, marks, start, end, _merged(_marks(title, wanted, language)))


# ── what to mark ────────────────────────────────────────────────────────────────────────────


def _wanted(node: Node, language: str, found: dict[_Wanted, None]) -> list[_Wanted]:
    """Return what to mark for a query; negated parts are left out."""
    match node:
        case And() | Or():
            for part in node.parts:
                _wanted(part, language, found)
        case Boost():
            _wanted(node.part, language, found)
        case Near():
            _wanted(node.left, language, found)
            _wanted(node.right, language, found)
        case Word() | Phrase() | Prefix() if node.field != "author":
            _add(node, language, found)
        case EntityIs():
            _add(Phrase(node.value), language, found)
        case _:
            pass
    return list(found)


def _add(node: Word | Phrase | Prefix, language: str, found: dict[_Wanted, None]) -> None:
    split = tuple(terms(node.text))
    if not split:
        return
    is_inflected = isinstance(node, Word) and len(split) == 1
    found[
        _Wanted(
            split,
            "".join(stems(words(node.text), language)) if is_inflected else "",
            isinstance(node, Prefix),
            node.field != "title",
        )
    ] = None


class _Mark(msgspec.Struct, frozen=True):
    """The place of a match; `wanted` is the number of the thing matched."""

    start: int
    end: int
    wanted: int


def _marks(text: str, wanted: Sequence[_Wanted], language: str) -> list[_Mark]:
    if not wanted:
        return []
    spans = words_with_spans(text)
    split = terms(text)
    tagged = stems([word for word, _, _ in spans], language)
    found: list[_Mark] = []
    for number, one in enumerate(wanted):
        last = len(one.terms) - 1
        found += [
            _Mark(spans[at][1], spans[at + last][2], number) for at in _places(one, split, tagged)
        ]
    return sorted(found, key=lambda mark: (mark.start, -mark.end))


def _places(one: _Wanted, split: Sequence[str], tagged: Sequence[str]) -> list[int]:
    """Return the numbers of the words where matches begin."""
    first, size = one.terms[0], len(one.terms)
    if one.is_prefix:
        return [at for at, term in enumerate(split) if term.startswith(first)]
    found = [at for at, term in enumerate(split) if term == first]
    if size > 1:
        return [at for at in found if tuple(split[at : at + size]) == one.terms]
    return found + [at for at, each in enumerate(tagged) if each == one.stem]


def _merged(marks: Sequence[_Mark]) -> tuple[Span, ...]:
    spans: list[Span] = []
    for mark in marks:
        if spans and mark.start < spans[-1].end:
            spans[-1] = Span(spans[-1].start, max(mark.end, spans[-1].end))
        else:
            spans.append(Span(mark.start, mark.end))
    return tuple(spans)


# ── what to show ────────────────────────────────────────────────────────────────────────────


def _window(text: str, marks: Sequence[_Mark], width: int) -> tuple[int, int]:
    """Return the part with the most different matches, then the most matches, then the first."""
    best, at = (0, 0), 0
    last = 0
    for number, mark in enumerate(marks):
        last = max(last, number)
        while last < len(marks) and marks[last].end - mark.start <= width:
            last += 1
        inside = marks[number:last]
        score = (len({one.wanted for one in inside}), len(inside))
        if score > best:
            best, at = score, number
    if best == (0, 0):
        return _fitted(text, 0, width)
    end = max(one.end for one in marks[at : at + max(1, best[1])])
    lead = max(0, (width - (end - marks[at].start)) // 3)
    return _fitted(text, _sentence_start(text, marks[at].start, lead), width)


def _sentence_start(text: str, at: int, lead: int) -> int:
    """Return the start of the sentence, or else of a word, at most `lead` characters before."""
    first = max(0, at - lead)
    if first == 0:
        return 0
    for place in range(at - 1, first - 1, -1):
        if text[place] in _SENTENCE_ENDS and text[place + 1 : place + 2].isspace():
            return place + 1
    blank = text.find(" ", first, at)
    return first if blank < 0 else blank + 1


def _fitted(text: str, start: int, width: int) -> tuple[int, int]:
    """Return start and end without blanks at the edges; the end is between two words."""
    while start < len(text) and text[start].isspace():
        start += 1
    end = min(len(text), start + width)
    if end < len(text) and not text[end].isspace():
        blank = text.rfind(" ", start, end)
        if blank > start + width // 2:
            end = blank
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _cut(
    text: str, marks: Sequence[_Mark], start: int, end: int, title: tuple[Span, ...]
) -> Snippet:
    before = _ELLIPSIS if start > 0 else ""
    after = _ELLIPSIS if end < len(text) else ""
    shift = len(before) - start
    inside = [mark for mark in marks if start <= mark.start and mark.end <= end]
    spans = tuple(Span(one.start + shift, one.end + shift) for one in _merged(inside))
    return Snippet(f"{before}{text[start:end]}{after}", spans, title)
