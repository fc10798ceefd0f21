"""Talks to Elasticsearch: requests, bulk writes, and its errors translated to those of the port.

The only file that imports the client library.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

import elastic_transport
import msgspec
from elasticsearch import ApiError, Elasticsearch, UnsupportedProductError
from elasticsearch.helpers import BulkIndexError, ScanError, streaming_bulk

from ingest.adapters.elastic_index.verdicts import (
    EngineAnswer,
    is_about_the_request,
    is_disk_block,
    is_foreign_version,
    is_month_missing,
    is_refusal,
    is_unavailable,
)
from ingest.errors import IndexDiffers, IndexFault, IndexRefused, IndexUnavailable, NewsIngestError
from ingest.masking import masked
from ingest.settings.options import IndexOptions

#: Everything the client and its transport can raise.
CLIENT_ERRORS = (
    elastic_transport.ApiError,
    elastic_transport.TransportError,
    BulkIndexError,
    ScanError,
)
CLIENT_VERSION = version("elasticsearch")

#: The client's own 10 s are too short for bulk requests.
REQUEST_TIMEOUT_SECONDS = 30.0
BULK_BYTES = 5 * 1024 * 1024
BULK_RETRIES = 3
RETRIED_STATUSES = (429, 502, 503, 504)

UNAUTHORISED = 401
#: A starting engine answers 401 to users that it keeps in an index, until it has opened that
#: index, which takes some seconds. A revoked key is noticed this much later.
STARTING_SECONDS = 60.0
#: Statuses of an engine without a feature, such as security or lifecycles.
_FEATURE_MISSING = frozenset({400, 404, 405, 500})
#: A failed item of several has no status, only a type; types not named here may be temporary.
_STATUS_OF_AN_ITEM = {"index_not_found_exception": 404, "security_exception": 403}


class Write(msgspec.Struct, frozen=True):
    """What is written under one id of an index; a `body` of None deletes it.

    An older version of an id never wins.
    """

    index: str
    id: str
    version: int
    body: bytes | None


class Engine:
    """One Elasticsearch: requests by method and path, with its errors translated to ours.

    Errors of every method: IndexUnavailable, IndexRefused, IndexDiffers; IndexFault for a
    request that the engine rejects as invalid. `doing` describes the work in their messages.
    """

    def __init__(self, options: IndexOptions) -> None:
        self.url = masked(options.url)
        self._client = _connect(options)

    def request(
        self,
        method: str,
        path: str,
        doing: str,
        *,
        body: Any = None,
        accepting: frozenset[int | str] = frozenset(),
    ) -> Any:
        """Return the parsed response; None for an accepted status or type of error."""
        headers = {"accept": "application/json"}
        if body is not None:
            headers["content-type"] = "application/json"
        try:
            return self._client.perform_request(method, path, headers=headers, body=body).body
        except CLIENT_ERRORS as error:
            if isinstance(error, ApiError) and (
                error.status_code in accepting or answer_of(error).type in accepting
            ):
                return None
            raise translate(error, self.url, doing) from error

    def request_or_none(self, method: str, path: str, doing: str, *, body: Any = None) -> Any:
        """Return the parsed response; None for 404."""
        return self.request(method, path, doing, body=body, accepting=frozenset({404}))

    def has(self, path: str, doing: str) -> bool:
        """Return whether this engine has the feature behind a path."""
        return self.request("GET", path, doing, accepting=_FEATURE_MISSING) is not None

    def search(self, alias: str, body: Mapping[str, Any]) -> Any:
        """Return the response of all shards; one without hits where the index does not exist.

        Errors: also IndexUnavailable when some shards did not answer.
        """
        path = f"/{alias}/_search?ignore_unavailable=true"
        return self.complete(self.request("POST", path, "searching", body=body))

    def complete(self, answer: Any) -> Any:
        """Return the response to a search. Errors: IndexUnavailable when some shards failed."""
        shards = answer["_shards"]
        if shards["failed"]:
            reason = shards.get("failures", [{}])[0].get("reason", {}).get("reason", "")
            raise IndexUnavailable(
                "part of the index does not answer",
                value=f"{shards['failed']} of {shards['total']} shards: {reason}",
                origin=self.url,
                remedy="look at the engine's cluster health",
            )
        return answer

    def found(
        self, places: Sequence[tuple[str, str]], fields: Sequence[str], doing: str
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield index and item of each document that exists, searchable yet or not.

        `places` are pairs of index and id. `fields` are the fields to read, all if empty. An index
        that does not exist has no documents; any other error is raised.
        """
        if not places:
            return
        docs = [{"_index": index, "_id": id} for index, id in places]
        path = f"/_mget?_source_includes={','.join(fields) or '*'}"
        answer = self.request("POST", path, doing, body={"docs": docs})
        for (index, _), item in zip(places, answer["docs"], strict=True):
            if item.get("found"):
                yield index, item
            elif "error" in item:
                status = _STATUS_OF_AN_ITEM.get(str(item["error"].get("type")), 503)
                fault = EngineAnswer.of(status, item["error"])
                if not is_month_missing(fault):
                    raise refusal(fault, self.url, doing)

    def bulk(self, writes: Sequence[Write], doing: str) -> Iterator[tuple[str, EngineAnswer, bool]]:
        """Write in bulk, with retries, and yield id, answer, and whether it is of a whole request.

        One for each write, but not in their order. The answer is of a whole request where that was
        invalid; any other failure of a whole request is raised. Errors: also IndexUnavailable when
        some got no answer.
        """
        answered = 0
        results = streaming_bulk(
            self._client,
            cast(Any, writes),
            chunk_size=500,
            max_chunk_bytes=BULK_BYTES,
            expand_action_callback=cast(Any, _action),
            raise_on_error=False,
            raise_on_exception=False,
            max_retries=BULK_RETRIES,
            initial_backoff=0.2,
            max_backoff=5,
            retry_on_status=RETRIED_STATUSES,
            require_alias=True,
        )
        try:
            for _, item in results:
                answered += 1
                (info,) = item.values()
                exception = info.get("exception")
                if isinstance(exception, ApiError):
                    answer = answer_of(exception)
                    if not is_about_the_request(answer):
                        raise refusal(answer, self.url, doing)
                    yield info["_id"], answer, True
                else:
                    yield info["_id"], EngineAnswer.of(info["status"], info.get("error")), False
        except CLIENT_ERRORS as error:
            raise translate(error, self.url, doing) from error
        if answered < len(writes):
            raise IndexUnavailable(
                "the index answered for fewer documents than were sent",
                value=f"{answered} of {len(writes)}",
                origin=self.url,
                remedy="the batch is sent again",
            )

    def close(self) -> None:
        self._client.close()


