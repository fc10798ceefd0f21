"""Splits text into sentences, and into the terms that search, facets and watchlists compare.

`words` returns lower-case words with accents, `terms` the same with Latin letters folded to ASCII,
`stems` their stems. The analysers in config/index do the same on Elasticsearch, so that both
engines find the same documents.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from types import MappingProxyType

import Stemmer

#: Increased when the output of this file changes: an index of another version must be rebuilt.
TERMS_VERSION = 1

#: Maximum length of a term in characters; longer ones are split, as Elasticsearch's tokeniser does.
MAX_TERM_CHARACTERS = 255

#: Language code → Snowball's name; `cjk` for languages without blanks between words: they have
#: bigrams in Elasticsearch, and no stems.
LANGUAGES: Mapping[str, str] = MappingProxyType(
    {
        "ar": "arabic", "de": "german", "en": "english", "es": "spanish", "fr": "french",
        "hi": "hindi", "it": "italian", "nl": "dutch", "pt": "portuguese", "ru": "russian",
        "tr": "turkish", "zh": "cjk", "ja": "cjk", "ko": "cjk",
    }
)  # fmt: skip

#: The languages that have stems, in alphabetical order.
STEMMED_LANGUAGES = tuple(sorted(code for code, name in LANGUAGES.items() if name != "cjk"))

#: The two written Norwegians under their common code, and older codes of some languages.
SAME_LANGUAGE = {"nb": "no", "nn": "no", "iw": "he", "in": "id", "ji": "yi", "mo": "ro", "sh": "sr"}
_LANGUAGE_CODE = re.compile(r"[A-Za-z]{2,3}(?=$|[-_])")

_CACHE_ENTRIES = 200_000

#: A run of end marks matches from its first mark only, so that a text of nothing but marks takes
#: linear time.
_END = re.compile(r"(?<![.!?…])[.!?…]++[\"”’»)\]]*(?=\s+[^\sa-zà-ÿ]|\s*$)|[。！？]|\n\s*\n")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|Gen|Sen|Rep|Gov|Lt|Col|Sgt|Capt|Rev|St|vs|No|Jan|Feb|Mar|Apr|Aug"
    r"|Sept|Oct|Nov|Dec|bzw|Nr|Hr|Fr|Sr|Sra|Mme|M)|\b[A-Z]|\b(?:[A-Za-z]\.)+[A-Za-z])$"
)
_LONGEST_ABBREVIATION = 12
_COUNTED_WORD = re.compile(r"(?:[^\W\d_]\.){2,}|\w+(?:['’\-]\w+)*")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")
#: Chinese, Japanese and Thai have no spaces: this many of their characters count as a word.
_CHARACTERS_A_WORD = 2.0


def words(text: str) -> list[str]:
    """Return the lower-case words of a text in order, with accents, as stemmers need them.

    `terms` returns as many items, in the same order.
    """
    if text.isascii():
        return _cut(text.translate(_ASCII_TABLE).split())
    lowered = _lowered(text)
    if _NOT_SIMPLE.search(lowered) is not None:
        return _any_word().findall(lowered)
    plain = _SIMPLE_SIGN.sub(" ", lowered).encode()
    return _cut(plain.translate(_BYTE_TABLE).decode().split())


def terms(text: str) -> list[str]:
    """Return the terms of a text in order: lower case, Latin letters folded to ASCII.

    Each Han or Hiragana character is a term; runs of Katakana or of a South-East Asian script end
    where the script ends. All other letters and digits stay together, including Hangul and Latin.
    """
    found = words(text)
    return found if text.isascii() else folded(found)


def folded(words: Iterable[str]) -> list[str]:
    """Return the terms of lower-case words, in order."""
    known = _folded_words
    return [word if word.isascii() else known[word] for word in words]


def words_with_spans(text: str) -> list[tuple[str, int, int]]:
    """Return each word with its start and end in `text`, in code points, end excluded."""
    lowered = _lowered(text)
    pattern = _SIMPLE_WORD if _NOT_SIMPLE.search(lowered) is None else _any_word()
    return [(found[0], *found.span()) for found in pattern.finditer(lowered)]


def stem(word: str, language: str) -> str:
    """Return the folded stem of one lower-case word, without a tag.

    The word should have its accents (from `words`): it is stemmed before it is folded, as in the
    analysers of Elasticsearch. For a language without stems it is the folded word.
    """
    code = language_code(language)
    return _stems_of(code)[word].partition("_")[2] if code in STEMMED_LANGUAGES else fold(word)


def stems(words: Iterable[str], language: str) -> list[str]:
    """Return the stem of each word in order, tagged with the language: `en_flood`.

    Empty for a language without stems.
    """
    code = language_code(language)
    if code not in STEMMED_LANGUAGES:
        return []
    known = _stems_of(code)
    found = known.get
    return [found(word) or known[word] for word in words]


def language_code(language: str) -> str:
    """Return the code of the analyser for a language: `en` for en-GB, `cjk`, or "" for none."""
    code = language.lower().partition("-")[0]
    return {"": "", "cjk": "cjk"}.get(LANGUAGES.get(code, ""), code)


def language_of_tag(tag: str) -> str:
    """Return the language of a tag such as `nb-NO`, under its usual code; "" if it has none."""
    match = _LANGUAGE_CODE.match(tag.strip())
    code = match.group().lower() if match else ""
    return SAME_LANGUAGE.get(code, code)


def fold(text: str) -> str:
    """Return the form in which values are compared: lower case, letters and quotes folded to ASCII.

    The normaliser `news_key` does the same on Elasticsearch.
    """
    return text.lower() if text.isascii() else _lowered(text).translate(_fold_table)


def sentences(text: str) -> list[str]:
    """Return the sentences in order, trimmed, none empty; a blank line also ends one."""
    found = []
    start = 0
    for match in _END.finditer(text):
        if match.group() == "." and _ABBREVIATION.search(
            text, max(0, match.start() - _LONGEST_ABBREVIATION), match.start()
        ):
            continue
        piece = text[start : match.end()].strip()
        if piece:
            found.append(piece)
        start = match.end()
    rest = text[start:].strip()
    if rest:
        found.append(rest)
    return found


def count_words(text: str) -> int:
    """Return the number of words; an estimate for scripts without spaces."""
    unspaced = 0 if text.isascii() else len(_UNSPACED.findall(text))
    if not unspaced:
        return len(_COUNTED_WORD.findall(text))
    return len(_COUNTED_WORD.findall(_UNSPACED.sub(" ", text))) + round(
        unspaced / _CHARACTERS_A_WORD
    )


def _cut(found: list[str]) -> list[str]:
    """Return the words, with those that are too long split into pieces."""
    most = MAX_TERM_CHARACTERS
    if max(map(len, found), default=0) <= most:
        return found
    return [word[at : at + most] for word in found for at in range(0, len(word), most)]


def _lowered(text: str) -> str:
    """Lower each character on its own: the length stays, and there is no rule for a final sigma."""
    if "İ" in text:
        text = text.replace("İ", "i")
    if "Σ" in text:
        text = text.replace("Σ", "σ")
    return text.lower()


# ── caches ──────────────────────────────────────────────────────────────────────────────────


class _Remembered(dict[str, str]):
    """The results of a function by word; emptied when it has grown too large."""

    def __init__(self, function: Callable[[str], str]) -> None:
        self._function = function

    def __missing__(self, word: str) -> str:
        answer = self._function(word)
        if len(self) >= _CACHE_ENTRIES:
            self.clear()
        self[word] = answer
        return answer


_stemmer_lock = threading.Lock()


@cache
def _stems_of(language: str) -> _Remembered:
    stemmer = Stemmer.Stemmer(LANGUAGES[language], 0)

    def tagged(word: str) -> str:
        with _stemmer_lock:
            return f"{language}_{fold(stemmer.stemWord(word))}"

    return _Remembered(tagged)


# ── folding ─────────────────────────────────────────────────────────────────────────────────

#: Letters that Unicode does not decompose, as Lucene's ASCIIFoldingFilter maps them: the ASCII form
#: and the letters that become it.
_SPECIAL_LETTERS = {
    letter: base
    for base, letters in {
        "a": "əɐɚᶏᶕⱥẚ", "aa": "ꜳ", "ae": "æǽǣᴂ", "ao": "ꜵ", "au": "ꜷ", "av": "ꜹꜻ", "ay": "ꜽ",
        "b": "ƀƃɓᵬᶀ", "c": "ƈȼɕↄꜿ", "d": "đðƌȡɖɗᵭᶁᶑꝺ", "db": "ȸ", "dz": "ʣʥ",
        "e": "ǝɇɘɛɜɝɞʚᴈᶒᶓᶔⱸ", "f": "ƒᵮᶂẛꝼ", "g": "ǥɠɡᵷᵹᶃꝿ", "h": "ħɥɦʮʯⱨⱶ", "hv": "ƕ",
        "i": "ıɨᴉᵼᶖ", "j": "ȷɉɟʄʝ", "k": "ƙʞᶄⱪꝁꝃꝅ", "l": "łŀƚȴɫɬɭᶅⱡꝇꝉꞁ", "ll": "ỻ",
        "ls": "ʪ", "lz": "ʫ", "m": "ɯɰɱᵯᶆ", "n": "ŉŋƞȵɲɳᵰᶇ", "o": "øǿɔɵᴖᴗᶗⱺꝋꝍ", "oe": "œᴔ",
        "oo": "ꝏ", "ou": "ȣ", "p": "ƥᵱᵽᶈꝑꝓꝕ", "q": "ĸɋʠꝗꝙ", "qp": "ȹ", "r": "ɍɼɽɾɿᵲᵳᶉꝛꞃ",
        "s": "ȿʂᵴᶊẜẝ", "ss": "ß", "t": "ŧƫƭȶʇʈᵵⱦ", "tc": "ʨ", "th": "þᵺꝧ", "ts": "ʦ",
        "tz": "ꜩ", "u": "ʉᶙ", "ue": "ᵫ", "v": "ʋʌᶌⱱⱴꝟ", "vy": "ꝡ", "w": "ƿʍⱳ", "x": "ᶍ",
        "y": "ƴɏʎỿ", "z": "ƶȝȥɀʐʑᵶᶎⱬꝣ",
    }.items()
    for letter in letters
}  # fmt: skip

#: Typographic quotes and dashes and their plain forms.
_SPECIAL_MARKS = {
    **dict.fromkeys("‘’‚‛′‵‹›", "'"),
    **dict.fromkeys("“”„″‶«»", '"'),
    **dict.fromkeys("‐‑‒–—", "-"),
}

#: Superscript and subscript letters that are folded; the others stay.
_FOLDED_MODIFIERS = "ⁱⁿₐₑₒₓₔᵢᵣᵤᵥ"
_FULL_WIDTH = range(0xFF00, 0xFFF0)
_LIGATURES = range(0xFB00, 0xFB07)
#: Letters that differ only in looks (mathematical, numerals) begin here.
_FIRST_LOOKALIKE = 0x2100


class _FoldTable(dict[int, str]):
    """For str.translate: a lower-case character → its ASCII form, or itself without one."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        self[code] = answer = _ascii_form(character)
        return answer


