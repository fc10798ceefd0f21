"""Creates files and folders that only the user of the process may read."""

from __future__ import annotations

import os
from pathlib import Path


def make_folder(path: Path) -> None:
    """Create a folder and its parents, as far as they do not exist. Errors: OSError."""
    for folder in (*reversed(path.parents), path):  # `parents=True` gives them the usual mode
        folder.mkdir(mode=0o700, exist_ok=True)


def create_file(path: Path) -> int:
    """Create a file for writing, and return its descriptor. Errors: OSError, also if it exists."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
