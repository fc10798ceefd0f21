"""Makes the users of the index, and the roles and saved objects of Kibana, for `setup`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from ingest.bootstrap.engines import open_kibana, open_security
from ingest.errors import NewsIngestError
from ingest.settings.load import Settings
from ingest.settings.passwords import (
    ANALYST,
    INDEX,
    KIBANA,
    POLL,
    READER,
    SecretFile,
    User,
    password_of,
    random_text,
    replace_password,
)

#: Features of Kibana that an analyst may read. Newer versions of a feature end in `_v2`, `_v3` ….
ANALYST_FEATURES = ("discover", "dashboard", "visualize", "maps")
_VERSION = re.compile(r"(?P<name>.+?)(?:_v(?P<number>\d+))?")


def make_users(settings: Settings, folder: Path, *, dry_run: bool = False) -> list[str]:
    """Create the users of stages and analysts with the passwords in this folder; set Kibana's.

    Return a line for each change. Errors: NewsIngestError, IndexUnavailable, IndexRefused.
    """
    if settings.pipeline.index.url.startswith("sqlite:"):
        return []
    with closing(open_security(settings)) as security:
        if not security.is_on():
            return []
        return security.make(_users(settings, folder), dry_run=dry_run)


def _users(settings: Settings, folder: Path) -> list[User]:
    analyst = (_role(settings, "news_analyst"), _role(settings, "news_analyst_kibana"))
    stages = ((POLL, "news_poll_stage"), (READER, "news_reader"), (INDEX, "news_index_stage"))
    return [
        User(KIBANA.user, password_of(folder, KIBANA), (KIBANA.user,)),
        *(
            User(one.user, password_of(folder, one), (_role(settings, role),))
            for one, role in stages
        ),
        User(ANALYST.user, password_of(folder, ANALYST), analyst, has_own_password=True),
    ]


def can_log_in(settings: Settings, user: str, password: str) -> bool:
    """Return whether the index accepts this login; True for an embedded index, which has none.

    Errors: IndexUnavailable, IndexRefused.
    """
    if settings.pipeline.index.url.startswith("sqlite:"):
        return True
    with closing(open_security(settings)) as security:
        return security.can_log_in(user, password)


def renew_password(settings: Settings, folder: Path, secret: SecretFile, given: str = "") -> None:
    """Set a new random password and store it, or store the one `given`, which is in force.

    Errors: NewsIngestError when the given one is not in force; IndexUnavailable; IndexRefused when
    the administrator's stored password is not.
    """
    with closing(open_security(settings)) as security:
        if not given:
            given = random_text()
            security.set_password(secret.user, given)
        elif not security.can_log_in(secret.user, given):
            raise NewsIngestError(
                f"the index refuses this password of {secret.user}",
                value=f"{len(given)} characters",
                origin="standard input",
                remedy="give the password that is in force, without other text",
            )
    replace_password(folder, secret, given)


def _role(settings: Settings, name: str) -> str:
    """Return the name of a role with the prefix of the index, as config/index/ writes it."""
    return settings.pipeline.index.prefix.replace("-", "_") + name


def fill_kibana(settings: Settings, *, dry_run: bool = False) -> list[str]:
    """Wait for Kibana, then import config/kibana/*.ndjson and make the role of analysts there.

    Return a line for each change; none where `kibana.url` is empty.
    Errors: DependencyUnavailable when Kibana does not start, NewsIngestError when it refuses.
    """
    options = settings.pipeline.kibana
    packs = sorted((settings.folder / "kibana").glob("*.ndjson"))
    if not options.url:
        return []
    if dry_run:
        return [f"{options.url}: {path.name} would be imported" for path in packs]
    kibana = open_kibana(settings)
    kibana.wait()
    lines = []
    for path in packs:
        count = kibana.import_objects(_pack(path, settings.pipeline.index.prefix), path.name)
        lines.append(f"Kibana: {count} objects of {path.name}")
    if options.username:
        name = _role(settings, "news_analyst_kibana")
        kibana.put_role(name, analyst_role(kibana.features()))
        lines.append(f"Kibana: role {name}")
    return lines


def _pack(path: Path, prefix: str) -> bytes:
    try:
        return with_prefix(path.read_text(encoding="utf-8"), prefix).encode()
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise NewsIngestError(
            "the Kibana file cannot be read",
            value=str(error),
            origin=str(path),
            remedy="restore the shipped file",
        ) from error


def with_prefix(pack: str, prefix: str) -> str:
    """Return the pack with this prefix on its aliases, so that two archives can share a Kibana.

    Errors: ValueError for a line that is not valid JSON.
    """
    if not prefix:
        return pack
    lines = []
    for line in pack.splitlines():
        if not line.strip():
            continue
        saved = json.loads(line)
        saved["id"] = prefix + saved["id"]
        for reference in saved.get("references", []):
            reference["id"] = prefix + reference["id"]
        if saved["type"] == "index-pattern":
            saved["attributes"]["title"] = prefix + saved["attributes"]["title"]
        else:
            saved["attributes"]["title"] = f"{saved['attributes']['title']} ({prefix[:-1]})"
        lines.append(json.dumps(saved, ensure_ascii=False, separators=(",", ":")) + "\n")
    return "".join(lines)


def analyst_role(features: Iterable[str]) -> dict[str, Any]:
    """Return a role that may read each feature in its newest version."""
    newest: dict[str, tuple[int, str]] = {}
    for id in features:
        found = _VERSION.fullmatch(id)
        if found is None or found["name"] not in ANALYST_FEATURES:
            continue
        version = int(found["number"] or 1)
        newest[found["name"]] = max(newest.get(found["name"], (0, "")), (version, id))
    rights = {id: ["read"] for _, id in newest.values()}
    return {
        "elasticsearch": {"cluster": [], "indices": [], "run_as": []},
        "kibana": [{"base": [], "feature": rights, "spaces": ["default"]}],
    }
