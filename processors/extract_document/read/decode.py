"""Decodes the bytes of a page into clean text; refuses pages that cost a parser too much."""

from __future__ import annotations

import codecs
import re
import sys
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from resiliparse.parse.encoding import detect_encoding

#: Bytes of the page in which a declared charset counts.
_PROLOGUE_BYTES = 2048
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_META_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{2,40})""", re.I)
_HEADER_CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([\w.:-]{2,40})""", re.I)
#: Controls except tab and newline, lone surrogates, and the two non-characters that XML forbids.
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_CONTROL_BYTES = bytes(byte for byte in (*range(32), 127) if byte not in (9, 10))
#: Printable ASCII, tab and newline, and all bytes of letters below U+0300.
_HARMLESS_BYTES = bytes(byte for byte in range(0xCC) if byte not in _CONTROL_BYTES)
_C1 = re.compile(rb"\xc2[\x80-\x9f]")
_PERHAPS_NOT_NFC = re.compile(rb"\xe2(?:[^\x80]|\x80[\x80\x81])")
_NON_CHARACTER = re.compile(rb"\xef\xbf[\xbe\xbf]")
_SEVEN_BIT = frozenset({"iso2022_jp", "iso2022_kr", "hz"})
#: Encodings that a detector reports but nobody means.
_NO_NEWS = frozenset({"utf-8", "ascii"})

#: Labels of the WHATWG encoding standard that mean something else than Python's codec of that name
#: (https://encoding.spec.whatwg.org/#names-and-labels); other labels are looked up as they are if
#: they name an encoding of the standard.
_WHATWG = {
    "ascii": "cp1252", "us-ascii": "cp1252", "latin1": "cp1252", "l1": "cp1252",
    "iso-8859-1": "cp1252", "iso8859-1": "cp1252", "iso88591": "cp1252", "iso_8859-1": "cp1252",
    "cp819": "cp1252", "x-cp1252": "cp1252", "ansi_x3.4-1968": "cp1252", "windows-1252": "cp1252",
    "iso-8859-9": "cp1254", "iso8859-9": "cp1254", "latin5": "cp1254", "l5": "cp1254",
    "x-cp1254": "cp1254", "x-cp1250": "cp1250", "x-cp1251": "cp1251",
    "iso-8859-11": "cp874", "tis-620": "cp874", "dos-874": "cp874",
    "iso-8859-8-i": "iso8859_8", "logical": "iso8859_8",
    "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "gb_2312": "gb18030",
    "gb_2312-80": "gb18030", "chinese": "gb18030", "csgb2312": "gb18030",
    "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932",
    "ms_kanji": "cp932", "windows-31j": "cp932", "csshiftjis": "cp932",
    "euc-kr": "cp949", "ks_c_5601-1987": "cp949", "ks_c_5601-1989": "cp949", "ksc5601": "cp949",
    "korean": "cp949", "windows-949": "cp949", "cseuckr": "cp949",
    "big5": "big5hkscs", "big5-hkscs": "big5hkscs", "cn-big5": "big5hkscs", "x-x-big5": "big5hkscs",
    "x-euc-jp": "euc_jp", "macintosh": "mac_roman", "mac": "mac_roman",
    "x-mac-roman": "mac_roman", "x-mac-cyrillic": "mac_cyrillic", "x-mac-ukrainian": "mac_cyrillic",
    "utf-16": "utf-16-le", "ucs-2": "utf-16-le", "unicode": "utf-16-le",
    "unicode-1-1-utf-8": "utf-8", "utf8": "utf-8", "unicode11utf8": "utf-8",
}  # fmt: skip
_STANDARD = frozenset(
    {
        "utf-8", "utf-16-le", "utf-16-be", "cp866", "koi8-r", "koi8-u", "mac-roman", "mac-cyrillic",
        "cp874", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257",
        "cp1258", "gb18030", "big5hkscs", "euc_jp", "cp932", "cp949", "iso2022_jp",
        "iso8859-2", "iso8859-3", "iso8859-4", "iso8859-5", "iso8859-6", "iso8859-7", "iso8859-8",
        "iso8859-10", "iso8859-13", "iso8859-14", "iso8859-15", "iso8859-16",
    }
)  # fmt: skip
#: As many as the stream-safe text format of Unicode allows (UAX #15, section 13).
MAX_MARKS = 30
#: First bytes of files that are not pages, whatever their Content-Type says.
_FOREIGN = (
    b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"\x1f\x8b", b"RIFF", b"ID3",
    b"7z\xbc\xaf", b"Rar!", b"\x7fELF", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"OggS", b"fLaC",
    b"\x00\x00\x01\x00", b"wOFF", b"wOF2", b"\xd0\xcf\x11\xe0", b"SQLite format 3", b"{\\rtf",
    b"\xca\xfe\xba\xbe", b"MZ\x90",
)  # fmt: skip
_FOREIGN_TYPES = ("image/", "video/", "audio/", "font/", "application/pdf", "application/zip")
_SAMPLE_BYTES = 8192
_MAX_CONTROL_SHARE = 0.05
_LEGITIMATE_CONTROLS = b"\t\n\x0c\r\x1b"
_CONTROLS = bytes(byte for byte in range(32) if byte not in _LEGITIMATE_CONTROLS) + b"\x7f"
#: Attributes are counted only in tags longer than this.
_LONG_TAG_CHARACTERS = 20_000
_LONG_TAG = re.compile(rf"<[a-zA-Z][^<>]{{{_LONG_TAG_CHARACTERS},}}")
_QUOTED = re.compile(r""""[^"]*"|'[^']*'""")


