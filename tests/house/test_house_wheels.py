"""Every runtime library has a wheel for every Python that we say we support.

The record is of the day when scripts/record_wheels.py ran; the last test asks the package index.
"""

from __future__ import annotations

import json
import subprocess

import pytest
from packaging.tags import compatible_tags, cpython_tags
from packaging.utils import canonicalize_name, parse_wheel_filename

from scripts.record_wheels import RECORD, pythons, requirements, resolved

RECORDED = json.loads(RECORD.read_text(encoding="utf-8"))
#: What pip says when it was the network, not a missing wheel.
NO_INDEX = ("connection", "name resolution", "timed out", "proxy", "ssl", "network")


def test_the_record_is_of_the_supported_pythons() -> None:
    assert list(RECORDED) == pythons() == ["3.11", "3.12", "3.13", "3.14"]


@pytest.mark.parametrize("python", pythons())
def test_each_library_was_found_as_a_wheel_that_fits(python: str) -> None:
    version = tuple(map(int, python.split(".")))
    platforms = [f"manylinux_2_{minor}_x86_64" for minor in (28, 17, 5)]
    platforms += ["manylinux2014_x86_64", "manylinux1_x86_64"]
    fitting = {
        *cpython_tags(version, platforms=platforms),
        *compatible_tags(version, platforms=platforms),
    }
    wheels = RECORDED[python]
    for requirement in requirements(python):
        _, found, _, tags = parse_wheel_filename(wheels[canonicalize_name(requirement.name)])
        assert requirement.specifier.contains(found), requirement
        assert tags & fitting, (requirement, python)
    for file in wheels.values():  # the libraries of libraries too
        assert parse_wheel_filename(file)[3] & fitting, (file, python)


@pytest.mark.slow
@pytest.mark.parametrize("python", pythons())
def test_they_can_be_installed_from_wheels_today(python: str) -> None:
    try:
        found = resolved(python)
    except subprocess.CalledProcessError as error:
        if any(word in error.stderr.lower() for word in NO_INDEX):
            pytest.skip(f"the package index was not reached: {error.stderr.strip()[-200:]}")
        raise AssertionError(error.stderr) from error
    assert found.keys() >= {canonicalize_name(one.name) for one in requirements(python)}
