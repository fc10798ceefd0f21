"""Decoding: which rule names the encoding, and what is cleaned away."""

from __future__ import annotations

import re
import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.extract_document.read.decode import clean, codec_of, decode

CAFE = "Das Café an der Straße öffnet früh, sagte Frau Müller. "


def test_valid_utf_8_wins_over_a_wrong_header() -> None:
    assert decode(CAFE.encode(), "text/html; charset=iso-8859-1") == (CAFE, "utf-8", "valid_utf8")


def test_a_byte_order_mark_wins_over_everything() -> None:
    data = b"\xff\xfe" + CAFE.encode("utf-16-le")
    assert decode(data, "text/html; charset=utf-8") == (CAFE, "utf-16-le", "bom")
    assert decode(b"\xef\xbb\xbf" + CAFE.encode()).source == "bom"


def test_the_header_counts_for_bytes_that_are_no_utf_8() -> None:
    data = CAFE.encode("cp1252") + b"<meta charset=windows-1251>"
    assert decode(data, "text/html; charset=ISO-8859-1").text.startswith(CAFE)
    assert decode(data, "text/html; charset=ISO-8859-1").source == "http"


def test_the_meta_tag_counts_when_the_header_is_silent() -> None:
    text = "Сегодня в городе прошло собрание"
    data = f"<html><head><meta charset='windows-1251'></head>{text}".encode("cp1251")
    found = decode(data, "text/html")
    assert text in found.text
    assert (found.encoding, found.source) == ("cp1251", "meta")
    old = b'<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">'
    assert decode(old + text.encode("koi8-r")).text.endswith(text)


def test_one_bad_byte_in_utf_8_spoils_one_letter_only() -> None:
    data = CAFE.encode() + b"\xff" + CAFE.encode()
    assert decode(data, "text/html; charset=utf-8").text == f"{CAFE}�{CAFE}"


def test_bytes_that_declare_nothing_are_read_as_what_they_look_like() -> None:
    found = decode((CAFE * 4).encode("cp1252"))
    assert (found.text, found.source) == (CAFE * 4, "detected")


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("ISO-8859-1", "cp1252"), ("us-ascii", "cp1252"), ("gb2312", "gb18030"),
        ("Shift_JIS", "cp932"), ("euc-kr", "cp949"), ("utf8", "utf-8"), ("iso-8859-2", "iso8859-2"),
        ("utf-7", ""), ("rot13", ""), ("no-such-thing", ""), ("", ""), ("zlib", ""),
    ],
)  # fmt: skip
def test_labels_mean_what_they_mean_on_the_web(label: str, codec: str) -> None:
    assert codec_of(label) == codec


def test_seven_bit_japanese_is_no_valid_utf_8() -> None:
    text = "今日は町で会議が行われました。"
    data = text.encode("iso2022_jp")
    assert decode(data, "text/html; charset=iso-2022-jp").text == text


def test_controls_and_line_ends_are_cleaned() -> None:
    assert clean("a\x00b\x0bc\r\nd\re\tf\x85g\x9f") == "abc\nd\ne\tf\ng"
    assert clean("cafe\u0301") == "café"
    assert clean("x\ud800y\ufffe") == "xy"


def test_a_mark_of_utf_16_before_other_bytes_lies() -> None:
    assert decode(b"\xff\xfe<p>K\xc3\xa4se</p>").encoding == "utf-8"
    assert "<p>Käse</p>" in decode(b"\xfe\xff<p>K\xc3\xa4se</p>").text


def test_an_endless_run_of_marks_is_cut_and_others_stay() -> None:
    marks = "\u0316\u0301" * 200_000
    assert len(clean(f"Caf\u00e9 a{marks} b")) < 50
    hebrew = "\u05d1\u05b0\u05bc\u05e8\u05b5\u05d0\u05e9\u05c1\u05b4\u05d9\u05ea " * 100
    assert clean(hebrew) == unicodedata.normalize("NFC", hebrew)
    assert clean("e\u0301" * 1000) == "\u00e9" * 1000


@pytest.mark.slow
def test_every_character_is_cleaned_as_by_looking_at_each() -> None:
    unwanted = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
    for code in range(sys.maxunicode + 1):
        text = f"a{chr(code)}\u0301"
        wanted = unwanted.sub("", text).replace("\x85", "\n").replace("\r", "\n")
        assert clean(text) == unicodedata.normalize("NFC", wanted)


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_page_is_cleaned_like_any_text(line_end: str) -> None:
    text = line_end.join(["cafe\u0301 – “x” ☃", "a\x0bb\x9f", "\u2126\u2000", "\ufffe"])
    assert decode(text.encode()).text == clean(text) == "café – “x” ☃\nab\nΩ\u2002\n"


@settings(deadline=None)
@given(
    st.binary(max_size=400), st.sampled_from(["", "text/html; charset=utf-16", "x; charset=big5"])
)
def test_any_bytes_become_text_that_can_be_written(data: bytes, content_type: str) -> None:
    text = decode(data, content_type).text
    text.encode("utf-8")
    assert "\x00" not in text
    assert clean(text) == text