def _ascii_form(character: str) -> str:
    special = _SPECIAL_LETTERS.get(character) or _SPECIAL_MARKS.get(character)
    if special:
        return special
    return _taken_apart(character) if _has_plain_form(character) else character


def _has_plain_form(character: str) -> bool:
    code, category = ord(character), unicodedata.category(character)
    if category == "Lm":
        return character in _FOLDED_MODIFIERS
    is_lookalike = code >= _FIRST_LOOKALIKE and code not in _FULL_WIDTH and code not in _LIGATURES
    return category in ("Ll", "Lu", "Lt", "Nd") and not is_lookalike


def _taken_apart(character: str) -> str:
    parts = unicodedata.normalize("NFKD", character)
    base = "".join(part for part in parts if not unicodedata.combining(part))
    base = "".join(_SPECIAL_LETTERS.get(part, part) for part in base)
    return base.lower() if base.isascii() and base.isalnum() else character


_fold_table = _FoldTable()
_folded_words = _Remembered(fold)

# ── patterns ────────────────────────────────────────────────────────────────────────────────

#: ASCII: letters to lower case, digits stay, the rest becomes a blank; other UTF-8 bytes stay.
_ASCII_TABLE = "".join(chr(c).lower() if chr(c).isalnum() else " " for c in range(128))
_BYTE_TABLE = _ASCII_TABLE.encode() + bytes(range(128, 256))