class Decoded(NamedTuple):
    """Clean text, its encoding, and which rule determined the encoding.

    `source` is one of: bom, valid_utf8, http, meta, detected, replacement.
    """

    text: str
    encoding: str
    source: str


def decode(data: bytes, content_type: str = "") -> Decoded:
    """Return the text of a page's bytes; `content_type` is the HTTP header's value.

    The text has no lone surrogates and no controls except tab and newline; it is in NFC, with line
    ends `\\n`. Errors: none; undecodable bytes become U+FFFD. Bytes that are not UTF-8 and declare
    no charset are first tried in the charset that they look like.
    """
    if data.startswith(_UTF_16_MARKS) and b"\x00" not in data:
        data = data[2:]  # markup in UTF-16 holds NUL bytes: the mark is wrong
    text, encoding, source = _decoded(data, content_type)
    # Valid UTF-8 need not be encoded again to look at its bytes.
    is_known = source == "valid_utf8" and "\r" not in text
    return Decoded(_cleaned(text, data if is_known else None), encoding, source)


def clean(text: str) -> str:
    """Return the text without surrogates and controls, in NFC, with `\\n` as line end."""
    if text.isascii() and text.isprintable():
        return text
    return _cleaned(text, None)


def _cleaned(text: str, data: bytes | None) -> str:
    """Return the text cleaned; `data` is the same text in UTF-8 if available."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    looks = _look(text, data)
    if looks.has_unwanted:
        text = _UNWANTED.sub("", text).replace("\x85", "\n")
    if looks.is_surely_nfc:
        return text
    text = limit_marks(text)
    if unicodedata.is_normalized("NFC", text):
        return text
    return unicodedata.normalize("NFC", text)


class _Looks(NamedTuple):
    has_unwanted: bool
    is_surely_nfc: bool


def _look(text: str, data: bytes | None) -> _Looks:
    """Return whether a text may contain anything unwanted, and whether it is surely in NFC.

    Looking at its bytes is five times as fast as searching the text. All below U+0300 is in NFC,
    and so is everything that begins with the bytes E2 80 (dashes, quotes) except the first two,
    which are spaces.
    """
    if data is None:
        try:
            data = text.encode("utf-8")
        except UnicodeEncodeError:  # a lone surrogate
            return _Looks(True, False)
    rest = data.translate(None, _HARMLESS_BYTES)
    has_unwanted = (
        len(rest.translate(None, _CONTROL_BYTES)) != len(rest)
        or (len(data) != len(text) and bool(_C1.search(data)))
        or (b"\xef" in rest and bool(_NON_CHARACTER.search(data)))
    )
    is_latin = not rest.translate(None, b"\xe2" + _CONTROL_BYTES)
    return _Looks(has_unwanted, is_latin and not _PERHAPS_NOT_NFC.search(data))


def codec_of(label: str) -> str:
    """Return the Python codec for a charset label on the web; `""` for an unknown one."""
    label = label.strip().lower()
    if label in _WHATWG:
        return _WHATWG[label]
    try:
        name = codecs.lookup(label).name
    except (LookupError, ValueError):
        return ""
    return name if name in _STANDARD else ""


def _decoded(data: bytes, content_type: str) -> tuple[str, str, str]:
    for mark, codec in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(codec, "replace"), codec, "bom"
    declared = _declared(data, content_type)
    is_seven_bit = any(codec in _SEVEN_BIT for codec, _ in declared)
    if not is_seven_bit and b"\x00" not in data and b"\x1b" not in data:
        try:
            return data.decode("utf-8"), "utf-8", "valid_utf8"
        except UnicodeDecodeError:
            pass
    for codec, source in declared:
        return data.decode(codec, "replace"), codec, source
    if b"\x00" not in data:
        looks_like = codec_of(detect_encoding(data) or "")
        if looks_like and looks_like not in _NO_NEWS:
            return data.decode(looks_like, "replace"), looks_like, "detected"
    return data.decode("utf-8", "replace"), "utf-8", "replacement"


def _declared(data: bytes, content_type: str) -> list[tuple[str, str]]:
    """Return the codecs that header and page declare, the most reliable first."""
    found = []
    in_header = _HEADER_CHARSET.search(content_type)
    if in_header and (codec := codec_of(in_header[1])):
        found.append((codec, "http"))
    in_page = _META_CHARSET.search(data[:_PROLOGUE_BYTES])
    if in_page and (codec := codec_of(in_page[1].decode("ascii", "replace"))):
        # A page that could be read this far is not UTF-16, whatever it declares.
        found.append(("utf-8" if codec.startswith("utf-16") else codec, "meta"))
    return found


def limit_marks(text: str) -> str:
    """Return the text with at most 30 combining marks in a row.

    Half a million marks out of order kept a normaliser busy for minutes. A longer run covers a
    thirtieth character: only a text with a mark at one of those is searched.
    """
    if not any(map(unicodedata.combining, set(text[::MAX_MARKS]))):
        return text
    return _too_many().sub(r"\1", text)


@cache
def _too_many() -> re.Pattern[str]:
    """Return the pattern of a run that is too long; compiled on first use."""
    codes = [code for code in range(0x300, sys.maxunicode + 1) if unicodedata.combining(chr(code))]
    marks = f"[{''.join(map(chr, codes))}]"
    return re.compile(f"({marks}{{{MAX_MARKS}}}){marks}+")


class Limits(NamedTuple):
    """What a page may cost."""

    max_parsed_characters: int
    max_tags: int
    max_tag_attributes: int


class Guarded(NamedTuple):
    """The part of a page to parse. `refusal` is "", too_many_tags or too_many_attributes."""

    html: str
    is_truncated: bool
    refusal: str


def is_foreign(data: bytes, content_type: str = "") -> bool:
    """Return whether these bytes are not text at all: PDF, image, archive, noise.

    Either the bytes or the Content-Type can say so.
    """
    declared = content_type.strip().lower()
    if declared.startswith(_FOREIGN_TYPES):
        return True
    if data.startswith(_FOREIGN) or data[4:8] == b"ftyp":
        return True
    return "utf-16" not in declared and control_share(data) > _MAX_CONTROL_SHARE


def is_binary_file(data: bytes) -> bool:
    """Return whether a file from disk is not text: NUL bytes without a UTF-16 mark count too."""
    is_utf_16 = data.startswith(_UTF_16_MARKS)
    return is_foreign(data) or (not is_utf_16 and b"\x00" in data[:_SAMPLE_BYTES])


def control_share(data: bytes) -> float:
    """Return the share of control characters in the first bytes, 0 to 1; 0 for UTF-16."""
    sample = data[:_SAMPLE_BYTES]
    if not sample or data.startswith(_UTF_16_MARKS):
        return 0.0
    return 1 - len(sample.translate(None, _CONTROLS)) / len(sample)


def guard(html: str, limits: Limits) -> Guarded:
    """Cut the page at its limit of characters; refuse too many tags or attributes.

    Errors: none. Cost is linear in the length.
    libxml2 is quadratic in the attributes of one tag.
    """
    is_truncated = len(html) > limits.max_parsed_characters
    if is_truncated:
        html = html[: limits.max_parsed_characters]
    if html.count("<") > limits.max_tags:
        return Guarded("", is_truncated, "too_many_tags")
    for tag in long_tags(html):
        if len(_QUOTED.sub("", tag).split()) > limits.max_tag_attributes:
            return Guarded("", is_truncated, "too_many_attributes")
    return Guarded(html, is_truncated, "")


def long_tags(html: str) -> Iterator[str]:
    """Return the beginnings of all tags longer than 20,000 characters, up to the next `<` or `>`.

    Searches in steps of that length: a tag that ends before the last `<` within reach is shorter.
    """
    start = html.find("<")
    while start >= 0:
        reach = start + _LONG_TAG_CHARACTERS + 2
        last = html.rfind("<", start + 1, reach)
        if last > start:
            start = last
            continue
        tag = _LONG_TAG.match(html, start) if html.find(">", start, reach) < 0 else None
        if tag:
            yield tag[0]
        start = html.find("<", start + 1)
