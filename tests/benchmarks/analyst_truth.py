"""The truth of the analyst's measure: which articles hold which names, by plain strings alone."""

from __future__ import annotations

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

import ahocorasick

from ingest.entities.gazetteer import gazetteer, is_demonym
from ingest.entities.known import KnownRow, known_names, lead
from ingest.entities.lexicon import name_key, person_names
from tests.benchmarks import entity_sets, extraction_set
from tests.data_sets import data_set

#: Articles with a full name that are cut to the surname, for each name.
CUTS_A_NAME = 5
#: Words before a surname that are no name; sentences begin with the last of them.
OFFICES = frozenset({
    "president", "mr", "mrs", "ms", "miss", "sir", "dr", "lord", "lady", "king", "queen",
    "prince", "princess", "pope", "senator", "sen", "rep", "gov", "governor", "minister",
    "chancellor", "premier", "secretary", "general", "judge", "justice", "mayor",
    "congressman", "congresswoman", "representative", "prime", "chairman", "director",
    "professor", "prof", "detective", "captain", "coach", "presidente", "ministro",
    "primer", "primo", "herr", "frau", "kanzler", "kanzlerin", "bundeskanzlerin", "señor",
    "president-elect", "ex-president",
})  # fmt: skip
TITLES = OFFICES | {
    "then", "former", "with", "by", "says", "and", "but", "the", "when", "while", "if",
    "as", "for",
}  # fmt: skip
_END = re.compile(r"[.!?:…\"”']\s*$")
_WORD_BEFORE = re.compile(r"([\w.’'-]+)([ \u00a0]+)$")
_WORD_AFTER = re.compile(r"^[ \u00a0-]([\w’'-]+)")


class Article(NamedTuple):
    """One real article; `story` is empty where none is known."""

    id: str
    story: str
    language: str
    title: str
    text: str

    @property
    def whole(self) -> str:
        return f"{self.title}\n\n{self.text}"


class Name(NamedTuple):
    """A person or organisation to ask for, with its forms."""

    row: KnownRow
    full: frozenset[str]
    short: frozenset[str]


class Sought(NamedTuple):
    """What a name should find, and what it finds: ids of articles."""

    name: Name
    full: frozenset[str]
    short: frozenset[str]
    cut: frozenset[str]
    story: frozenset[str]
    allowed: frozenset[str]
    found: frozenset[str]

    @property
    def real(self) -> frozenset[str]:
        """Return what is found, of the articles as they are."""
        return frozenset(id for id in self.found if not id.startswith("cut "))

    @property
    def wrong(self) -> frozenset[str]:
        return self.real - self.allowed


# ── articles ────────────────────────────────────────────────────────────────────────────────


def world() -> list[Article]:
    """Return the English articles at hand: pages of the extraction set, and of the stories."""
    folder = extraction_set.data_folder()
    cases = extraction_set.cases(folder) if folder else ()
    return [
        *(Article(f"aeb {case.url}", "", "", "", case.gold) for case in cases),
        *_stories("ecb-plus"),
        *(one for one in _stories("meantime") if one.language == "en"),
    ]


def _stories(name: str) -> Iterator[Article]:
    path = data_set("stories") / name / "articles.jsonl.gz"
    if not path.exists():
        return
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            one = json.loads(line)
            first, _, rest = one["text"].partition("\n")
            title, text = ("", one["text"]) if _END.search(first) else (first, rest)
            language = one.get("language", "en")
            yield Article(f"{name} {one['id']}", f"{name} {one['story']}", language, title, text)


def in_language(language: str) -> list[Article]:
    """Return articles in another language; runs of annotated sentences where there are no others."""
    found = [one for one in _stories("meantime") if one.language == language]
    if found:
        return found
    parts = [one for one in entity_sets.parts() if one.language == language]
    return [
        Article(f"{part.name} {number}", "", language, "", one.text)
        for part in parts
        if not part.is_for_training and not part.name.startswith("europeana")  # a century old
        for number, one in enumerate(entity_sets.documents(part, 2000))
    ]


# ── the truth ───────────────────────────────────────────────────────────────────────────────


class Strings:
    """Finds many strings as whole words in the articles."""

    def __init__(
        self, strings: Iterable[str], articles: Sequence[Article], *, alone: bool = False
    ) -> None:
        automaton = ahocorasick.Automaton()
        for one in strings:
            automaton.add_word(one, one)
        automaton.make_automaton()
        #: string → article id → places
        self.places: dict[str, dict[str, list[int]]] = defaultdict(dict)
        for article in articles:
            text = article.whole
            for last, string in automaton.iter(text):
                start = last + 1 - len(string)
                is_whole = not _is_inside_word(text, start, last + 1)
                is_free = alone and stands_alone(text, start, last + 1)
                if is_whole and (is_free or (not alone and not _is_followed(text, last + 1))):
                    self.places[string].setdefault(article.id, []).append(start)

    def articles_with(self, strings: Iterable[str]) -> frozenset[str]:
        return frozenset(id for one in strings for id in self.places.get(one, ()))


