"""Manages the users of a secured Elasticsearch: of the stages, Kibana and the analyst."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ingest.adapters.elastic_index.client import UNAUTHORISED, Engine
from ingest.settings.options import IndexOptions
from ingest.settings.passwords import User

_DOING = "creating users"
#: What is kept of a user whose roles are corrected.
_KEPT = ("full_name", "email", "metadata", "enabled")


class ElasticSecurity:
    """The users of one Elasticsearch. Errors of every method: IndexUnavailable, IndexRefused."""

    def __init__(self, options: IndexOptions) -> None:
        self._options = options
        self._engine = Engine(options)

    def is_on(self) -> bool:
        """Return whether this engine has security, and it is enabled."""
        return self._engine.has("/_security/_authenticate", _DOING)

    def make(self, users: Sequence[User], *, dry_run: bool = False) -> list[str]:
        """Create and correct users and return a sentence for each change.

        Other roles of a user stay.
        """
        return [line for user in users for line in self._user(user, dry_run)]

    def set_password(self, user: str, password: str) -> None:
        path = f"/_security/user/{user}/_password"
        self._engine.request("PUT", path, "setting a password", body={"password": password})

    def close(self) -> None:
        self._engine.close()

    def _user(self, user: User, dry_run: bool) -> list[str]:
        path = f"/_security/user/{user.name}"
        found = (self._engine.request_or_none("GET", path, _DOING) or {}).get(user.name)
        body: dict[str, Any]
        if found is None:
            body = {"password": user.password, "roles": list(user.roles)}
            what = ("user {} is missing", "created user {}")
        elif not set(user.roles) <= set(found["roles"]):
            body = {name: found[name] for name in _KEPT if name in found}
            body["roles"] = sorted({*found["roles"], *user.roles})
            what = ("user {} lacks a role", "added roles to user {}")
        elif not user.has_own_password and not self.can_log_in(user.name, user.password):
            path += "/_password"
            body = {"password": user.password}
            what = ("user {} has another password", "set the password of user {}")
        else:
            return []
        if dry_run:
            return [what[0].format(user.name)]
        self._engine.request("PUT", path, _DOING, body=body)
        return [what[1].format(user.name)]

    def can_log_in(self, user: str, password: str) -> bool:
        """Return whether the engine accepts this login."""
        login = {"username": user, "password": password, "api_key": ""}
        engine = Engine(self._options.model_copy(update=login))
        try:
            path, denied = "/_security/_authenticate", frozenset({UNAUTHORISED})
            return engine.request("GET", path, _DOING, accepting=denied) is not None
        finally:
            engine.close()
