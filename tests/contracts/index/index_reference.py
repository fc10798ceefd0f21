"""The reference for queries: evaluates them on every document, without an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ingest.entities.asked import values_asked
from ingest.model import IndexedDocument
from ingest.query import (
    And,
    Boost,
    EntityIs,
    Everything,
    FlagIs,
    Near,
    Node,
    Not,
    NumberBetween,
    Or,
    Phrase,
    Prefix,
    PublishedBetween,
    ValueIs,
    Word,
)
from ingest.terms import fold, stems, terms, words

#: Tells whether the word at a place is the one looked for.
Test = Callable[["Column", int], bool]


class Column:
    """One searchable text of a document: its terms and their stems by position."""

    def __init__(self, text: str, language: str) -> None:
        self.terms = terms(text)
        self.stems = stems(words(text), language)


def matching(node: Node, documents: Iterable[IndexedDocument]) -> set[str]:
    """Return the ids of all documents that match."""
    return {document.id for document in documents if matches(node, document)}


def matches(node: Node, document: IndexedDocument) -> bool:
    match node:
        case Everything():
            return True
        case And():
            return all(matches(part, document) for part in node.parts)
        case Or():
            return any(matches(part, document) for part in node.parts)
        case Not():
            return not matches(node.part, document)
        case Boost():
            return matches(node.part, document)
        case Word() | Phrase() | Prefix():
            return any(_places(node, column) for column in _columns(document, node.field))
        case Near():
            return any(_is_near(node, column) for column in _columns(document, node.left.field))
        case EntityIs():
            names = _entity_names(document, node.type)
            return any(fold(value) in names for value in values_asked(node))
        case ValueIs():
            return fold(node.value) in map(fold, _values(document, node.field))
        case FlagIs():
            return _flags(document)[node.flag]
        case PublishedBetween():
            at = document.published_at
            if at is None:
                return False
            return (node.since is None or node.since <= at) and (
                node.until is None or at < node.until
            )
        case NumberBetween():
            low = float("-inf") if node.low is None else node.low
            high = float("inf") if node.high is None else node.high
            return low <= document.word_count <= high


def _columns(document: IndexedDocument, field: str) -> list[Column]:
    if field == "author":
        return [Column(author, "") for author in (*document.authors, *document.agencies)]
    texts = [document.title] if field == "title" else [document.title, document.text]
    return [Column(text, document.language) for text in texts]


def _places(node: Word | Phrase | Prefix, column: Column) -> list[tuple[int, int]]:
    """Return the first and last position of each occurrence."""
    if isinstance(node, Prefix):
        begin = terms(node.text)[0]
        return [(at, at) for at, term in enumerate(column.terms) if term.startswith(begin)]
    wanted = terms(node.text)
    found = _runs(wanted, column.terms)
    if isinstance(node, Word) and len(wanted) == 1 and column.stems:
        language = column.stems[0].partition("_")[0]
        found += _runs(stems(words(node.text), language), column.stems)
    return sorted(set(found))


def _runs(wanted: Sequence[str], held: Sequence[str]) -> list[tuple[int, int]]:
    size = len(wanted)
    return [
        (at, at + size - 1)
        for at in range(len(held) - size + 1)
        if size and list(held[at : at + size]) == list(wanted)
    ]


def _is_near(node: Near, column: Column) -> bool:
    """The unquoted side may be inflected; the two may overlap."""
    for one in _places(node.left, column):
        for two in _places(node.right, column):
            first, second = sorted((one, two))
            if second[0] - first[1] - 1 <= node.distance:
                return True
    return False


def _entity_names(document: IndexedDocument, type: str) -> set[str]:
    found = {*getattr(document.entities, type), *getattr(document.entity_forms, type)}
    for detail in document.entity_details:
        if detail.type == type:
            found |= {detail.id, detail.name, *detail.forms}
    return set(map(fold, found))


def _values(document: IndexedDocument, field: str) -> Sequence[str]:
    return {
        "publisher": (document.publisher,),
        "language": (document.language,),
        "country": document.geo.countries,
        "feed": document.feed_ids,
        "domain": (document.domain,),
        "section": (document.section,),
        "id": (document.id,),
        "content_source": (document.content_source,),
    }[field]


def _flags(document: IndexedDocument) -> dict[str, bool]:
    return {
        "opinion": document.is_opinion,
        "live_blog": document.is_live_blog,
        "metered": document.is_metered,
        "cut": document.is_cut,
        "short": document.extraction.is_short,
        "rescued": document.extraction.is_rescued,
        "press_release": document.is_press_release,
        "paid_content": document.is_paid_content,
    }
