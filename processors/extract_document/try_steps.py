"""Lets a step fail without costing the document: its fields stay empty, and it is told which failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


class Steps:
    """Runs steps; `failed` maps the names of those that raised to what they raised, in words."""

    def __init__(self) -> None:
        self.failed: dict[str, str] = {}

    def __call__(self, name: str, step: Callable[[], Result], fallback: Result) -> Result:
        """Give the result of a step, or the fallback when it raises.

        Errors: MemoryError, also libxml2's, which the child must report itself.
        """
        try:
            return step()
        except MemoryError:
            raise
        except Exception as error:
            if "emory alloc" in str(error):
                raise
            self.failed[name] = f"{type(error).__name__}: {error}"[:150]
            return fallback
