"""Splits a search text into atoms and operators, so that luqum misreads nothing.

luqum reads `NEAR(…)` as words and `since:-2h` as a prohibition, and fails on `12:30`, `/` and `'`.
So every atom becomes a placeholder word (`a0`, `a1` …, a field before a bracket `f0:`), and luqum
sees only brackets, AND, OR, NOT, + - and ^. Positions count characters from 0.
"""

from __future__ import annotations

import re

import msgspec

from ingest.errors import QueryError
from ingest.search.fields import FIELDS, is_misspelt_field, nearest_field

MAX_CLAUSES = 64
MAX_DEPTH = 10

_BLANKS = re.compile(r"\s+")
_WORD = re.compile(r"""[^\s()"^]+""")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_RANGE = re.compile(r"[\[{]([^\]}]*)[\]}]")
_BOOST = re.compile(r"\^(\d{1,4}(?:\.\d{1,4})?)")
_NEAR = re.compile(r"NEAR\s*\(")
_NEAR_PART = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^\s(),"]+))\s*')
_NEAR_DISTANCE = re.compile(r"\s*(\d{1,9})\s*")
_FIELD = re.compile(r"([A-Za-z][A-Za-z_-]*):")
_LOOSE = re.compile(r"~[0-9.]*$")
_SIGNS = "+-!"
_SIGN_RUN = re.compile(r"[+\-!]+")
_OPERATORS = {"AND": "AND", "OR": "OR", "NOT": "NOT", "&&": "AND", "||": "OR"}
#: Typographic quotes, which people paste.
_QUOTES = str.maketrans("“”„‟«»", '""""""')
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)

DEFAULT_DISTANCE = 10
MAX_DISTANCE = 100

_NEAR_REMEDY = (
    'write NEAR("sea wall", flood, 5): two words or phrases, and a maximum distance in words'
)


class Atom(msgspec.Struct, frozen=True):
    """One search term. `kind` is word, phrase, range or near; a range keeps its brackets.

    `parts` are the two sides of a near, each with whether it was quoted.
    """

    kind: str
    text: str
    position: int
    field: str = ""
    parts: tuple[tuple[str, bool], ...] = ()
    distance: int = 0


class Scanned(msgspec.Struct, frozen=True):
    """The text for luqum, and the meaning of its placeholders.

    `places` are pairs of a position in `text` and the corresponding one in the query.
    """

    text: str
    atoms: tuple[Atom, ...]
    group_fields: tuple[tuple[str, int], ...]
    places: tuple[tuple[int, int], ...]

    def position(self, of: int) -> int:
        """Return the position in the query of a position in `text`."""
        return max((theirs for ours, theirs in self.places if ours <= of), default=0)


