"""config/sites.yml: what is peculiar to single sites."""

from pathlib import Path

import pytest

from ingest.settings.site_rules import NO_RULES, check_xpath
from ingest.settings.sites import read_sites

SHIPPED = Path(__file__).parents[2] / "config" / "sites.yml"


def test_the_shipped_file_is_free_of_faults() -> None:
    sites, faults = read_sites(SHIPPED)
    assert faults == []
    assert sites.gaps() == {"slow-gazette.example": 5}


def test_a_missing_file_says_nothing(tmp_path: Path) -> None:
    sites, faults = read_sites(tmp_path / "sites.yml")
    assert (sites.gaps(), sites.tracking_of("https://a.example/"), faults) == ({}, (), [])


def test_tracking_parameters_are_those_of_all_sites_and_of_the_one(tmp_path: Path) -> None:
    path = tmp_path / "sites.yml"
    path.write_text(
        "tracking_parameters: [Kk_*]\nsites: {a.example: {tracking_parameters: [ref]}}\n"
    )
    sites, faults = read_sites(path)
    assert faults == []
    assert sites.tracking_of("https://www.a.example/x") == ("kk_*", "ref")
    assert sites.tracking_of("https://b.example/x") == ("kk_*",)


def test_every_fault_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "sites.yml"
    path.write_text("sites:\n  a.example:\n    gap_secs: 5\n  b.example: {gap_seconds: -1}\n")
    _, faults = read_sites(path)
    assert [(fault.line, fault.key) for fault in faults] == [
        (3, "sites.a.example.gap_secs"),
        (4, "sites.b.example.gap_seconds"),
    ]
    path.write_text("sites:\n  www.a.example: {gap_seconds: 5}\n")
    _, (fault,) = read_sites(path)
    assert (fault.line, fault.remedy) == (2, "write it under a.example")


def test_the_longest_match_of_host_or_domain_counts_key_by_key(tmp_path: Path) -> None:
    path = tmp_path / "sites.yml"
    path.write_text(
        "sites:\n"
        "  a.example: {mode: thorough, timezone: Europe/Berlin, tracking_parameters: [ref]}\n"
        "  sport.a.example: {mode: precision, prune_xpath: //aside, tracking_parameters: [tab]}\n"
        "  b.example: {tracking_parameters: [x]}\n"
    )
    sites, faults = read_sites(path)
    assert faults == []
    sport = sites.rules_of("https://www.sport.a.example/x")
    assert (sport.mode, sport.timezone, sport.prune_xpath) == (
        "precision",
        "Europe/Berlin",
        ("//aside",),
    )
    assert sport.site == "sport.a.example a.example"
    other = sites.rules_of("https://news.a.example/x")
    assert (other.mode, other.prune_xpath, other.site) == ("thorough", (), "a.example")
    for url in ("https://b.example/", "https://nota.example/", "https://xa.example/", "/etc/a", ""):
        assert sites.rules_of(url) == NO_RULES
    assert sites.tracking_of("https://sport.a.example/x") == ("tab", "ref")
    assert sites.tracking_of("https://news.a.example/x") == ("ref",)


def test_every_key_of_a_site_is_judged_and_all_faults_come_at_once(tmp_path: Path) -> None:
    path = tmp_path / "sites.yml"
    path.write_text(
        "sites:\n"
        "  a.example:\n"
        "    prune_xpath:\n"
        "      - //aside\n"
        "      - //div[\n"
        "    body_xpath: count(//p)\n"
        "    mode: quick\n"
        "    rescue_ratio: -1\n"
        "    timezone: Mars/Olympus\n"
        "    opinion_paths: [a/b]\n"
        "    prefer_feed: true\n"
        "  B.example: {}\n"
    )
    _, faults = read_sites(path)
    assert sorted((fault.line or 0, fault.key) for fault in faults) == [
        (5, "sites.a.example.prune_xpath.1"),
        (6, "sites.a.example.body_xpath"),
        (7, "sites.a.example.mode"),
        (8, "sites.a.example.rescue_ratio"),
        (9, "sites.a.example.timezone"),
        (10, "sites.a.example.opinion_paths.0"),
        (11, "sites.a.example.prefer_feed"),
        (12, "sites.B.example"),
    ]
    assert all(fault.reason and fault.remedy for fault in faults)
    path.write_text("sites:\n  B.example: {}\n  'a b': {}\n")
    _, faults = read_sites(path)
    assert [(fault.line, fault.remedy) for fault in faults] == [
        (2, "write b.example"),
        (3, "write a domain such as news.example"),
    ]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("//div[", "is not valid XPath"),
        ("//p[re:test(., '(a+)+$')]", "is not valid XPath"),
        ("//p[unknown(.)]", "is not valid XPath"),
        ("string(//p)", "must return elements"),
        ("//p" + "[1]" * 500, "at most 1000 are allowed"),
    ],
)
def test_an_xpath_that_cannot_be_carried_out_is_refused(path: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_xpath(path)
