"""Makes the passwords of a deployment in a folder, and reads them."""

from __future__ import annotations

import os
import secrets
import string
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ingest.errors import NewsIngestError

#: Letters and digits are safe in YAML, JSON, URLs and shells.
ALPHABET = string.ascii_letters + string.digits
LENGTH = 32
#: The minimum of Elasticsearch.
MIN_LENGTH = 6

#: Settings of Kibana: its password, and the keys without which rules and sessions are lost at each
#: restart.
KIBANA_SETTINGS = "kibana/kibana.yml"
_KIBANA_KEYS = (
    "xpack.encryptedSavedObjects.encryptionKey",
    "xpack.security.encryptionKey",
    "xpack.reporting.encryptionKey",
)


class SecretFile(NamedTuple):
    """One password: its file in the folder, and the variable that may set its first value.

    The default `mode` is what the Elasticsearch image requires: readable for the owner only.
    Passwords of stages have no variable.
    """

    user: str
    file: str
    variable: str = ""
    mode: int = 0o600


class User(NamedTuple):
    """The desired state of a user of the index.

    `has_own_password`: a person, who may change the password later; any other user gets this
    password again when it no longer works.
    """

    name: str
    password: str
    roles: tuple[str, ...]
    has_own_password: bool = False


ADMIN = SecretFile("elastic", "admin/elastic", "ELASTIC_PASSWORD")
ANALYST = SecretFile("news_analyst", "admin/news_analyst", "ANALYST_PASSWORD")
KIBANA = SecretFile("kibana_system", "kibana/kibana_system", "KIBANA_PASSWORD")
#: One user for each need, so that a stage that faces strangers cannot write documents. Readable
#: for group 0, so that stages can run as the owner of config/.
POLL = SecretFile("news_poll", "poll/news_poll", mode=0o640)
READER = SecretFile("news_reader", "reader/news_reader", mode=0o640)
INDEX = SecretFile("news_index", "index/news_index", mode=0o640)
SECRETS = (ADMIN, ANALYST, KIBANA, POLL, READER, INDEX)


def make_passwords(folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Write the missing files, and return a line for each file: made or kept.

    A variable sets a password only when it is made; a value that differs from an existing password
    is reported and ignored.
    Errors: NewsIngestError for an unacceptable value or a folder that cannot be written.
    """
    for secret in SECRETS:
        _check(secret, environment.get(secret.variable, ""))
    try:
        lines = [_made(folder, secret, environment.get(secret.variable, "")) for secret in SECRETS]
        lines.append(_made_kibana_settings(folder))
    except OSError as error:
        raise _unwritable(error, folder) from error
    return lines


def replace_password(folder: Path, secret: SecretFile, password: str) -> None:
    """Store a password that is in force from now on. Errors: NewsIngestError."""
    try:
        (folder / secret.file).unlink(missing_ok=True)
        _written(folder / secret.file, password, secret.mode)
    except OSError as error:
        raise _unwritable(error, folder) from error


def password_of(folder: Path, secret: SecretFile) -> str:
    """Return one password. Errors: NewsIngestError when it is missing or cannot be read."""
    path = folder / secret.file
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NewsIngestError(
            f"the password of {secret.user} cannot be read",
            value=str(error),
            origin=str(path),
            remedy="make it with `news-ingest secrets make`",
        ) from error


def _unwritable(error: OSError, folder: Path) -> NewsIngestError:
    return NewsIngestError(
        "a password cannot be written",
        value=f"{error.filename}: {error.strerror}",
        origin=str(folder),
        remedy="let this user write the folder, or name another with --folder",
    )


def _check(secret: SecretFile, value: str) -> None:
    if value and (len(value) < MIN_LENGTH or not set(value) <= set(ALPHABET)):
        raise NewsIngestError(
            f"{secret.variable} is not an acceptable password",
            value=f"{len(value)} characters",
            origin="environment",
            remedy=f"use at least {MIN_LENGTH} letters and digits, nothing else",
        )


def _made(folder: Path, secret: SecretFile, wanted: str) -> str:
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
    """Return 32 random letters and digits: 190 bits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def _written(path: Path, text: str, mode: int) -> bool:
    """Write a file atomically and return True; return False when it exists already."""
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
