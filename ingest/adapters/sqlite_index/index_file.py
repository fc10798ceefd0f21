"""The file of the embedded index: made, checked, brought up to this version."""

from __future__ import annotations

from ingest.adapters.sqlite_index import schema
from ingest.adapters.sqlite_index.database import Connection, Database
from ingest.errors import IndexDiffers

_REBUILD = "rebuild the index from the log in another file"
_UPDATE = "use the version of news-ingest that made it"


class IndexFile(Database):
    """A file with the tables of an index; made by `apply` or by the first write."""

    _is_checked = False

    def is_there(self) -> bool:
        """Return whether there is a file to ask. Errors: IndexDiffers when it does not fit."""
        if not self._is_checked and self.exists:
            self._check()
        return self._is_checked

    def make(self) -> None:
        """Make the file if it is not there."""
        if not self.is_there():
            self.apply()

    def close(self) -> None:
        super().close()
        self._is_checked = False

    def differences(self) -> list[str]:
        """Return a sentence for each difference between this schema and the file's."""
        if not self.exists:
            return [f"the file {self.path} does not exist yet"]
        version = self._version()
        if version in schema.UPGRADES:
            wanted = f"this version of news-ingest {schema.VERSION}"
            return [f"the file {self.path} has schema {version}, {wanted}"]
        self._check()
        return []

    def apply(self) -> list[str]:
        """Make the file, or add what it lacks; returns what was done."""
        if self.exists:
            before = self._version()
            self._check()
            after = f"to schema {schema.VERSION}"
            return [] if before == schema.VERSION else [f"brought {self.path} {after}"]
        with self.turn():
            return [f"made the file {self.path}"] if self._was_made() else []

    def _was_made(self) -> bool:
        """Make the file aside and move it into place, so that nobody sees half of it."""
        if self.exists:
            return False
        aside = self.path.with_name(self.path.name + ".new")
        aside.unlink(missing_ok=True)
        connection = Connection(aside)
        try:
            for statement in schema.CREATION:
                connection.rows(statement)
            with connection.transaction("IMMEDIATE"):
                for statement in schema.TABLES:
                    connection.change(statement)
                connection.change_each("INSERT INTO meta VALUES (?, ?)", schema.MADE_WITH.items())
        finally:
            connection.close()
        aside.replace(self.path)
        return True

    def _version(self) -> int:
        return self.connection().number("PRAGMA user_version")

    def _check(self) -> None:
        """Refuse a file that does not fit; one of an older version gets what it lacks."""
        connection = self.connection()
        application = connection.number("PRAGMA application_id")
        version = self._version()
        origin = str(self.path)
        if application != schema.APPLICATION_ID:
            raise IndexDiffers(
                "the file is not an index of news-ingest",
                origin=origin,
                remedy="name another file in `index.url`",
            )
        while version in schema.UPGRADES:
            version = self._upgraded(version)
        if version != schema.VERSION:
            raise IndexDiffers(
                f"the index has schema {version}, this version of news-ingest needs "
                f"{schema.VERSION}",
                origin=origin,
                remedy=_REBUILD if version < schema.VERSION else _UPDATE,
            )
        made_with: dict[str, str] = dict(connection.rows("SELECT name, text FROM meta"))
        for name, value in schema.MADE_WITH.items():
            if made_with.get(name) != value:
                raise IndexDiffers(
                    f"the words of the index were made with another {name.replace('_', ' ')}",
                    value=f"{made_with.get(name)}, here {value}",
                    origin=origin,
                    remedy=_REBUILD,
                )
        self._is_checked = True

    def _upgraded(self, version: int) -> int:
        """Add what a file of an older version lacks; give the version that it has then."""
        with self.writing() as connection:
            found = connection.number("PRAGMA user_version")
            if found == version:  # nobody else was quicker
                for statement in schema.UPGRADES[version]:
                    connection.change(statement)
                found = version + 1
                connection.change(f"PRAGMA user_version={found}")
            return found
