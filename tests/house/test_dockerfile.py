"""The image is built from what is there, holds what it needs, and runs without rights."""

from __future__ import annotations

import json
import re
import tomllib
from fnmatch import fnmatch
from typing import NamedTuple

import pytest

from tests.house.compose_file import services
from tests.house.project_files import ROOT


class Line(NamedTuple):
    """One instruction: its word, and the rest with continued lines joined."""

    word: str
    rest: str


def instructions() -> list[Line]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    text = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n", " ", text)
    lines = [line.strip() for line in joined.splitlines() if line.strip()]
    return [Line(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def stages() -> list[list[Line]]:
    """Return the instructions of each stage, from its FROM on."""
    found: list[list[Line]] = []
    for line in instructions():
        if line.word == "FROM":
            found.append([])
        if found:
            found[-1].append(line)
    return found


def rest(stage: list[Line], word: str) -> list[str]:
    return [line.rest for line in stage if line.word == word]


BUILD, FINAL = stages()
IGNORED = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


def test_it_is_built_in_two_stages_from_one_named_python() -> None:
    (image,) = [line.rest for line in instructions() if line.word == "ARG"][:1]
    name, _, base = image.partition("=")
    assert name == "PYTHON_IMAGE"
    assert [rest(stage, "FROM")[0].split()[0] for stage in (BUILD, FINAL)] == [
        "${PYTHON_IMAGE}"
    ] * 2
    oldest = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    version = re.match(r"python:(\d+\.\d+)", base)
    assert version is not None
    assert oldest == f">={version[1]}"


def test_the_image_holds_the_built_wheel_and_no_source() -> None:
    assert any("pip wheel" in run for run in rest(BUILD, "RUN"))
    assert any("install --no-deps dist/*.whl" in run for run in rest(BUILD, "RUN"))
    assert any("venv --without-pip" in run for run in rest(BUILD, "RUN"))
    assert "rm -rf" in rest(FINAL, "RUN")[0]
    copied = rest(FINAL, "COPY")
    assert not any(" ingest" in one or " processors" in one for one in copied)
    assert any(one.startswith("--from=build") for one in copied)


def test_config_and_seeds_lie_beside_it() -> None:
    assert {one.split()[-1] for one in rest(FINAL, "COPY")} >= {"/app/config", "/app/seeds"}
    environment = " ".join(rest(FINAL, "ENV"))
    assert "NEWS_INGEST_CONFIG=/app/config" in environment
    assert rest(FINAL, "WORKDIR") == ["/app"]


def test_it_runs_as_a_user_without_rights_in_exec_form() -> None:
    words = [line.word for line in FINAL]
    assert rest(FINAL, "USER") == ["1000:0"]
    assert words.index("USER") < words.index("ENTRYPOINT")
    assert json.loads(rest(FINAL, "ENTRYPOINT")[0]) == ["news-ingest"]
    json.loads(rest(FINAL, "CMD")[0])


def test_each_folder_of_passwords_belongs_to_that_user_before_a_volume_lies_on_it() -> None:
    made = " ".join(rest(FINAL, "RUN"))
    for volume in services()["secrets"]["volumes"]:
        assert volume.split(":")[1] in made.split()


def test_the_folder_of_fetched_pages_is_there_before_a_volume_lies_on_it() -> None:
    made = " ".join(rest(FINAL, "RUN"))
    assert any("/app/var/archive" in volume for volume in services()["archive"]["volumes"])
    assert "/app/var/archive" in made


def test_a_certificate_for_the_build_does_not_reach_the_image() -> None:
    assert any(one.startswith("CA_CERTIFICATE") for one in rest(BUILD, "ARG"))
    assert rest(FINAL, "ARG") == []
    assert "CA_CERTIFICATE" in services()["secrets"]["build"]["args"]


def sources() -> list[str]:
    found = []
    for stage in (BUILD, FINAL):
        for one in rest(stage, "COPY"):
            words = [word for word in one.split() if not word.startswith("--")]
            if not one.startswith("--from"):
                found += words[:-1]
    return found


@pytest.mark.parametrize("source", sources())
def test_what_is_copied_is_there_and_not_ignored(source: str) -> None:
    assert (ROOT / source).exists()
    assert f"!{source}" in IGNORED


def test_nothing_else_goes_into_the_build() -> None:
    assert next(line for line in IGNORED if line and not line.startswith("#")) == "*"
    let_in = {line[1:] for line in IGNORED if line.startswith("!")}
    assert let_in == set(sources())
    assert any(fnmatch("ingest/__pycache__", line) for line in IGNORED)
