"""Fetches the page of an entry and returns the outcome for the entry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import zstandard
from msgspec.structs import replace

from ingest.errors import FetchFailed
from ingest.fetching.document_id import DocumentIds, Identity, Lookup, Tracking, amp_canonical
from ingest.fetching.page_parts import Parts, PartsWalk, Room
from ingest.fetching.page_verdict import (
    PageFound,
    PageMissing,
    PageVerdict,
    Redirected,
    Rejected,
    RetryLater,
    verdict_of_answer,
    verdict_of_failure,
)
from ingest.fetching.politeness import Pressure
from ingest.identity import match_key, registrable_domain, version_of
from ingest.model import Entry, Page
from ingest.outcome import Drop, Keep, Outcome, Reject, Retry
from ingest.ports import Clock, Fetched, Fetcher, FetchRequest
from ingest.settings.options import FetchingOptions
from ingest.telemetry import Event
from ingest.wire import encode

#: Maximum number of redirects to another domain for one entry, each through the log.
MAX_HOPS = 5
#: Number of failed attempts after which the text of the feed is used (after 1 m, 10 m and 1 h).
LAST_ATTEMPT = 3
#: An entry whose page would have to wait longer than this for its host goes without it.
TOO_SLOW = timedelta(hours=24)
#: Headers of an answer that are archived: those about the page, not about the request.
KEPT_HEADERS = frozenset(
    ("age", "cache-control", "content-language", "date", "etag", "expires", "last-modified", "link",
     "server", "vary", "x-robots-tag")
)  # fmt: skip
MAX_HEADER_CHARACTERS = 500
#: The largest record of the log (4,000,000 bytes) without the fields beside entry and bodies.
MAX_RECORD_BYTES = 3_960_000
_ACCEPT = "text/html,application/xhtml+xml,text/plain;q=0.8,*/*;q=0.5"
_COMPRESSION_LEVEL = 3

_page_fetched = Event("page_fetched", level="debug", counts="pages_total")
_page_missing = Event("page_missing", counts="pages_total")
_page_deferred = Event("page_deferred", level="debug", counts="pages_total")
_amp_page = Event("amp_page", level="debug", counts="amp_pages_total")
_page_refused = Event("page_refused", level="warning", counts="pages_total")


class EntryFetcher:
    """The work of the fetch stage on one entry.

    `known` looks up documents in the index by id (it runs in a thread); `pressure` returns the
    length of a host's queue; `tracking` returns additional tracking parameters of a URL.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        *,
        known: Lookup,
        options: FetchingOptions,
        clock: Clock,
        pressure: Callable[[str], Pressure] = lambda _: Pressure(0, 0.0),
        tracking: Tracking = lambda _: (),
    ) -> None:
        self._fetcher = fetcher
        self._options = options
        self._clock = clock
        self._pressure = pressure
        self.ids = DocumentIds(known, tracking)
        self._compressor = zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL)

    async def fetch_entry(self, entry: Entry, attempt: int = 0) -> Outcome[Page | Entry]:
        """Return the page of this entry, the entry itself for another domain, or the failure.

        Shape: Keep(Page) with a body, or without one (`kind` feed, with `missing_reason`);
        Keep(Entry) to be appended again under the domain of its `url_to_ask`; Drop of an entry
        without text and page; Retry; Reject.
        `attempt` counts the failed attempts so far; at 3 a failure is final.
        Errors: IndexRefused, IndexDiffers of the lookup of document ids.
        """
        answer, verdict = await self._asked(entry)
        now = self._clock()
        if isinstance(verdict, Redirected):
            if entry.hops < MAX_HOPS:
                return self._redirected(entry, verdict.url)
            verdict = PageMissing("too_many_redirects")
        if isinstance(verdict, RetryLater):
            outcome = self._defer(entry, verdict, attempt)
            if outcome is not None:
                return outcome
            verdict = PageMissing(verdict.reason, verdict.status)
        if isinstance(verdict, Rejected):
            if verdict.reason == "address_not_public":
                # Some feeds are full of such links, and a replay would not help.
                _page_refused(outcome="dropped", reason=verdict.reason, entry=entry.id)
                return Drop(verdict.reason)
            _page_refused(outcome="rejected", reason=verdict.reason, entry=entry.id)
            return Reject(verdict.reason, "permanent", verdict.message)
        if isinstance(verdict, PageMissing):
            if not (entry.title or entry.summary or entry.content):
                # A URL alone, as in sitemaps: without the page there is no text.
                _page_refused(outcome="dropped", reason=verdict.reason, entry=entry.id)
                return Drop(f"no_text_{verdict.reason}", is_intended=False)
            return Keep(await self._without_body(entry, verdict, answer, now))
        assert answer is not None
        return await self._with_body(entry, verdict, answer, attempt)

    async def _asked(self, entry: Entry) -> tuple[Fetched | None, PageVerdict]:
        if self._is_too_slow(entry):
            return None, PageMissing("host_too_slow")
        answer, verdict = await self._ask(entry.url_to_ask, self._options.max_page_bytes)
        if answer is not None and isinstance(verdict, PageFound) and verdict.kind == "html":
            answer, verdict = await self._instead_of_amp(answer, verdict)
        return answer, verdict

    async def _instead_of_amp(
        self, answer: Fetched, verdict: PageFound
    ) -> tuple[Fetched, PageFound]:
        """Return the original of an AMP page; if it cannot be fetched, the AMP page itself.

        There is no retry: the AMP page has the text too.
        """
        original = amp_canonical(answer.body, answer.url)
        if not original:
            return answer, verdict
        better, its_verdict = await self._ask(original, self._options.max_page_bytes)
        has_page = isinstance(its_verdict, PageFound) and its_verdict.kind == "html"
        _amp_page(outcome="left" if has_page else "kept", url=answer.url)
        if better is None or not isinstance(its_verdict, PageFound) or not has_page:
            return answer, verdict
        return better, its_verdict

    async def _ask(self, url: str, max_bytes: int) -> tuple[Fetched | None, PageVerdict]:
        request = FetchRequest(
            url=url,
            stage="fetch",
            headers={"Accept": _ACCEPT},
            max_bytes=max_bytes,
            timeout_seconds=self._options.timeout_seconds,
            follows_other_domains=False,
        )
        try:
            answer = await self._fetcher.fetch(request)
        except FetchFailed as error:
            return None, verdict_of_failure(error)
        verdict = verdict_of_answer(answer, self._clock())
        return (answer if isinstance(answer, Fetched) else None), verdict

    def _is_too_slow(self, entry: Entry) -> bool:
        waiting, gap_seconds = self._pressure(entry.url_to_ask)
        wait = timedelta(seconds=(waiting + 1) * gap_seconds)
        age = self._clock() - entry.first_seen_at
        return wait > TOO_SLOW or (wait > TOO_SLOW / 24 and age + wait > TOO_SLOW)

    def _redirected(self, entry: Entry, url: str) -> Outcome[Page | Entry]:
        _page_deferred(outcome="redirected", entry=entry.id, hops=entry.hops + 1)
        return Keep(replace(entry, url_redirected=url, hops=entry.hops + 1))

    def _defer(
        self, entry: Entry, verdict: RetryLater, attempt: int
    ) -> Outcome[Page | Entry] | None:
        """Return a Retry, or a Reject on the last attempt; None if the feed has a text."""
        if not verdict.counts or attempt < LAST_ATTEMPT:
            _page_deferred(outcome="retry", reason=verdict.reason, entry=entry.id)
            return Retry(verdict.reason, verdict.after_seconds, verdict.counts, verdict.message)
        if entry.content.strip() or entry.summary.strip():
            return None
        _page_refused(outcome="rejected", reason="exhausted", entry=entry.id, last=verdict.reason)
        failure_class = "timeout" if verdict.reason == "timeout" else "transient"
        return Reject("exhausted", failure_class, verdict.message or verdict.reason)

    async def _without_body(
        self, entry: Entry, verdict: PageMissing, answer: Fetched | None, now: datetime
    ) -> Page:
        identity = await self.ids.without_page(entry)
        _page_missing(
            outcome="missing", content_source="feed", reason=verdict.reason, entry=entry.id
        )
        url = answer.url if answer is not None else entry.url_to_ask
        page = _page_without_body(entry, identity, now, url)
        return replace(page, kind="feed", status=verdict.status, missing_reason=verdict.reason)

    async def _with_body(
        self, entry: Entry, verdict: PageFound, answer: Fetched, attempt: int
    ) -> Outcome[Page | Entry]:
        now = self._clock()
        body = self._compressor.compress(answer.body)
        room = _room_beside(entry) - len(body)
        if room < 0:
            missing = PageMissing("body_too_large", answer.status)
            return Keep(await self._without_body(entry, missing, answer, now))
        parts = Parts()
        if verdict.kind == "html":
            unpacked = self._options.max_page_bytes - len(answer.body)
            both = Room(unpacked, room)
            walk = PartsWalk(answer, both, self._ask, self._pressure, self._compressor)
            parts = await walk.run()
        if parts.later is not None and attempt == 0:
            _page_deferred(outcome="retry", reason=parts.missing_reason, entry=entry.id)
            return Retry("part_missing", None, True, parts.missing_reason)
        identity = await self.ids.of_page(entry, answer.url, answer.body)
        _page_fetched(
            outcome="fetched",
            content_source="page",
            entry=entry.id,
            seconds=round(answer.seconds, 3),
            bytes=len(answer.body),
        )
        page = replace(
            _page_without_body(entry, identity, now, answer.url),
            kind=verdict.kind,
            status=answer.status,
            body=body,
            content_type=_writable(answer.header("content-type") or ""),
            headers=_kept_headers(answer),
            parts=parts.pages,
            parts_missing_reason=parts.missing_reason,
        )
        return Keep(page)


def _page_without_body(entry: Entry, identity: Identity, now: datetime, url_final: str) -> Page:
    return Page(
        document_id=identity.document_id,
        entry=entry,
        url_canonical=identity.canonical,
        url_match_key=match_key(identity.canonical),
        url_final=url_final,
        domain=registrable_domain(identity.canonical, with_private=True),
        fetched_at=now,
        version=version_of(now),
    )


def _room_beside(entry: Entry) -> int:
    """Return the maximum compressed bytes of a page beside its entry in one record."""
    return (MAX_RECORD_BYTES - len(encode(entry))) * 3 // 4  # base64 makes four bytes of three


def _kept_headers(answer: Fetched) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name, _writable(value[:MAX_HEADER_CHARACTERS]))
        for name, value in answer.headers
        if name in KEPT_HEADERS
    )


def _writable(header: str) -> str:
    """Return a header without the surrogates that stand for bytes that are not UTF-8."""
    return header.encode("utf-8", "replace").decode("utf-8")