class NotAuthorisedYet(elastic_transport.ConnectionError):
    """A client gets 401 that was authorised before, or has waited for the engine."""


class StartupTransport(elastic_transport.Transport):
    """Treats 401 as temporary for a while when the engine may be starting.

    That is the case after another response (so the credentials were valid) and after a failed
    connection. If the very first response is 401, it is returned at once.
    """

    def __init__(
        self, *given: Any, monotonic: Callable[[], float] = time.monotonic, **named: Any
    ) -> None:
        super().__init__(*given, **named)
        self._monotonic = monotonic
        self._may_be_starting = False
        self._refused_at: float | None = None

    def perform_request(self, *given: Any, **named: Any) -> elastic_transport.TransportApiResponse:
        """Return the response. Errors: NotAuthorisedYet beside those of every transport."""
        try:
            answer = super().perform_request(*given, **named)
        except elastic_transport.TransportError:
            self._may_be_starting = True
            raise
        if answer.meta.status != UNAUTHORISED:
            self._may_be_starting = True
            self._refused_at = None
            return answer
        now = self._monotonic()
        if self._refused_at is None:
            self._refused_at = now
        if self._may_be_starting and now - self._refused_at < STARTING_SECONDS:
            raise NotAuthorisedYet(_reason_of(answer.body))
        return answer


