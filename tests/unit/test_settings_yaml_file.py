"""YAML is read as version 1.2, with the line of each key, as ruamel.yaml reads it too."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from ingest.errors import ConfigError, ConfigFault
from ingest.settings.feeds import feeds_of_text
from ingest.settings.feeds_edit import dumped
from ingest.settings.yaml_file import YamlFile, parse_yaml, read_yaml

PATH = Path("config/feeds.yml")

VALUES = st.sampled_from(
    [
        "https://elsin.example/feed?a=1&b=2#top", "'https://elsin.example/it''s'", "https://b.example",
        '"quoted: text"', "'single # text'", "The Elsin Gazette", "Bits & Pieces", "Новости Эльсина",
        "Gazette, Elsin", "ends: here", "ends:", "text # and a comment", "a#b", "5", "0.25", "007",
        "1_000", "1e3", "true", "True", "yes", "null", "~", "", "2026-01-02", "-4", "[a, b]", "{x: y}",
        "'open", '"tab\\t"', "0x1F", "12:30", ".5", "@here", "`x`", "> folded", "|", "obey", "de",
        "{env: HOME}", "?", "- x", "%a", "http://bad host.example", "on", "n", "0o17", "0b11", "010",
        "09", "1:2:3", "-.inf", ".5e3", "1.e3", "[{a: 1}, [2, no]]", "{a: {b: [c]}}",
    ]
)  # fmt: skip
NUMBERS = st.text("0123456789_.+-exobTZ", min_size=1, max_size=8)
KEYS = st.sampled_from(["url", "id", "publisher", "group", "headers", "no", "12", "<<", "urls"])
PAIRS = st.lists(st.tuples(KEYS, VALUES | NUMBERS), min_size=1, max_size=4)


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
     "odd: key\n", "---\n", "groups: &all {german: {}}\n", "%YAML 1.2\n---\n"]
)  # fmt: skip
ENDS = st.sampled_from(["", "groups: {german: {language: de}}\n", "other: 1\n", "feeds: []\n"])


def plain(value: Any) -> Any:
    """Return what ruamel read as data that compares with ours."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    kind = next((kind for kind in (str, int, float) if isinstance(value, kind)), None)
    return repr(value) if kind is None else kind(value)


def assert_same_lines(tree: Any, file: YamlFile, place: tuple[str | int, ...] = ()) -> None:
    if isinstance(tree, CommentedMap):
        for key, (line, *_) in (tree.lc.data or {}).items():
            assert file.line_of((*place, str(key))) == line + 1
            assert_same_lines(tree[key], file, (*place, str(key)))
    elif isinstance(tree, CommentedSeq):
        for number, item in enumerate(tree):
            assert file.line_of((*place, number)) == tree.lc.item(number)[0] + 1
            assert_same_lines(item, file, (*place, number))


@pytest.mark.slow
@settings(max_examples=600, deadline=None)
@given(TOPS, st.lists(BLOCKS, max_size=6), ENDS)
def test_values_and_lines_are_those_of_ruamel(top: str, blocks: list[str], end: str) -> None:
    text = f"{top}feeds:\n{''.join(blocks)}{end}"
    try:
        tree = YAML(typ="rt", pure=True).load(text)
    except (YAMLError, ValueError, IndexError):
        with pytest.raises(ConfigError):
            parse_yaml(text, PATH)
        return
    try:
        file = parse_yaml(text, PATH)
    except ConfigError:
        assert "<<" in text or "ends:" in text  # libyaml is stricter with these
        return
    if "<<" not in text:
        assert plain(file.data) == plain(tree)
        assert_same_lines(tree, file)


def fault_of(text: str) -> ConfigFault:
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, PATH)
    (fault,) = caught.value.faults
    assert fault.file == "config/feeds.yml"
    return fault


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("feeds:\n  - url: a\n    url: b\n", 3, "found duplicate key 'url'"),
        ("feeds:\n  - 'a\n", 3, "is not valid YAML"),
        ("a: 1\nb: c: d\n", 2, "is not valid YAML"),
        ("a: 1\nb: *none\n", 2, "an alias without its anchor"),
        ("a: 1\nb: &b [*b]\n", 2, "an alias without its anchor"),
        ("a: 1\n---\nb: 1\n", 2, "found another"),
        ("a: 1\n? [b]\n: 1\n", 2, "a key must be plain text"),
        ("a: 1\nb: !python/name:os.system x\n", 2, "the tag is not known"),
        ("a: 1\nb: {<<: 1}\n", 2, "only mappings can be merged"),
        ("a: 1\nb: " + "[" * 500 + "]" * 500, 2, "deep"),
        ("- a\n", 1, "must be a mapping"),
        ("a: 2026-13-45\n", None, "is not valid YAML"),
        ("a: 1\nb: \"\U0001f600\x01\"\n", 2, "character U+0001 is not allowed"),
    ],
)  # fmt: skip
def test_what_is_not_valid_is_refused_with_its_line(
    text: str, line: int | None, reason: str
) -> None:
    fault = fault_of(text)
    assert reason in fault.reason
    assert fault.line == line


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "~\n"])
def test_an_empty_file_is_an_empty_mapping(text: str) -> None:
    assert parse_yaml(text, PATH).data == {}


def test_references_and_merges_bring_in_what_they_name() -> None:
    file = parse_yaml("a: &a {x: 1, y: 2}\nb: *a\nc:\n  <<: *a\n  y: 3\n", PATH)
    assert file.data == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 2}, "c": {"y": 3, "x": 1}}
    assert [file.line_of(("c", key)) for key in ("x", "y")] == [4, 5]


def test_references_that_grow_without_end_are_refused() -> None:
    laughs = "a0: &a0 [ha]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
    )
    assert "repeat too much" in fault_of(laughs).reason


def test_what_was_read_can_be_written_again() -> None:
    text = "feeds:\n  - url: https://a.example\n    headers:\n      X: '1'\n    list:\n      - no\n"
    written = dumped(parse_yaml(text, PATH).data)
    assert YAML(typ="safe", pure=True).load(io.StringIO(written)) == parse_yaml(text, PATH).data


def test_a_fault_in_a_long_list_is_told_at_its_line() -> None:
    blocks = "".join(
        f"  - url: https://elsin-{number}.example/feed\n    publisher: The {number} Gazette\n"
        for number in range(1_000)
    )
    more = (
        "\n  # The next one is wrong.\n  - url: https://elsin.example/x\n    language: german\n"
        "  - url: https://elsin.example/y\n    headers: {X: [1]}\n"
        "  - url: https://elsin-7.example/feed\n"
    )
    found = feeds_of_text(f"groups:\n  german:\n    language: de\nfeeds:\n{blocks}{more}", PATH, {})
    places = [(fault.line, fault.key) for fault in found.faults]
    assert places == [(2008, "feeds.1000.language"), (2010, "feeds.1001.headers.X"),
                      (2011, "feeds.1002")]  # fmt: skip
    assert len(found.feeds) == 1_000


def test_a_file_that_is_not_utf_8_is_refused_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "feeds.yml"
    path.write_bytes(b"feeds:\n  - url: http://a.example/\n    publisher: caf\xe9\n")
    with pytest.raises(ConfigError) as caught:
        read_yaml(path)
    (fault,) = caught.value.faults
    assert (fault.line, fault.reason.rpartition(": ")[2]) == (3, "byte 0xe9")