#: Letters of scripts without combining marks: Latin, Greek, Cyrillic, Arabic, Hangul; ASCII digits.
_SIMPLE_LETTERS = (
    "a-z0-9ªµºß-öø-ɏḀ-ỿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ϿЀ-ҁҊ-ԯ\u0620-\u064a\u066e\u066f\u0671-\u06d3\uac00-\ud7a3"
)
_SIMPLE_SIGNS = (
    "\x00-\xac\xae-\xbf×÷\u060c\u061b\u061f\u2000-\u200a\u2010-\u2027\u2030-\u205e\u20a0-\u20bf"
)
_PICTURES = "\u2116\u2122\u2190-\u2bff\u3001\u3002\ufffd\U0001f300-\U0001faff"
#: Anything that is neither such a letter nor plain punctuation: needs the full pattern.
_NOT_SIMPLE = re.compile(f"[^{_SIMPLE_LETTERS}{_SIMPLE_SIGNS}{_PICTURES}]")
_SIMPLE_SIGN = re.compile(f"[^{_SIMPLE_LETTERS}\\x00-\\x7f]")
_SIMPLE_WORD = re.compile(f"[{_SIMPLE_LETTERS}]{{1,{MAX_TERM_CHARACTERS}}}")

_HAN_OR_HIRAGANA = (
    "\u3007\u3021-\u3029\u3038-\u303a\u3041-\u3096\u309d-\u309f\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U0001b001-\U0001b11f\U00020000-\U0003ffff"
)
_KATAKANA = "\u3031-\u3035\u309b\u309c\u30a0-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"
_SOUTH_EAST_ASIAN = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u0edc-\u0edf\u1000-\u103f\u1050-\u108f"
    "\u109a-\u109d\u1780-\u17d3\u17d7\u17dc\u17dd"
)


