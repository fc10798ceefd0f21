"""Writes tests/house/wheels.json: the wheel of each runtime library on each supported Python.

Run it after a change of the dependencies: `python scripts/record_wheels.py`. pip resolves them from
wheels alone, for Linux on x86-64, and downloads none. Markers of libraries' own requirements are
read as on the Python that runs this.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
RECORD = ROOT / "tests" / "house" / "wheels.json"
_CLASSIFIER = "Programming Language :: Python :: "
_GLIBC = ("manylinux_2_28", "manylinux_2_17", "manylinux2014", "manylinux_2_5", "manylinux1")


def pythons() -> list[str]:
    """Return the versions of Python that pyproject.toml names."""
    return [
        one.removeprefix(_CLASSIFIER) for one in _project()["classifiers"] if _CLASSIFIER in one
    ]


def requirements(python: str) -> list[Requirement]:
    """Return the runtime dependencies on this Python, without their markers."""
    found = []
    for one in map(Requirement, _project()["dependencies"]):
        if one.marker is None or one.marker.evaluate({"python_version": python}):
            one.marker = None
            found.append(one)
    return found


def resolved(python: str) -> dict[str, str]:
    """Return the wheel of each library on this Python, by its name.

    Errors: CalledProcessError, with pip's words in `stderr`, when one has no wheel or the package
    index cannot be reached.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--dry-run",
            "--ignore-installed",
        ]
        command += [
            "--disable-pip-version-check",
            "--only-binary",
            ":all:",
            "--implementation",
            "cp",
        ]
        command += ["--python-version", python, "--target", folder, "--report", str(report)]
        for libc in _GLIBC:
            command += ["--platform", f"{libc}_x86_64"]
        command += map(str, requirements(python))
        subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - ours
        chosen = json.loads(report.read_text(encoding="utf-8"))["install"]
    return {
        canonicalize_name(one["metadata"]["name"]): one["download_info"]["url"].rpartition("/")[2]
        for one in chosen
    }


def _project() -> Any:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def main() -> None:
    """Write the record."""
    record = {python: dict(sorted(resolved(python).items())) for python in pythons()}
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(RECORD)


if __name__ == "__main__":
    main()
