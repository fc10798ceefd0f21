"""Makes the users of a secured Elasticsearch: the stages', and the analyst's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ingest.adapters.elastic_index.client import Engine
from ingest.settings.options import IndexOptions
from ingest.settings.passwords import User

_DOING = "making users"
#: What an engine answers that has no security, or has it switched off.
_NO_SECURITY = frozenset({400, 404, 405, 500})
#: What of a user is left as it is when its roles are corrected.
_KEPT = ("full_name", "email", "metadata", "enabled")


class ElasticSecurity:
    """The users of one Elasticsearch. Errors of every method: IndexUnavailable, IndexRefused."""

    def __init__(self, options: IndexOptions) -> None:
        self._options = options
        self._engine = Engine(options)

    def is_on(self) -> bool:
        """Return whether this engine asks who calls."""
        answer = self._engine.tell(
            "GET", "/_security/_authenticate", _DOING, accepting=_NO_SECURITY
        )
        return answer is not None

    def make(self, users: Sequence[User], *, dry_run: bool = False) -> list[str]:
        """Create and correct users until all are as given; returns a sentence for each change.

        Roles that a user has beside the given ones stay.
        """
        return [line for user in users for line in self._user(user, dry_run)]

    def close(self) -> None:
        self._engine.close()

    def _user(self, user: User, dry_run: bool) -> list[str]:
        path = f"/_security/user/{user.name}"
        found = (self._engine.ask("GET", path, _DOING) or {}).get(user.name)
        body: dict[str, Any]
        if found is None:
            body = {"password": user.password, "roles": list(user.roles)}
            what = ("user {} is missing", "created user {}")
        elif not set(user.roles) <= set(found["roles"]):
            body = {name: found[name] for name in _KEPT if name in found}
            body["roles"] = sorted({*found["roles"], *user.roles})
            what = ("user {} lacks a role", "gave user {} its roles")
        elif not user.has_own_password and not self._opens(user):
            path += "/_password"
            body = {"password": user.password}
            what = ("user {} has another password", "set the password of user {}")
        else:
            return []
        if dry_run:
            return [what[0].format(user.name)]
        self._engine.tell("PUT", path, _DOING, body=body)
        return [what[1].format(user.name)]

    def _opens(self, user: User) -> bool:
        login = {"username": user.name, "password": user.password, "api_key": ""}
        engine = Engine(self._options.model_copy(update=login))
        try:
            answer = engine.tell(
                "GET", "/_security/_authenticate", _DOING, accepting=frozenset({401})
            )
        finally:
            engine.close()
        return answer is not None