def _is_inside_word(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start], text[end : end + 1]
    return before.isalnum() or after.isalnum()


def names_of(type: str, articles: Sequence[Article]) -> Iterator[Name]:
    """Return the people of public life, or the organisations, with their forms."""
    every = known_names()
    ordinary = {
        word for one in articles for word in re.findall(r"\w+", one.whole) if word.islower()
    }
    for number in range(len(every)):
        row = every.row(number)
        if row.known.type != type or (type == "person" and row.known.prominence < 2):
            continue
        if type == "person":
            full = {form for form in row.forms if _is_full(form)}
            short = {one for one in row.surnames if len(one) > 2 and one[0].isupper()}
        else:
            plain = {form for form in row.forms if _is_plain(form, ordinary)}
            full = {form for form in plain if " " in form} | ({row.known.name} & plain)
            short = plain - full
        if full:
            yield Name(row, frozenset(full), frozenset(short - full))


def ordinary_words(articles: Sequence[Article]) -> frozenset[str]:
    """Return the words that the articles write in lower case."""
    words = (word for one in articles for word in re.findall(r"\w+", one.whole))
    return frozenset(word for word in words if word.islower())


@cache
def _rows() -> list[KnownRow]:
    every = known_names()
    return [every.row(number) for number in range(len(every))]


def _is_plain(form: str, ordinary: set[str]) -> bool:
    """Return whether a form of an organisation means nothing else."""
    key = name_key(form)
    if not form[0].isupper() or len(form) < 2 or gazetteer().named(key) or is_demonym(key):
        return False
    if " " in form or (form.isupper() and len(form) > 2):
        return True
    names = person_names()
    return form.lower() not in ordinary and key not in names.surnames and key not in names.given


def _is_full(form: str) -> bool:
    words = form.split()
    is_name = words[0].lower().strip(".") not in TITLES and form[0].isupper()
    return is_name and len(words) > 1 and any(len(word.strip(".")) > 2 for word in words[:-1])


@cache
def _given_names() -> frozenset[str]:
    return frozenset(name_key(one) for one in person_names().given)


def stands_alone(text: str, start: int, end: int, own: frozenset[str] = frozenset()) -> bool:
    """Return whether no other name stands next to these words; `own` are its own given names."""
    before = _WORD_BEFORE.search(text[max(0, start - 30) : start])
    if before:
        word = before[1]
        is_title = word.lower().strip(".") in TITLES or word.endswith((":", ",", "'s", "’s"))
        starts = not text[: start - len(before[0])].strip() or bool(
            _END.search(text[max(0, start - len(before[0]) - 3) : start - len(before[0])])
        )
        is_name = word[:1].isupper() and not is_title and word.strip(".") not in own
        if is_name and (not starts or name_key(word) in _given_names()):
            return False
    return not _is_followed(text, end)


def _is_followed(text: str, end: int) -> bool:
    """Return whether a longer name goes on after these words: Betty Ford Center."""
    after = _WORD_AFTER.match(text[end : end + 30])
    return bool(after and after[1][:1].isupper())