@cache
def _any_word() -> re.Pattern[str]:
    """Return the pattern of a word in any script; a word begins with a letter or a digit."""
    own = set()
    for script in (_HAN_OR_HIRAGANA, _KATAKANA, _SOUTH_EAST_ASIAN):
        matches = re.compile(f"[{script}]").match
        own |= {code for code in range(0x20000) if matches(chr(code))}
    letters, marks = [], []
    for code in range(0x20000):
        category = unicodedata.category(chr(code))
        if category[0] == "M" or (category == "Cf" and code != 0x200B):
            marks.append(code)
        elif code not in own and (category[0] == "L" or category in ("Nd", "Nl")):
            letters.append(code)
    mark = _ranges(marks)
    most = MAX_TERM_CHARACTERS - 1
    runs = [
        f"[{script}][{script}{mark}]{{0,{most}}}"
        for script in (_ranges(letters), _KATAKANA, _SOUTH_EAST_ASIAN)
    ]
    return re.compile("|".join([*runs, f"[{_HAN_OR_HIRAGANA}][{mark}]*"]))


def _ranges(codes: list[int]) -> str:
    """Return sorted code points as the content of a character class."""
    found: list[tuple[int, int]] = []
    for code in codes:
        if found and found[-1][1] == code - 1:
            found[-1] = (found[-1][0], code)
        else:
            found.append((code, code))
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in found)
