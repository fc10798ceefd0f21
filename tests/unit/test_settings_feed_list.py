"""A long list of feeds is read by lines, and says what the YAML library would say of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.settings.feed_list import LONG_CHARACTERS, feed_list_of
from ingest.settings.feeds import FeedsFile, _feeds_of, feeds_of_text
from ingest.settings.yaml_file import YamlFile, parse_yaml, plain

PATH = Path("config/feeds.yml")
NAME = "config/feeds.yml"
NO_VARIABLES: dict[str, str] = {}

VALUES = st.sampled_from(
    [
        "https://elsin.example/feed?a=1&b=2#top", "'https://elsin.example/it''s'", "https://b.example",
        '"quoted: text"', "'single # text'", "The Elsin Gazette", "Bits & Pieces", "Новости Эльсина",
        "Gazette, Elsin", "ends: here", "ends:", "text # and a comment", "a#b", "5", "0.25", "007",
        "1_000", "1e3", "true", "True", "yes", "null", "~", "", "2026-01-02", "-4", "[a, b]", "{x: y}",
        "'open", '"tab\\t"', "0x1F", "12:30", ".5", "@here", "`x`", "> folded", "|", "obey", "de",
        "{env: HOME}", "?", "- x", "%a", "http://bad host.example",
    ]
)  # fmt: skip
KEYS = st.sampled_from(
    ["url", "id", "publisher", "language", "group", "priority", "enabled", "robots", "headers",
     "min_interval_minutes", "cookie", "urls"]
)  # fmt: skip
PAIRS = st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=4)


def block_style(pairs: list[tuple[str, str]], comment: str) -> str:
    lines = [f"{key}: {value}".rstrip() for key, value in pairs]
    return "  - " + f"\n{comment}    ".join(lines) + "\n"


def flow_style(pairs: list[tuple[str, str]], comment: str) -> str:
    return "  - {" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}\n" + comment


BLOCKS = st.one_of(
    st.builds(block_style, PAIRS, st.sampled_from(["", "", "# between\n", "\n"])),
    st.builds(flow_style, PAIRS, st.sampled_from(["", "\n"])),
    st.builds("  - {}\n".format, VALUES),
    st.sampled_from(["    more text\n", "  - url: https://c.example/feed\n      on two lines\n",
                     "  - url: |\n      https://d.example\n", "# - url: none\n", "   - odd: depth\n",
                     "  - url: https://e.example\n    headers: {X-Name: [1]}\n", "  -\n",
                     "  -   url: https://f.example\n      language: de\n"]),
)  # fmt: skip
TOPS = st.sampled_from(
    ["", "# A list.\n", "groups:\n  german: {language: de}\n", "groups: {german: {language: xx}}\n",
     "odd: key\n", "---\n", "groups: &all {german: {}}\n"]
)  # fmt: skip
ENDS = st.sampled_from(["", "groups: {german: {language: de}}\n", "other: 1\n", "feeds: []\n"])


@pytest.mark.slow
@settings(max_examples=600, deadline=None)
@given(TOPS, st.lists(BLOCKS, max_size=6), ENDS)
def test_both_ways_say_the_same(top: str, blocks: list[str], end: str) -> None:
    text = f"{top}feeds:\n{''.join(blocks)}{end}"
    quick = feed_list_of(text, PATH, NAME, least_characters=0)
    if quick is None:
        return
    slow = parse_yaml(text, PATH, NAME)
    assert list(quick.blocks()) == plain(slow.data["feeds"])
    assert told(quick) == told(slow)


def told(file: YamlFile) -> FeedsFile:
    return _feeds_of(file, NO_VARIABLES)


def a_list(count: int, more: str = "") -> str:
    blocks = "".join(
        f"  - url: https://elsin-{number}.example/feed\n    publisher: The {number} Gazette\n"
        for number in range(count)
    )
    return f"groups:\n  german:\n    language: de\nfeeds:\n{blocks}{more}"


def test_a_value_that_goes_on_after_a_comment_is_left_to_the_library() -> None:
    text = "feeds:\n  - https://elsin.example/feed\n# between\n    more text\n"
    assert feed_list_of(text, PATH, NAME, least_characters=0) is None


def test_a_plain_list_is_read_by_lines() -> None:
    file = feed_list_of(a_list(1_000), PATH, NAME)
    assert file is not None
    assert len(list(file.blocks())) == 1_000


def test_a_short_list_is_left_to_the_library() -> None:
    assert len(a_list(3)) < LONG_CHARACTERS
    assert feed_list_of(a_list(3), PATH, NAME) is None


@pytest.mark.parametrize(
    "block",
    [
        "  - url: https://elsin.example/x\n    headers: {X-Name: elsin}\n",
        "  - url: https://elsin.example/x\n    cookie:\n      env: ELSIN\n",
        "  - {url: 'https://elsin.example/x', group: german, priority: 2.5, enabled: false}\n",
    ],
)
def test_a_block_that_is_not_plain_costs_only_itself(block: str) -> None:
    text = a_list(1_000, block)
    quick = feed_list_of(text, PATH, NAME)
    assert quick is not None
    assert told(quick) == told(parse_yaml(text, PATH, NAME))


def test_a_fault_is_told_at_its_line() -> None:
    more = (
        "\n  # The next one is wrong.\n  - url: https://elsin.example/x\n    language: german\n"
        "  - url: https://elsin.example/y\n    headers: {X: [1]}\n"
        "  - url: https://elsin-7.example/feed\n"
    )
    found = feeds_of_text(a_list(1_000, more), PATH, NO_VARIABLES)
    places = [(fault.line, fault.key) for fault in found.faults]
    assert places == [(2008, "feeds.1000.language"), (2010, "feeds.1001.headers.X"),
                      (2011, "feeds.1002")]  # fmt: skip
    assert len(found.feeds) == 1_000


@pytest.mark.parametrize(
    "more",
    [
        "  - &first\n    url: https://elsin.example/x\n",
        "  - url: 'https://elsin.example/x\n  - url: https://elsin.example/y'\n",
        "   - url: https://elsin.example/x\n",
        "  - url: https://elsin.example/x\n    url: https://elsin.example/y\n",
        "  - url: https://elsin.example/x\r\n",
    ],
)
def test_a_list_that_lines_do_not_tell_apart_is_left_to_the_library(more: str) -> None:
    assert feed_list_of(a_list(1_000, more), PATH, NAME) is None