class Scanner:
    """Scans one query from left to right. Errors: QueryError with its position."""

    def __init__(self, query: str) -> None:
        self._query = query
        self._text = query.translate(_QUOTES)
        self._at = 0
        self._open: list[int] = []
        self._pieces: list[str] = []
        self._length = 0
        self._places: list[tuple[int, int]] = []
        self._atoms: list[Atom] = []
        self._fields: list[tuple[str, int]] = []

    def scanned(self) -> Scanned:
        while self._at < len(self._text):
            self._step()
        if self._open:
            raise self._fault(
                "a bracket is not closed", at=self._open[-1], remedy="close it with )"
            )
        return Scanned(
            "".join(self._pieces), tuple(self._atoms), tuple(self._fields), tuple(self._places)
        )

    # ── steps ───────────────────────────────────────────────────────────────────────────────

    def _step(self) -> None:
        blanks = _BLANKS.match(self._text, self._at)
        if blanks is not None:
            self._at = blanks.end()
            return
        character = self._text[self._at]
        if character in "()":
            self._bracket(character)
        elif character == '"':
            start = self._at
            self._atom(Atom("phrase", self._quoted(), start))
        elif character == "^":
            self._boost()
        elif character in _SIGNS:
            self._sign()
        elif _NEAR.match(self._text, self._at):
            self._near("", self._at)
        else:
            self._word()

    def _bracket(self, character: str) -> None:
        if character == "(":
            self._open.append(self._at)
        elif self._open:
            self._open.pop()
        else:
            raise self._fault("a closing bracket without an opening one", remedy="remove it")
        if len(self._open) > MAX_DEPTH:
            raise self._fault(
                f"brackets are nested more than {MAX_DEPTH} deep", remedy="use fewer brackets"
            )
        self._emit(character, self._at)
        self._at += 1

    def _boost(self) -> None:
        found = _BOOST.match(self._text, self._at)
        if found is None or not 0 < float(found[1]) <= 1000:
            raise self._fault("^ without a weight", remedy="write a number after it: flood^2")
        self._emit(found[0], self._at, is_glued=True)
        self._at = found.end()

    def _sign(self) -> None:
        """Read one sign before a word; a sign alone, or several, are punctuation."""
        signs = self._matched(_SIGN_RUN)
        following = self._text[self._at + len(signs) : self._at + len(signs) + 1]
        if len(signs) == 1 and following.strip() and following != ")":
            self._emit("+" if signs == "+" else "NOT", self._at)
        self._at += len(signs)

    def _word(self) -> None:
        start = self._at
        word = self._matched(_WORD)
        if word in _OPERATORS:
            self._emit(_OPERATORS[word], start)
            self._at += len(word)
            return
        prefix = _FIELD.match(word)
        if prefix is not None and self._is_field(prefix[1], word[prefix.end() :], start):
            self._at += prefix.end()
            self._field_value(FIELDS[prefix[1].lower()], start)
            return
        self._at += len(word)
        self._check_loose(word, start)
        self._atom(Atom("word", word, start))

    def _is_field(self, name: str, rest: str, start: int) -> bool:
        """Return whether this is a field, not a word with a colon (`https:`, `Flood: …`)."""
        if name.lower() in FIELDS:
            return True
        after = self._text[start + len(name) + 1 : start + len(name) + 2]
        is_headline = not after or after.isspace()
        if rest.startswith("//") or (is_headline and not is_misspelt_field(name)):
            return False
        raise self._fault(
            f"there is no field {name}:",
            at=start,
            remedy=f"{nearest_field(name)}; to look for the words themselves, put them in quotes",
        )

    def _field_value(self, field: str, start: int) -> None:
        blanks = _BLANKS.match(self._text, self._at)
        if blanks is not None:
            self._at = blanks.end()
        character = self._text[self._at : self._at + 1]
        place = self._at
        if character == "(":
            self._emit(f"f{len(self._fields)}:", start)
            self._fields.append((field, start))
        elif character == '"':
            self._atom(Atom("phrase", self._quoted(), start, field))
        elif character in ("[", "{") and (found := _RANGE.match(self._text, self._at)):
            self._at = found.end()
            self._atom(Atom("range", found[0], start, field))
        elif _NEAR.match(self._text, self._at):
            self._near(field, start)
        elif character and character not in ")^":
            word = self._matched(_WORD)
            self._at += len(word)
            self._check_loose(word, place)
            self._atom(Atom("word", word, start, field))
        else:
            raise self._fault(f"{field}: has no value", at=start, remedy=f'write {field}:"…"')

    def _near(self, field: str, start: int) -> None:
        opening = _NEAR.match(self._text, self._at)
        assert opening is not None
        self._at = opening.end()
        one = self._near_part(start)
        self._expect(",", start)
        two = self._near_part(start)
        distance = DEFAULT_DISTANCE
        if self._text[self._at : self._at + 1] == ",":
            self._at += 1
            found = _NEAR_DISTANCE.match(self._text, self._at)
            if found is None or int(found[1]) > MAX_DISTANCE:
                raise self._fault(f"the distance must be 0 to {MAX_DISTANCE}", remedy=_NEAR_REMEDY)
            distance = int(found[1])
            self._at = found.end()
        self._expect(")", start)
        self._atom(Atom("near", "", start, field, (one, two), distance))

    def _near_part(self, start: int) -> tuple[str, bool]:
        found = _NEAR_PART.match(self._text, self._at)
        if found is None:
            raise self._fault("NEAR needs two words or phrases", at=start, remedy=_NEAR_REMEDY)
        self._at = found.end()
        return (_unescaped(found[1]), True) if found[1] is not None else (found[2], False)

    def _expect(self, character: str, start: int) -> None:
        if self._text[self._at : self._at + 1] != character:
            raise self._fault("NEAR(…) cannot be read", at=start, remedy=_NEAR_REMEDY)
        self._at += 1

    def _quoted(self) -> str:
        found = _QUOTED.match(self._text, self._at)
        if found is None:
            raise self._fault("a quote is not closed", remedy='close it with "')
        self._at = found.end()
        if self._text[self._at : self._at + 1] == "~":
            self._check_loose(self._text[self._at :].split()[0], self._at)
        return _unescaped(found[1])

    # ── help ────────────────────────────────────────────────────────────────────────────────

    def _matched(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        assert found is not None
        return found[0]

    def _check_loose(self, word: str, start: int) -> None:
        if _LOOSE.search(word):
            raise self._fault(
                "fuzzy search (~) is not supported",
                at=start,
                remedy='write flo* for a prefix, NEAR("a","b",5) for distance',
            )

    def _atom(self, atom: Atom) -> None:
        if len(self._atoms) >= MAX_CLAUSES:
            raise self._fault(
                f"more than {MAX_CLAUSES} terms", at=atom.position, remedy="split the search"
            )
        self._emit(f"a{len(self._atoms)}", atom.position)
        self._atoms.append(atom)

    def _emit(self, piece: str, position: int, is_glued: bool = False) -> None:
        if not is_glued:
            self._pieces.append(" ")
            self._length += 1
        self._places.append((self._length, position))
        self._pieces.append(piece)
        self._length += len(piece)

    def _fault(self, what: str, *, at: int | None = None, remedy: str) -> QueryError:
        position = self._at if at is None else at
        return QueryError(what, query=self._query, position=position, remedy=remedy)


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)
