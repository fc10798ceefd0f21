"""The passwords of a deployment, and the verbs that make and show them."""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from ingest.cli.main import app
from ingest.errors import NewsIngestError
from ingest.settings.passwords import (
    ADMIN,
    ALPHABET,
    ANALYST,
    INDEX,
    KIBANA,
    KIBANA_SETTINGS,
    POLL,
    READER,
    SECRETS,
    make_passwords,
    password_of,
)


def passwords(folder: Path) -> dict[str, str]:
    return {secret.user: password_of(folder, secret) for secret in SECRETS}


def test_passwords_are_long_random_letters_and_digits(tmp_path: Path) -> None:
    make_passwords(tmp_path / "a", {})
    make_passwords(tmp_path / "b", {})
    made = [*passwords(tmp_path / "a").values(), *passwords(tmp_path / "b").values()]
    assert len(set(made)) == 12
    assert all(len(one) == 32 and set(one) <= set(ALPHABET) for one in made)


def test_what_was_made_is_kept(tmp_path: Path) -> None:
    files = [*(secret.file for secret in SECRETS), KIBANA_SETTINGS]
    assert make_passwords(tmp_path, {}) == [f"made {file}" for file in files]
    before = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert make_passwords(tmp_path, {}) == [f"kept {file}" for file in files]
    assert before == {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}


def test_what_is_missing_is_made_again(tmp_path: Path) -> None:
    make_passwords(tmp_path, {})
    (tmp_path / ANALYST.file).unlink()
    made = [line for line in make_passwords(tmp_path, {}) if line.startswith("made")]
    assert made == ["made admin/news_analyst"]


def test_only_the_owner_reads_and_for_the_stages_their_group(tmp_path: Path) -> None:
    make_passwords(tmp_path, {})
    modes = {
        str(path.relative_to(tmp_path)): stat.S_IMODE(path.stat().st_mode)
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    assert [modes.pop(one.file) for one in (POLL, READER, INDEX)] == [0o640] * 3
    assert set(modes.values()) == {0o600}
    assert modes.keys() == {ADMIN.file, ANALYST.file, KIBANA.file, KIBANA_SETTINGS}


def test_kibana_gets_its_password_and_three_keys(tmp_path: Path) -> None:
    make_passwords(tmp_path, {KIBANA.variable: "12345678"})
    found = YAML(typ="safe").load((tmp_path / KIBANA_SETTINGS).read_text())
    assert found.pop("elasticsearch.username") == "kibana_system"
    assert found.pop("elasticsearch.password") == "12345678"
    assert all(len(key) == 32 for key in found.values())
    assert len(set(found.values())) == 3


def test_a_variable_sets_a_password_before_it_is_in_force(tmp_path: Path) -> None:
    make_passwords(tmp_path, {ADMIN.variable: "Abcdef12"})
    assert password_of(tmp_path, ADMIN) == "Abcdef12"
    lines = make_passwords(tmp_path, {ADMIN.variable: "Other123"})
    assert "it was made before, and ELASTIC_PASSWORD differs from it" in lines[0]
    assert password_of(tmp_path, ADMIN) == "Abcdef12"


@pytest.mark.parametrize("value", ["short", "with space", 'quo"te', "пароль12"])
def test_an_unfit_variable_is_refused_before_anything_is_written(
    tmp_path: Path, value: str
) -> None:
    environment: Mapping[str, str] = {ANALYST.variable: value}
    with pytest.raises(NewsIngestError, match="ANALYST_PASSWORD") as caught:
        make_passwords(tmp_path, environment)
    assert value not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_two_at_once_make_one_password(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: make_passwords(tmp_path, {}), range(8)))
    settings = YAML(typ="safe").load((tmp_path / KIBANA_SETTINGS).read_text())
    assert settings["elasticsearch.password"] == password_of(tmp_path, KIBANA)
    assert sum(1 for path in tmp_path.rglob("*") if path.is_file()) == 7


def test_the_verb_shows_the_login_of_the_analyst(tmp_path: Path) -> None:
    run = CliRunner().invoke
    folder = ["secrets", "--folder", str(tmp_path)]
    refused = run(app, [*folder, "show"])
    assert refused.exit_code == 1
    assert run(app, [*folder, "make"]).exit_code == 0
    shown = run(app, [*folder, "show", "--json"], env={"KIBANA_ADDRESS": "http://localhost:5602"})
    assert json.loads(shown.stdout) == {
        "address": "http://localhost:5602",
        "user": "news_analyst",
        "password": password_of(tmp_path, ANALYST),
    }
    assert password_of(tmp_path, ADMIN) in run(app, [*folder, "show", "--admin"]).stdout