class Truth:
    """Says which articles hold which names, by plain strings alone."""

    def __init__(self, type: str, articles: Sequence[Article], most: int) -> None:
        self._articles = {article.id: article for article in articles}
        names = list(names_of(type, articles))
        forms = {form for name in names for form in name.full}
        full = Strings(forms, articles, alone=type == "organisation")
        counted = [(len(full.articles_with(name.full)), name) for name in names]
        counted = [pair for pair in counted if pair[0]]
        counted.sort(
            key=lambda pair: (-pair[0], -pair[1].row.known.prominence, -pair[1].row.known.weight)
        )
        self.names: list[Name] = []
        taken: set[str] = set()
        for _, name in counted:
            if not taken & name.full:  # a namesake that is more prominent stands for both
                self.names.append(name)
                taken |= name.full
        self.names = self.names[:most]
        self._full = full
        self._short = Strings({form for name in self.names for form in name.short}, articles)
        self._cut_texts: dict[str, str] = {}
        self._ordinary = ordinary_words(articles)
        self._bearers: dict[str, list[Name]] = defaultdict(list)
        for _, name in counted:
            for form in name.short:
                self._bearers[form].append(name)

    def cut_articles(self) -> dict[str, list[Article]]:
        """Return articles with the full name of a person cut to the surname, by id."""
        return {name.row.known.id: list(self._cut(name)) for name in self.names}

    def _cut(self, name: Name) -> Iterator[Article]:
        surname = next(iter(name.row.surnames), "")
        if surname not in name.short or not self._is_lead(surname, name):
            return
        forms = "|".join(map(re.escape, sorted(name.full, key=len, reverse=True)))
        pattern = re.compile(rf"(?<!\w)(?:{forms})(?!\w)")
        for number, id in enumerate(sorted(self._full.articles_with(name.full))[:CUTS_A_NAME]):
            article = self._articles[id]
            title, text = (pattern.sub(surname, one) for one in (article.title, article.text))
            cut = article._replace(id=f"cut {number} {surname} {id}", title=title, text=text)
            places = [found.start() for found in re.finditer(rf"\b{re.escape(surname)}\b", text)]
            if places and all(stands_alone(text, at, at + len(surname)) for at in places):
                self._cut_texts[cut.id] = cut.whole
                yield cut

    def sought(self, name: Name, found: frozenset[str], cut: frozenset[str]) -> Sought:
        full = self._full.articles_with(name.full)
        alone = {
            id: form
            for form in name.short
            for id, places in self._short.places.get(form, {}).items()
            if id not in full and any(self._alone(id, at, form, name) for at in places)
        }
        stories = {self._articles[id].story for id in full} - {""}
        others = {
            self._articles[id].story
            for form in name.short
            for other in self._bearers[form]
            if other is not name
            for id in self._full.articles_with(other.full)
        } - {""}
        short: set[str] = set()
        told: set[str] = set()
        allowed = set(full)
        for id, form in alone.items():
            story = self._articles[id].story
            if story in others and story not in stories:
                continue
            allowed.add(id)
            if self._has_other(id, name):
                continue
            if self._is_lead(form, name) and self._is_plainly_meant(id, form):
                short.add(id)
            elif story in stories and story not in others:
                told.add(id)
        real = (id for id in found if id in self._articles)
        allowed |= {id for id in real if self._holds_any_form(id, name)}
        return Sought(name, full, frozenset(short), cut, frozenset(told), frozenset(allowed), found)

    def _is_plainly_meant(self, id: str, form: str) -> bool:
        """Return whether a surname is no other word, or a title or an office stands beside it."""
        key = name_key(form)
        others = self._ordinary | person_names().given
        if form.lower() not in self._ordinary and key not in others and not gazetteer().named(key):
            return True
        beside = rf"\b(?i:{'|'.join(map(re.escape, sorted(OFFICES)))})\.? {re.escape(form)}\b"
        after = (
            rf"\b{re.escape(form)}(?:'s|’s| 's)? (?i:administration|government|campaign|cabinet)\b"
        )
        return re.search(f"{beside}|{after}", self._articles[id].whole) is not None

    def _holds_any_form(self, id: str, name: Name) -> bool:
        """Return whether an article has a full form, or any form of an organisation, in any case."""
        text = self._articles[id].whole.casefold()
        forms = {form.lstrip("~^").casefold() for form in name.row.forms}
        if name.row.known.type == "person":
            forms = {form for form in forms if " " in form}
        return any(re.search(rf"(?<!\w){re.escape(one)}(?!\w)", text) for one in forms)

    def _alone(self, id: str, at: int, form: str, name: Name) -> bool:
        own = frozenset(word for full in name.full for word in full.split())
        return stands_alone(self._articles[id].whole, at, at + len(form), own)

    def _has_other(self, id: str, name: Name) -> bool:
        """Return whether the article gives the surname to somebody with another given name."""
        if name.row.known.type != "person":
            return False
        text = self._articles[id].whole
        return any(
            not stands_alone(text, at, at + len(form))
            for form in name.short
            for at in self._short.places.get(form, {}).get(id, ())
        )

    def _is_lead(self, form: str, name: Name) -> bool:
        if name.row.known.type == "person":
            best = lead(name_key(form))
            return best is not None and best.id == name.row.known.id
        return self._bearers[form] == [name] and len(form) > 2

    def snippet(self, id: str, name: Name) -> str:
        text = self._cut_texts.get(id) or self._articles[id].whole
        for form in sorted(name.full | name.short, key=len, reverse=True):
            found = re.search(rf"(?<!\w){re.escape(form)}(?!\w)", text)
            if found:
                return " ".join(text[max(0, found.start() - 70) : found.end() + 50].split())
        return " ".join(text[:100].split())
