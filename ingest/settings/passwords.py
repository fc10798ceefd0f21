"""Makes the passwords of a deployment once, in a folder, and reads them again."""

from __future__ import annotations

import os
import secrets
import string
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ingest.errors import NewsIngestError

#: Letters and digits only: safe in YAML, JSON, URLs and shells.
ALPHABET = string.ascii_letters + string.digits
LENGTH = 32
#: Elasticsearch takes no shorter one.
MIN_LENGTH = 6


class Secret(NamedTuple):
    """One password: its file below the folder, and the variable that may set it at first.

    `mode`: the Elasticsearch image refuses a file that anybody but its owner may read.
    """

    user: str
    file: str
    variable: str
    mode: int = 0o600


class User(NamedTuple):
    """A user of the index as it should be.

    `has_own_password`: a person, whose password is set once and then theirs; otherwise the
    password is fixed when it no longer opens.
    """

    name: str
    password: str
    roles: tuple[str, ...]
    has_own_password: bool = False


ADMIN = Secret("elastic", "admin/elastic", "ELASTIC_PASSWORD")
ANALYST = Secret("news_analyst", "admin/news_analyst", "ANALYST_PASSWORD")
KIBANA = Secret("kibana_system", "kibana/kibana_system", "KIBANA_PASSWORD")
#: Readable for group 0, so that stages may run as the owner of config/.
STAGES = Secret("news_stages", "stages/news_stages", "STAGES_PASSWORD", 0o640)
SECRETS = (ADMIN, ANALYST, KIBANA, STAGES)

#: What Kibana reads beside its own settings: its password, and keys without which rules and
#: logins would break at each restart.
KIBANA_SETTINGS = "kibana/kibana.yml"
_KIBANA_KEYS = (
    "xpack.encryptedSavedObjects.encryptionKey",
    "xpack.security.encryptionKey",
    "xpack.reporting.encryptionKey",
)


def make_passwords(folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Write what is missing, and give a line for each file: made or kept.

    A variable's value is taken where no password was made yet; one that differs from the
    password in force is told and changes nothing.
    Errors: NewsIngestError for an unfit value or a folder that cannot be written.
    """
    for secret in SECRETS:
        _check(secret, environment.get(secret.variable, ""))
    try:
        lines = [_made(folder, secret, environment.get(secret.variable, "")) for secret in SECRETS]
        lines.append(_made_kibana_settings(folder))
    except OSError as error:
        raise NewsIngestError(
            "a password cannot be written",
            value=f"{error.filename}: {error.strerror}",
            origin=str(folder),
            remedy="let this user write the folder, or name another with --folder",
        ) from error
    return lines


def password_of(folder: Path, secret: Secret) -> str:
    """Give one password. Errors: NewsIngestError when it was not made or cannot be read."""
    path = folder / secret.file
    try:
        found = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NewsIngestError(
            f"the password of {secret.user} cannot be read",
            value=str(error),
            origin=str(path),
            remedy="make it with `news-ingest secrets make`",
        ) from error
    return found


def _check(secret: Secret, value: str) -> None:
    if value and (len(value) < MIN_LENGTH or not set(value) <= set(ALPHABET)):
        raise NewsIngestError(
            f"{secret.variable} is no password for this place",
            value=f"{len(value)} characters",
            origin="environment",
            remedy=f"use at least {MIN_LENGTH} letters and digits, nothing else",
        )


def _made(folder: Path, secret: Secret, wanted: str) -> str:
    path = folder / secret.file
    if not _written(path, wanted or random_text(), secret.mode):
        if wanted and password_of(folder, secret) != wanted:
            return (
                f"kept {secret.file}: it was made before, and {secret.variable} differs from it; "
                "a password in force is changed in Elasticsearch"
            )
        return f"kept {secret.file}"
    return f"made {secret.file}"


def _made_kibana_settings(folder: Path) -> str:
    lines = [f'elasticsearch.password: "{password_of(folder, KIBANA)}"']
    lines += [f'{key}: "{random_text()}"' for key in _KIBANA_KEYS]
    text = f"elasticsearch.username: {KIBANA.user}\n" + "".join(f"{line}\n" for line in lines)
    is_new = _written(folder / KIBANA_SETTINGS, text, 0o600)
    return f"{'made' if is_new else 'kept'} {KIBANA_SETTINGS}"


def random_text() -> str:
    """Give 32 random letters and digits, 190 bits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def _written(path: Path, text: str, mode: int) -> bool:
    """Write a file whole or not at all; False when it is there already."""
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    if path.exists():
        return False
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(mode)
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True
