"""A second opinion on the main text, by resiliparse, with a gate against junk."""

from __future__ import annotations

import re
import unicodedata
import zlib
from typing import NamedTuple

from resiliparse.extract.html2text import extract_plain_text

_DIGIT = re.compile(r"\d")
_INDENTED = re.compile(r"^ {2,}(?=\S)", re.M)


class Gate(NamedTuple):
    """Least shares of a text that is one; each 0 to 1.

    `letters` of the characters that are no blanks, `packed` size of the UTF-8 size,
    `distinct` of the lines (digits masked).
    """

    letters: float
    packed: float
    distinct: float


#: What a rescued text must pass: all 45 true rescues on three sets do (worst: .88, .26, .41),
#: all 7 cases of junk do not (extraction.md §4.5).
RESCUE_GATE = Gate(0.60, 0.15, 0.30)
#: For trafilatura's own text when it is long (lowest of 170 real ones: .81, .13, .32).
OWN_GATE = Gate(0.50, 0.05, 0.10)
OWN_GATE_FROM_CHARACTERS = 20_000


def second_text(html: str) -> str:
    """Give resiliparse's main content, a blank line between paragraphs; `""` for none."""
    try:
        text = extract_plain_text(
            html,
            preserve_formatting=True,
            main_content=True,
            list_bullets=False,
            alt_texts=False,
            links=False,
            form_fields=False,
            noscript=False,
            comments=False,
            post_meta=False,
            hidden_elements=False,
        )
    except (ValueError, RuntimeError):  # its parser refuses the string
        return ""
    return str(text).strip()


def with_list_marks(text: str) -> str:
    """Give a text of the second parser with "- " before its list items, which it indents."""
    return _INDENTED.sub("- ", text)


def passes(text: str, gate: Gate, max_characters: int) -> bool:
    """Tell whether a text looks like one that somebody wrote. Errors: none."""
    if not text or len(text) > max_characters:
        return False
    return (
        _letter_share(text) >= gate.letters
        and _packed_share(text) >= gate.packed
        and _distinct_share(text) >= gate.distinct
    )


def _letter_share(text: str) -> float:
    """Letters, and the vowel signs that many scripts write beside them."""
    solid = "".join(text.split())
    if not solid:
        return 0.0
    letters = sum(map(str.isalpha, solid))
    if not solid.isascii():
        letters += sum(unicodedata.category(c)[0] == "M" for c in solid if not c.isalpha())
    return letters / len(solid)


def _packed_share(text: str) -> float:
    data = text.encode("utf-8", "replace")
    return len(zlib.compress(data, 6)) / len(data)


def _distinct_share(text: str) -> float:
    lines = [_DIGIT.sub("0", line.strip()) for line in text.splitlines() if line.strip()]
    return len(set(lines)) / len(lines) if lines else 0.0
