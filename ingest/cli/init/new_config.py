"""Makes the settings of a new archive from those that are shipped with the package."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import ingest
from ingest.errors import WrongArgument
from ingest.settings.faults import nearest
from ingest.settings.feeds_edit import with_feeds, with_groups

#: In a clone a link to config/, in an installed package a copy of it.
SHIPPED = Path(ingest.__file__).parent / "shipped_config"

#: What the User-Agent can hold: the address of a page, or a mail address.
_CONTACT = re.compile(r"https?://[^\s()<>]+|[^\s()<>@]+@[^\s()<>@]+")
_CONTACT_LINE = 'contact_url: "" '


class PublicFeed(NamedTuple):
    """A feed that is offered; its topic becomes its group in feeds.yml."""

    topic: str
    language: str
    country: str
    publisher: str
    url: str

    @property
    def block(self) -> dict[str, str]:
        """Its block in feeds.yml."""
        return {
            "url": self.url,
            "publisher": self.publisher,
            "publisher_country": self.country,
            "language": self.language,
            "group": self.topic,
        }


def public_feeds() -> tuple[PublicFeed, ...]:
    """Return the feeds that are offered."""
    text = (Path(__file__).parent / "public_feeds.txt").read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return tuple(PublicFeed(*(part.strip() for part in line.split("|"))) for line in lines)


def chosen(topics: Sequence[str], languages: Sequence[str]) -> list[PublicFeed]:
    """Return the offered feeds of these topics and languages; none named means all of them.

    Errors: WrongArgument for one that no feed has.
    """
    offered = public_feeds()
    _check("--topic", topics, (feed.topic for feed in offered))
    _check("--language", languages, (feed.language for feed in offered))
    return [
        feed
        for feed in offered
        if (not topics or feed.topic in topics) and (not languages or feed.language in languages)
    ]


def _check(option: str, wanted: Iterable[str], offered: Iterable[str]) -> None:
    known = sorted(set(offered))
    for name in wanted:
        if name not in known:
            near = nearest(name, known)
            remedy = f"offered: {', '.join(known)}" + (f"; did you mean {near}?" if near else "")
            raise WrongArgument("no feed is offered", value=name, origin=option, remedy=remedy)


def check_contact(contact: str) -> None:
    """Refuse what sites could not use to reach somebody. Errors: WrongArgument."""
    if contact and not _CONTACT.fullmatch(contact):
        raise WrongArgument(
            "neither a web page nor a mail address", value=contact, origin="--contact",
            remedy="write https://… or name@domain; '' for none",
        )  # fmt: skip


def new_target(folder: Path) -> Path:
    """Return the path of the settings to be made here. Errors: WrongArgument when it exists."""
    target = folder.resolve() / "config"
    if target.exists():
        raise WrongArgument(
            "there are settings already; nothing was changed", value=str(target),
            remedy="name another folder, or edit these",
        )  # fmt: skip
    return target


def make_config(target: Path, contact: str, feeds: Sequence[PublicFeed]) -> None:
    """Write this folder of settings in one step: what was interrupted leaves nothing to be read."""
    draft = target.with_name(".config.new")
    shutil.rmtree(draft, ignore_errors=True)
    for path in SHIPPED.rglob("*"):
        if path.is_file() and not path.name.startswith("."):
            copy = draft / path.relative_to(SHIPPED)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    pipeline = draft / "pipeline.yml"
    text = pipeline.read_text(encoding="utf-8")
    assert _CONTACT_LINE in text
    line = f"contact_url: {json.dumps(contact, ensure_ascii=False)} "
    pipeline.write_text(text.replace(_CONTACT_LINE, line), encoding="utf-8")
    listed = draft / "feeds.yml"
    listed.write_text(_list_of(listed.read_text(encoding="utf-8"), feeds), encoding="utf-8")
    draft.rename(target)


def _list_of(shipped: str, feeds: Sequence[PublicFeed]) -> str:
    """Return the text of feeds.yml: the comment above the shipped list, and these feeds."""
    head = shipped.partition("\n\n")[0]
    text = with_feeds(f"{head}\n\nfeeds: []\n", [feed.block for feed in feeds])
    return with_groups(text, sorted({feed.topic for feed in feeds}))