def _connect(options: IndexOptions) -> Elasticsearch:
    credentials: dict[str, Any] = {}
    if options.api_key:
        credentials["api_key"] = options.api_key
    elif options.username:
        credentials["basic_auth"] = (options.username, options.password)
    if options.url.startswith("https"):
        credentials |= {"verify_certs": options.verify_tls, "ssl_show_warn": False}
        if options.ca_file:
            credentials["ca_certs"] = options.ca_file
    return Elasticsearch(
        hosts=[_with_port(options.url)],
        request_timeout=REQUEST_TIMEOUT_SECONDS,
        max_retries=1,
        retry_on_status=(),
        retry_on_timeout=False,
        transport_class=StartupTransport,
        **credentials,
    )


def _with_port(url: str) -> str:
    """Return the URL with a port, which the client requires: 9200 by default."""
    parts = urlsplit(url)
    if parts.port is not None:
        return url
    return urlunsplit(parts._replace(netloc=f"{parts.netloc}:9200"))


def translate(error: Exception, url: str, doing: str) -> NewsIngestError:
    """Return our error for one of the client library."""
    if isinstance(error, ApiError) and not isinstance(error, UnsupportedProductError):
        return refusal(answer_of(error), url, doing)
    kind: type[NewsIngestError] = IndexUnavailable
    value = str(error)
    if isinstance(error, UnsupportedProductError):
        kind, what = IndexDiffers, "the server is not an Elasticsearch ≥ 7.14"
        remedy = "set index.url to an Elasticsearch 8.19 or newer"
    elif isinstance(error, elastic_transport.TlsError) and "CERTIFICATE" in error.message.upper():
        kind, what = IndexRefused, "the engine's certificate is not trusted"
        value, remedy = error.message, "name its authority in index.ca_file"
    elif isinstance(error, NotAuthorisedYet):
        value, what = error.message, f"the index did not authorise this client while {doing}"
        remedy = (
            f"a starting engine does so; if it lasts for {STARTING_SECONDS:.0f} s, "
            "the work ends: check index.username, index.password or index.api_key then"
        )
    else:
        what = f"the index does not answer while {doing}"
        remedy = "start Elasticsearch or fix index.url; the work resumes by itself"
    return kind(what, value=value, origin=url, remedy=remedy)


def answer_of(error: ApiError) -> EngineAnswer:
    """Return status, type and reason of an error response."""
    body = error.body
    cause = body.get("error", body) if isinstance(body, dict) else body
    return EngineAnswer.of(error.status_code, cause)


def refusal(answer: EngineAnswer, url: str, doing: str) -> NewsIngestError:
    """Return our error for the response to a whole request."""
    value = f"{answer.status} {answer.type}: {answer.reason}"
    kind: type[NewsIngestError]
    if is_disk_block(answer):
        kind, what = IndexUnavailable, "the index accepts no writes: disk watermark"
        remedy = "free disk space for Elasticsearch; writing resumes by itself below the watermark"
    elif is_refusal(answer):
        kind, what = IndexRefused, f"the index refuses this client while {doing}"
        remedy = (
            "check index.username, index.password or index.api_key, and their rights; "
            "an engine that has just started refuses all clients for some seconds"
        )
    elif is_foreign_version(answer):
        kind, what = IndexDiffers, "the versions of client and engine are not compatible"
        value += f" (client {CLIENT_VERSION})"
        remedy = "use an Elasticsearch 8.19 or newer, or a client of its major version"
    elif is_unavailable(answer):
        kind, what = IndexUnavailable, f"the index is not ready while {doing}"
        remedy = "the work resumes by itself once the engine is ready"
    else:
        kind, what = IndexFault, f"the index refused a request while {doing}"
        remedy = "run `news-ingest setup`; if that does not help, please report it"
    return kind(what, value=value, origin=url, remedy=remedy)


def _action(one: Write) -> tuple[dict[str, Any], bytes | None]:
    """Return the action line of a write, and its body, which the client sends unchanged."""
    line = {
        "_index": one.index,
        "_id": one.id,
        "version": one.version,
        "version_type": "external_gte",
    }
    return {"delete" if one.body is None else "index": line}, one.body


def _reason_of(body: Any) -> str:
    try:
        return f"{UNAUTHORISED} {body['error']['type']}: {body['error']['reason']}"
    except (KeyError, TypeError):
        return str(UNAUTHORISED)
