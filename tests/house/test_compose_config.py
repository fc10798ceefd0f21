"""What the service `config` does to a folder of the host, by the very line of docker-compose.yml."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from tests.house.compose_file import services

SERVICE = services()["config"]
STAGES_UID = int(SERVICE["environment"]["STAGES_UID"])
AS_ROOT = os.geteuid() == 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder that is closed to all but its owner, who is not the user of the stages."""
    inner = tmp_path / "config" / "index"
    inner.mkdir(parents=True)
    (tmp_path / "config" / "feeds.yml").write_text("feeds: []\n")
    (inner / "roles.json").write_text("{}")
    (tmp_path / "config" / "link.json").symlink_to("index/roles.json")
    for path in (tmp_path / "config").rglob("*"):
        if not path.is_symlink():
            path.chmod(0o700 if path.is_dir() else 0o600)
    (tmp_path / "config").chmod(0o700)
    return tmp_path / "config"


def owned_by(folder: Path, user: int) -> None:
    if AS_ROOT:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, user, user, follow_symlinks=False)


def run(folder: Path, stages_uid: int) -> str:
    """Run what the service runs and return what it complains of."""
    done = subprocess.run(
        [*SERVICE["entrypoint"], *SERVICE["command"]],
        cwd=folder, env=os.environ | {"STAGES_UID": str(stages_uid)},
        check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == ""
    return done.stderr


def rights(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)


def test_a_folder_of_somebody_else_opens_to_the_group_of_the_stages(folder: Path) -> None:
    owner = 1001 if AS_ROOT else os.geteuid()
    owned_by(folder, owner)
    said = run(folder, STAGES_UID if AS_ROOT else owner + 1)
    if not AS_ROOT:
        assert f"user {owner}, in .env as NEWS_INGEST_UID" in said
        return
    assert said == ""
    assert rights(folder) == (owner, 0, 0o770)
    assert rights(folder / "feeds.yml") == (owner, 0, 0o660)
    assert rights(folder / "index" / "roles.json") == (owner, 0, 0o660)


def test_a_folder_of_the_user_of_the_stages_stays_as_it_is(folder: Path) -> None:
    owner = STAGES_UID if AS_ROOT else os.geteuid()
    owned_by(folder, owner)
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode | 0o055, follow_symlinks=True)
    before = {path: rights(path) for path in (folder, *folder.rglob("*"))}
    assert run(folder, owner) == ""
    assert {path: rights(path) for path in before} == before


def test_what_the_named_owner_keeps_closed_opens_to_setup(folder: Path) -> None:
    owner = 1001 if AS_ROOT else os.geteuid()
    owned_by(folder, owner)
    said = run(folder, owner)
    assert (said == "") is (AS_ROOT or owner == 1000)  # who is 1000 is `setup` already
    assert not AS_ROOT or rights(folder / "index" / "roles.json") == (owner, 0, 0o660)
