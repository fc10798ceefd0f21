"""Wrong settings are refused whole, each fault with its place, value, reason and remedy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ingest.bootstrap.engines import checked_settings
from ingest.errors import ConfigError, ConfigFault
from ingest.settings.feeds import feeds_of_text
from ingest.settings.load import load

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    target = tmp_path / "config"
    target.mkdir()
    for name in ("pipeline.yml", "topics.yml", "feeds.yml"):
        shutil.copy(CONFIG / name, target / name)
    return target


def faults(folder: Path, environment: dict[str, str] | None = None) -> list[ConfigFault]:
    with pytest.raises(ConfigError) as caught:
        load(folder, environment or {})
    return caught.value.faults


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_shipped_settings_are_good() -> None:
    settings = load(CONFIG, {})
    assert len(settings.feeds.feeds) >= 12
    assert len({feed.language for feed in settings.feeds.feeds.values()}) >= 4
    assert not settings.feeds.faults


def test_a_topic_of_a_later_version_needs_no_line_in_an_older_file(folder: Path) -> None:
    lines = (folder / "topics.yml").read_text().splitlines(keepends=True)
    later = ("news.document-ids", "news.audit", "news.worker-state")
    kept = [line for line in lines if not line.strip().startswith(later)]
    assert len(kept) == len(lines) - len(later)
    (folder / "topics.yml").write_text("".join(kept))
    assert set(load(folder, {}).topics) == set(load(CONFIG, {}).topics)


def test_all_faults_come_at_once_with_line_and_remedy(folder: Path) -> None:
    replace(folder / "pipeline.yml", "url: sqlite:///var/log.db ", "url: postgres://x/y ")
    replace(folder / "pipeline.yml", "contact_url", "contact_ulr")
    replace(folder / "pipeline.yml", "records_a_batch: 500", "records_a_batch: lots")
    replace(folder / "topics.yml", "partitions: 12", "partitions: 0")
    found = {fault.key: fault for fault in faults(folder)}
    assert set(found) == {
        "log.url", "fetching.contact_ulr", "stages.index.records_a_batch", "partitions",
    }  # fmt: skip
    assert "did you mean `contact_url`" in found["fetching.contact_ulr"].remedy
    assert found["stages.index.records_a_batch"].value == "lots"
    assert found["partitions"].file == "config/topics.yml"
    assert found["partitions"].line == 8
    assert all(fault.line and fault.reason and fault.remedy for fault in found.values())


def test_an_unknown_engine_is_refused_with_examples(folder: Path) -> None:
    replace(folder / "pipeline.yml", "url: sqlite:///var/log.db ", "url: postgres://x/y ")
    (fault,) = faults(folder)
    assert (fault.key, fault.line) == ("log.url", 7)
    assert "kafka://host:9092" in fault.remedy


def test_the_environment_wins_and_secrets_come_from_files(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    settings = load(
        folder,
        {
            "NEWS_INGEST_LOG_URL": "kafka://broker:9092",
            "NEWS_INGEST_INDEX_PASSWORD_FILE": str(secret),
        },
    )
    assert settings.pipeline.log.url == "kafka://broker:9092"
    assert settings.pipeline.index.password == "s3cret"


def test_a_misspelt_variable_is_refused_with_the_nearest(folder: Path) -> None:
    (fault,) = faults(folder, {"NEWS_INGEST_LOG_ULR": "kafka://broker:9092"})
    assert "NEWS_INGEST_LOG_URL" in fault.remedy


def test_an_unknown_processor_is_refused_with_the_nearest(folder: Path) -> None:
    replace(folder / "pipeline.yml", "- detect_language", "- detect_langauge")
    with pytest.raises(ConfigError) as caught:
        checked_settings(folder)
    (fault,) = caught.value.faults
    assert "did you mean `detect_language`" in fault.remedy
    assert fault.line is not None


def test_faults_of_feeds_name_their_line_and_the_good_ones_stay(folder: Path) -> None:
    (folder / "feeds.yml").write_text(
        "groups: {de: {language: de}}\n"
        "feeds:\n"
        "  - url: https://one.example/feed\n"
        "    group: de\n"
        "  - url: two.example/feed\n"
        "  - {url: https://three.example/feed, priorty: 2}\n"
        "  - {url: https://four.example/feed, group: dee}\n"
    )
    found = load(folder, {}).feeds
    assert next(feed.url for feed in found.feeds.values()) == "https://one.example/feed"
    assert next(iter(found.feeds.values())).language == "de"
    assert [fault.line for fault in found.faults] == [5, 6, 7]
    assert "did you mean `priority`" in found.faults[1].remedy


def test_broken_yaml_is_one_fault_with_its_line(folder: Path) -> None:
    (folder / "pipeline.yml").write_text("log:\n  url: [unclosed\nindex: {}\n")
    (fault,) = faults(folder)
    assert fault.line is not None
    assert "not valid YAML" in fault.reason


def test_a_gap_of_nothing_is_only_for_mapped_hosts(folder: Path) -> None:
    replace(folder / "pipeline.yml", 'contact_url: ""', "gap_seconds: 0")
    (fault,) = faults(folder)
    assert fault.key == "fetching.gap_seconds"


def test_feeds_and_processors_are_judged_though_other_settings_are_wrong(folder: Path) -> None:
    replace(folder / "pipeline.yml", "contact_url:", "contact_ur:")
    replace(folder / "pipeline.yml", "- summarise_text", "- sumarise_text")
    replace(folder / "feeds.yml", "language: de", "language: german")
    with pytest.raises(ConfigError) as caught:
        checked_settings(folder)
    assert {fault.key for fault in caught.value.faults} == {
        "fetching.contact_ur",
        "stages.enrich.processors.2",
        "groups.german.language",
    }
    assert [fault.remedy for fault in caught.value.faults if "german" in fault.key] == [
        "it is: two-letter ISO 639-1 code"
    ]


def test_processors_that_are_no_list_of_names_are_one_fault(folder: Path) -> None:
    replace(folder / "pipeline.yml", "      - extract_document", "      - extract_document: 5")
    with pytest.raises(ConfigError) as caught:
        checked_settings(folder)
    (fault,) = caught.value.faults
    assert fault.key == "stages.extract.processors.0.extract_document"
    assert fault.value == 5
    assert fault.line
    lines = (folder / "pipeline.yml").read_text().splitlines()
    assert "extract_document: 5" in lines[fault.line - 1]
    assert fault.remedy == "write a mapping of keys to values"


@pytest.mark.parametrize(
    ("key", "code", "hint"),
    [
        ("publisher_country", "UK", "did you mean GB?"),
        ("publisher_country", "gb", "did you mean GB?"),
        ("publisher_country", "zz", ""),
        ("publisher_country", "GBR", ""),
        ("language", "jp", "did you mean ja?"),
        ("language", "EN", "did you mean en?"),
        ("language", "zz", ""),
        ("language", "eng", ""),
    ],
)
def test_a_code_of_no_country_or_language_is_refused(key: str, code: str, hint: str) -> None:
    text = f"feeds:\n  - {{url: 'http://elsin.example/rss', {key}: {code}}}\n"
    found = feeds_of_text(text, Path("feeds.yml"))
    assert found.feeds == {}
    (fault,) = found.faults
    assert fault.value == code
    assert "ISO" in fault.reason
    assert hint in fault.reason
    assert ("did you mean" in fault.reason) == bool(hint)


@pytest.mark.parametrize(
    "codes",
    ["publisher_country: GB, language: uk", "publisher_country: XK, language: sq", "language: ''"],
)
def test_codes_of_countries_and_languages_are_taken(codes: str) -> None:
    text = f"feeds:\n  - {{url: 'http://elsin.example/rss', {codes}}}\n"
    assert feeds_of_text(text, Path("feeds.yml")).faults == []
