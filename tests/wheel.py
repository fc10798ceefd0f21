"""Builds the wheel from a copy of what belongs to the project, and installs it by itself."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import venv
from pathlib import Path

from tests.house.project_files import PACKAGES, ROOT, project_files

#: In ingest/: a link to config/, so that the wheel holds what `news-ingest init` writes.
LINK = Path("ingest") / "shipped_config"


def build_wheel(folder: Path) -> Path:
    """Return the wheel, built in this empty folder."""
    source = folder / "source"
    for path in project_files():
        name = path.relative_to(ROOT)
        if name.parts[0] in (*PACKAGES, "config") or len(name.parts) == 1:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, source / name)
    (source / LINK).symlink_to(os.readlink(ROOT / LINK))
    (source / "config" / ".feeds-accepted.yml").write_text("feeds: []\n")  # of a clone that ran
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(source)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout[-3000:] + built.stderr[-3000:]
    (found,) = folder.glob("*.whl")
    return found


def install_wheel(wheel: Path, folder: Path) -> Path:
    """Return the `news-ingest` of a new environment with this wheel; the libraries are ours."""
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps"]
    done = subprocess.run([*command, str(wheel)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (own,) = (folder / "lib").glob("python*/site-packages")
    # A plain line: the .pth files there, and so our own sources, stay out.
    (own / "libraries.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    return folder / "bin" / "news-ingest"
