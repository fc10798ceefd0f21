"""Decodes the bytes of a feed document into text that an XML or JSON parser accepts."""

from __future__ import annotations

import codecs
import re
import zlib
from typing import NamedTuple

from resiliparse.parse.encoding import detect_encoding

from ingest.errors import SourceError

#: Maximum size of a document after decompression.
MAX_UNPACKED_BYTES = 15 * 1024 * 1024
#: Length of the head of a document, where its root element and its declarations are searched.
HEAD_CHARACTERS = 65_536

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SEVEN_BIT = re.compile(r"^(iso-?2022|csiso2022|hz|utf-?7)", re.IGNORECASE)
_PROLOG_CHARSET = re.compile(rb"^[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._:-]{2,40})[\"']")
#: Supersets of declared charsets, which browsers and publishers use instead.
_WIDER = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "tis-620": "cp874",
    "iso8859-11": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
#: `<?xm` in EBCDIC, where letters have the same codes in all variants.
_EBCDIC = "<?xm".encode("cp037")
_HANGUL = re.compile("[\uac00-\ud7a3]")
_FOREIGN = re.compile("[^\x00-\x7f]")
#: Text encodings of Python that are not charsets, and that may raise even with "replace".
_NO_CHARSETS = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"})
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_REFERENCE = re.compile(r"&#(?:[xX]([0-9A-Fa-f]+)|([0-9]+));")
#: No character reference has more digits.
_MAX_DIGITS = 12
_COMMENTS = re.compile(r"<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)", re.DOTALL)
_START_TAG = re.compile(r"<([A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)")


class DecodedFeed(NamedTuple):
    """The text of a document, its charset, and the number of oddities by kind."""

    text: str
    charset: str
    oddities: dict[str, int]


def decode_feed(body: bytes, charset: str = "") -> DecodedFeed:
    """Return the text of a document, decompressed and without characters illegal in XML.

    `charset` is that of the HTTP header. The order is: byte order mark, valid UTF-8, header, XML
    prolog, detection; UTF-8 is not tried for bytes with NUL or ESC and declared 7-bit charsets.
    Errors: SourceError (empty_body; parse_failed for compressed data that is broken or too large).
    """
    oddities: dict[str, int] = {}
    body = _unpacked(body, oddities)
    if not body.strip():
        raise SourceError("the document is empty", kind="empty_body")
    text, used = _decoded(body, charset, oddities)
    text, illegal = _ILLEGAL.subn("", text)
    if illegal:
        oddities["illegal_characters"] = illegal
    return DecodedFeed(text, used, oddities)


def without_illegal_references(text: str) -> tuple[str, int]:
    """Return the text without references to characters illegal in XML, and their count.

    Parsers reject a whole document for one `&#55296;`.
    """
    if "&#" not in text:
        return text, 0
    count = 0

    def kept(found: re.Match[str]) -> str:
        nonlocal count
        if _is_legal(found):
            return found[0]
        count += 1
        return ""

    return _REFERENCE.sub(kept, text), count


def _is_legal(reference: re.Match[str]) -> bool:
    digits = (reference[1] or reference[2]).lstrip("0")
    if not digits or len(digits) > _MAX_DIGITS:
        return False
    number = int(digits, 16 if reference[1] else 10)
    return number <= 0x10FFFF and not _ILLEGAL.match(chr(number))


def root_name(text: str) -> str:
    """Return the local name of the root element in lower case, or `""`.

    Blanks, comments, processing instructions and junk before it are ignored.
    """
    found = _START_TAG.search(_COMMENTS.sub("", text[:HEAD_CHARACTERS]))
    return found[2].lower() if found else ""


def prolog_of(text: str) -> str:
    """Return the text before the root element, without comments and processing instructions."""
    head = _COMMENTS.sub("", text[:HEAD_CHARACTERS])
    root = _START_TAG.search(head)
    return head[: root.start()] if root else head


def _unpacked(body: bytes, oddities: dict[str, int]) -> bytes:
    for _ in range(2):
        if body[:2] != b"\x1f\x8b":
            break
        unpacker = zlib.decompressobj(wbits=31)
        try:
            body = unpacker.decompress(body, MAX_UNPACKED_BYTES)
        except zlib.error as error:
            raise SourceError(
                "the body cannot be decompressed", kind="parse_failed", value=str(error)
            ) from error
        if unpacker.unconsumed_tail:
            raise SourceError(
                "the decompressed body is too large", kind="parse_failed", value=MAX_UNPACKED_BYTES
            )
        oddities["packed_body"] = oddities.get("packed_body", 0) + 1
    return body


def _decoded(body: bytes, charset: str, oddities: dict[str, int]) -> tuple[str, str]:
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace"), name
    if body.startswith(_EBCDIC):
        return _of_ebcdic(body)
    named = _PROLOG_CHARSET.match(body[:300].lstrip())
    prolog = named[1].decode("ascii") if named else ""
    is_seven_bit = any(_SEVEN_BIT.match(name) for name in (charset, prolog) if name)
    if not is_seven_bit and b"\x00" not in body and b"\x1b" not in body:
        text = _strictly(body, "utf-8")
        if text is not None:
            if any(name and _codec(name) not in ("utf-8", "ascii") for name in (charset, prolog)):
                oddities["charset_wrong"] = 1
            return text, "utf-8"
    for name in (charset, prolog, _detected(body)):
        for known in (_WIDER.get(_codec(name), ""), name):
            text = _strictly(body, known)
            if text is not None:
                return text, _codec(known)
    oddities["charset_unreadable"] = 1
    fallback = next((name for name in (charset, prolog) if _codec(name)), "utf-8")
    return body.decode(fallback, "replace"), _codec(fallback)


def _of_ebcdic(body: bytes) -> tuple[str, str]:
    prolog = _PROLOG_CHARSET.match(body[:300].decode("cp037").encode("latin-1", "replace"))
    named = _codec(prolog[1].decode("ascii")) if prolog else ""
    name = named if named and "<?xm".encode(named, "replace") == _EBCDIC else "cp037"
    # Its line end is a character that is not white space in XML.
    return body.decode(name, "replace").replace("\x85", "\n"), name


def _detected(body: bytes) -> str:
    # UTF-16 without a byte order mark: nearly every other byte is NUL.
    sample = body[:400]
    if sample[1::2].count(0) > len(sample) // 4:
        return "utf-16-le"
    if sample[0::2].count(0) > len(sample) // 4:
        return "utf-16-be"
    if b"\x1b$" in body:
        return "iso-2022-jp"
    found = str(detect_encoding(body[:HEAD_CHARACTERS]) or "")
    if _codec(found) != "utf-8":
        return found
    # It is not UTF-8, which was tried before: the detector does not know Korean.
    text = _strictly(body, "cp949") or ""
    return "cp949" if 2 * len(_HANGUL.findall(text)) > len(_FOREIGN.findall(text)) else found


def _strictly(body: bytes, name: str) -> str | None:
    if not _codec(name):
        return None
    try:
        return body.decode(name)
    except (UnicodeError, ValueError):
        return None


def _codec(name: str) -> str:
    try:
        found = codecs.lookup(name.strip()) if name.strip() else None
    except (LookupError, ValueError):
        return ""
    # Codecs such as `zip` or `rot13` are not charsets.
    if found is None or not getattr(found, "_is_text_encoding", True):
        return ""
    return "" if found.name.replace("-", "_") in _NO_CHARSETS else found.name
