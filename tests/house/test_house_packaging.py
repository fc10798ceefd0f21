"""What is installed is ours alone, and whole without the sources."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import ingest
from tests.house.project_files import PACKAGES, ROOT, project_files
from tests.wheel import LINK, build_wheel

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_belongs_to_our_distribution_alone(package: str) -> None:
    owners = importlib.metadata.packages_distributions()[package]
    assert set(owners) == {"news-ingest"}


def test_it_can_never_be_uploaded_by_accident() -> None:
    assert "Private :: Do Not Upload" in PYPROJECT["project"]["classifiers"]


def test_extraction_libraries_are_pinned_to_what_its_figures_were_measured_with() -> None:
    from processors.extract_document import PINNED

    dependencies = PYPROJECT["project"]["dependencies"]
    for name, version in PINNED.items():
        assert f"{name}=={version}" in dependencies


def test_the_changelog_begins_with_this_version_or_what_comes_after_it() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## (\S+)", text, re.MULTILINE)
    assert next(one for one in versions if one != "Unreleased") == ingest.__version__
    assert "Unreleased" not in versions[1:]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.mark.slow
def test_the_wheel_holds_just_the_two_packages_and_their_data(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in project_files()
        if path.relative_to(ROOT).parts[0] in PACKAGES
    }
    shipped = {
        (LINK / path.relative_to(ROOT / "config")).as_posix()
        for path in project_files()
        if path.relative_to(ROOT).parts[0] == "config"
    }
    assert shipped
    assert {name for name in names if name.partition("/")[0] in PACKAGES} == wanted | shipped
    info = {name.partition(".dist-info/")[2] for name in names}
    assert {"licenses/LICENSE", "licenses/NOTICE", "entry_points.txt"} <= info


@pytest.mark.slow
def test_the_wheel_works_without_the_sources(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import ingest, processors\n"
        "from ingest.entities.gazetteer import gazetteer; gazetteer()\n"
        "from processors.find_entities import build, Options; build(Options(backend='builtin'))\n"
        "from ingest.cli.main import app\n"
        "print(ingest.__file__, processors.__file__)\n"
        "app(['--version'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, str(site)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    files, version, *_ = done.stdout.strip().splitlines()
    assert all(file.startswith(str(site)) for file in files.split())
    assert version.startswith("news-ingest ")
