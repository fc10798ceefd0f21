"""Writes the blocks of docs/commands.md from the command line itself.

Run it after any change of a verb or its options: `python scripts/build_command_docs.py`. A new
verb wants a place in the document first: `<!-- verb NAME -->` and `<!-- end -->`, each on a line;
`<!-- verbs GROUP -->` stands for all verbs of a group, each with a heading; `<!-- fields -->` for
the fields of the query language.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from ingest.cli.main import app
from ingest.search_fields import SEARCH_FIELDS

DOCUMENT = Path(__file__).parent.parent / "docs" / "commands.md"

_BLOCK = re.compile(r"(<!-- (verbs?) ([a-z -]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_FIELDS = re.compile(r"(<!-- fields -->\n).*?(<!-- end -->)", re.DOTALL)


def verbs() -> dict[str, Any]:
    """Return every verb by its name: `search`, `dead-letters replay`; groups with options too."""
    return dict(_verbs(typer.main.get_command(app), ()))


def block(name: str, verb: Any) -> str:
    """Return usage, meaning and options of a verb."""
    shown = [one for one in verb.params if not one.hidden]
    arguments = [one for one in shown if _is_argument(one)]
    options = [one for one in shown if not _is_argument(one)]
    words = ["news-ingest", *([name] if name else []), *(["[OPTIONS]"] if options else [])]
    words += [_argument(one) for one in arguments]
    if hasattr(verb, "commands"):
        words.append("VERB …")
    lines = ["```text", " ".join(words), "```", "", " ".join((verb.help or "").split()), ""]
    if shown:
        lines += ["| option | meaning | default |", "|---|---|---|"]
        lines += [_row(one) for one in (*arguments, *options)]
        lines.append("")
    return "\n".join(lines)


def current(text: str) -> str:
    """Return the document with every block rebuilt. Errors: KeyError for an unknown verb."""
    known = verbs()

    def made(found: re.Match[str]) -> str:
        if found[2] == "verb":
            name = "" if found[3] == "news-ingest" else found[3]
            return found[1] + block(name, known[name]) + found[4]
        named = {name: verb for name, verb in known.items() if name.startswith(f"{found[3]} ")}
        blocks = (f"\n### {name}\n\n{block(name, verb)}" for name, verb in named.items())
        return found[1] + "".join(blocks) + "\n" + found[4]

    return _FIELDS.sub(rf"\g<1>{fields()}\g<2>", _BLOCK.sub(made, text))


def fields() -> str:
    """Return the table of the fields of the query language."""
    lines = ["", "| field | finds |", "|---|---|"]
    for field in SEARCH_FIELDS:
        names = " ".join(f"`{name}`" for name in field.written)
        counted = "; counted beside the hits" if field.facet else ""
        lines.append(f"| {names} | {field.help}{counted} |")
    return "\n".join(lines) + "\n\n"


def placed(text: str) -> set[str]:
    """Return the names of the verbs that have a block."""
    found: set[str] = set()
    for _, kind, name, _ in _BLOCK.findall(text):
        if kind == "verbs":
            found |= {verb for verb in verbs() if verb.startswith(f"{name} ")}
        else:
            found.add("" if name == "news-ingest" else name)
    return found


def main() -> None:
    """Rebuild the document; exit with status 1 when a verb has no place in it."""
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(current(text), encoding="utf-8")
    missing = sorted(set(verbs()) - placed(text))
    if missing:
        sys.exit(f"no block for: {', '.join(missing)}")


def _verbs(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None or any(not one.hidden for one in command.params):
        yield " ".join(path), command
    for name, child in (inner or {}).items():
        if not getattr(child, "hidden", False):
            yield from _verbs(child, (*path, name))


def _is_argument(parameter: Any) -> bool:
    return not any(name.startswith("-") for name in parameter.opts)


def _argument(parameter: Any) -> str:
    name = parameter.metavar or parameter.name.upper()
    name = f"{name} …" if parameter.nargs == -1 else name
    return name if parameter.required else f"[{name}]"


def _row(parameter: Any) -> str:
    if _is_argument(parameter):
        names = f"`{_argument(parameter)}`".replace("|", "\\|")
    else:
        names = ", ".join(f"`{one}`" for one in (*parameter.opts, *parameter.secondary_opts))
    default = parameter.default
    if _is_argument(parameter) or default in (None, "", False) or callable(default):
        shown = ""
    else:
        shown = "on" if default is True else f"`{default}`"
    meaning = " ".join((parameter.help or "").split()).replace("|", "\\|")
    return f"| {names} | {meaning} | {shown} |"


if __name__ == "__main__":
    main()
