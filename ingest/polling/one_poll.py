"""Polls one feed once, and makes each step durable before the next.

1. Claim the feed: the next poll is planned before the request. 2. Request the document. 3. Judge
the answer and parse what is new. 4. Append the times of first sight. 5. Append entries, drops and
rejects. 6. Append keys, validators and the time of the next poll. A crash between two steps
repeats work and loses nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

from msgspec.structs import replace

from ingest.dates import retry_after
from ingest.errors import FetchFailed, SourceError, WireError
from ingest.identity import registrable_domain
from ingest.model import Feed
from ingest.polling.document import answers
from ingest.polling.document.after_document import (
    DocumentRead,
    after_address_lost,
    after_document,
    after_redirects,
    success_of,
)
from ingest.polling.document.answers import (
    UNREACHED,
    AnswerVerdict,
    conditional_headers,
    with_equal_body_counted,
    with_new_validators,
)
from ingest.polling.document.read_document import (
    ChildrenSeen,
    ReadFeed,
    feed_request,
    read_document,
)
from ingest.polling.entries.new_entries import Found, find_entries, must_be_whole
from ingest.polling.older.gap_repair import GapRepair
from ingest.polling.poll_tools import PollTools
from ingest.polling.report import events
from ingest.polling.report.events import report_failure, report_found
from ingest.polling.schedule import planning
from ingest.polling.schedule.planning import Success, stable_fraction
from ingest.polling.schedule.rate import observed
from ingest.polling.state.feed_state import FeedState, Slot, encode_state, with_note
from ingest.polling.state.seen_keys import SeenKeys
from ingest.ports import (
    NOTHING_KNOWN,
    Disallowed,
    Fetched,
    FetchRequest,
    ParsedFeed,
    PollNote,
    Resting,
)
from ingest.records.appending import NewRecord
from ingest.records.outputs import KEYS, feed_key, feed_record, poll_outputs
from ingest.wire import decode, encode


class FeedLost(Exception):  # noqa: N818 - not an error: another poller owns the feed
    """The feed's partition was assigned to another poller during the poll."""


class FeedPoll:
    """One poll of one feed; updates its slot."""

    def __init__(
        self, tools: PollTools, feed: Feed, slot: Slot, is_owned: Callable[[], Awaitable[bool]]
    ) -> None:
        self.tools, self.feed, self.slot, self.is_owned = tools, feed, slot, is_owned
        self.domain = registrable_domain(feed.url)

    async def run(self) -> None:
        """Poll; a failure of the feed becomes its state. Errors: those of LogWriter.write; FeedLost."""
        now = self.tools.clock()
        self.slot.wake()
        state = planning.for_configuration(self.slot.state, self.feed)
        await self._save(
            planning.claimed(state, self.feed, self.tools.options, self.tools.kappa, now)
        )
        # A new owner has not seen the claim if it became durable after the partition moved.
        await self._check_owned()
        request = self._request(now)
        try:
            answer = await self.tools.fetcher.fetch(request)
        except FetchFailed as error:
            self._note_reached(error.kind not in UNREACHED)
            await self.fail(error.kind, str(error))
            return
        if isinstance(answer, Disallowed):
            await self.fail(answer.reason, f"robots.txt does not allow {answer.url}")
        elif isinstance(answer, Resting):
            await self._wait_for_host(answer)
        else:
            self._note_reached(True)
            await self._take(
                answer, "If-None-Match" in request.headers or "If-Modified-Since" in request.headers
            )

    def _request(self, now: datetime) -> FetchRequest:
        headers: dict[str, str] = {}
        if not self.feed.ignore_http_cache:
            headers = conditional_headers(self.slot.state, now)
        return feed_request(self.feed, self.tools.options, self.slot.state.url, headers=headers)

    async def _take(self, answer: Fetched, sent_validators: bool) -> None:
        judged = answers.judge(answer, sent_validators=sent_validators)
        now = self.tools.clock()
        if judged.kind == "failed":
            self.slot.put(after_address_lost(self.slot.state, answer))
            await self.fail(judged.error_class, judged.message, answer)
        elif judged.kind == "rests":
            await self._rest(answer, judged, now)
        elif judged.kind == "not_modified":
            state = with_new_validators(self.slot.state, answer)
            state = replace(state, equal_200_count=0)
            await self._unchanged("unchanged_304", state, answer, now)
        else:
            await self._take_body(answer, judged.kind == "partial", sent_validators, now)

    async def _take_body(
        self, answer: Fetched, is_partial: bool, sent_validators: bool, now: datetime
    ) -> None:
        state, digest = self.slot.state, hashlib.sha256(answer.body).hexdigest()
        is_known = (
            digest == state.body_sha256
            and state.parse_was_good
            and state.parser_version == self.tools.parser_version
            and not is_partial
        )
        if is_known:
            state = with_equal_body_counted(state, sent_validators=sent_validators)
            state = with_new_validators(state, answer)
            if not sent_validators:
                state = replace(state, last_probe_at=now)
            await self._unchanged("unchanged_hash", state, answer, now)
            return
        try:
            document, found = await self._read(answer, now)
        except SourceError as error:
            await self.fail(error.kind, str(error), answer)
            return
        if await self._is_duplicate(answer):
            return
        await self._emit(document.parsed, found, now)
        gap_is_closed = False
        if found.is_overflow and not is_partial:
            keys = self._seen() or SeenKeys()
            repair = GapRepair(self.tools, self.feed, self.slot.state, keys, answer.url)
            found, gap_is_closed = await repair.run(document.parsed, found, now, self._emit)
        read = DocumentRead(
            answer=answer,
            parsed=document.parsed,
            found=found,
            digest="" if is_partial else digest,
            parser_version=self.tools.parser_version,
            sent_validators=sent_validators,
            children=document.children,
            shows_changes=document.shows_changes,
            gap_is_closed=gap_is_closed,
        )
        before = self.slot.state
        success = success_of(before, read, now)
        await self._finish(after_document(before, read, now), found, success, answer, now)

    async def _read(self, answer: Fetched, now: datetime) -> tuple[ReadFeed, Found]:
        state, keys = self.slot.state, self._seen()
        children = ChildrenSeen()
        is_same_parser = state.parser_version == self.tools.parser_version
        if is_same_parser:
            children = ChildrenSeen(state.sitemap_children, state.last_success_at)
        # Entries that the same parser has read before may be left out of the document.
        may_leave_out = is_same_parser and state.entry_key_mode == "guid"
        known = keys.known_items() if keys is not None and may_leave_out else NOTHING_KNOWN
        read = partial(read_document, self.tools, self.feed, answer)
        document = await read(known=known, seen=children)
        if keys is not None and must_be_whole(document.parsed, keys):
            document = await read(seen=children)
        parsed = document.parsed

        find = partial(
            find_entries,
            self.feed,
            parsed,
            keys,
            mode=state.entry_key_mode,
            pending=state.pending,
            max_new=self.tools.options.max_new_entries,
            now=now,
        )
        is_short = len(parsed.entries) < 100
        return document, find() if is_short else await asyncio.to_thread(find)

    def _seen(self) -> SeenKeys | None:
        try:
            return decode(self.slot.keys, SeenKeys) if self.slot.keys else None
        except WireError as error:
            events.state_unreadable(key=feed_key(self.feed.id, KEYS), error=str(error))
            return None

    async def _emit(self, parsed: ParsedFeed, found: Found, now: datetime) -> None:
        for kind, amount in parsed.oddities.items() | found.oddities.items():
            events.feed_oddity(kind=kind, amount=amount, feed=self.feed.id)
        if found.first_seen:
            # Keep all that a crashed poll has noted: it may have got further than this one.
            pending = {**self.slot.state.pending, **found.first_seen}
            await self._save(replace(self.slot.state, pending=pending))
        records = poll_outputs(found.entries, found.drops, found.rejects, self.tools.plan, now)
        await self._check_owned()
        await self.tools.writer.write(records)
        report_found(found)

    async def _finish(
        self, state: FeedState, found: Found, success: Success, answer: Fetched, now: datetime
    ) -> None:
        state = self._succeeded(self._followed(state, answer, now), now, success)
        if found.left_behind:
            # The rest of the document can be fetched right away.
            least = planning.bounds_of(self.feed, self.tools.options).least
            soon = now + timedelta(seconds=max(least, success.cache_floor))
            state = replace(state, next_poll_at=min(soon, state.next_poll_at or soon))
        outcome = "new" if found.new_count or found.updated_count else "unchanged_entries"
        state = _noted(state, now, outcome, answer, new_entries=found.new_count)
        await self._save(state, found.keys)
        events.feed_polled(
            outcome=outcome,
            feed=self.feed.id,
            entries=found.new_count,
            updated=found.updated_count,
            seconds=round(answer.seconds, 3),
        )

    async def _unchanged(
        self, outcome: str, state: FeedState, answer: Fetched, now: datetime
    ) -> None:
        state = replace(state, rate=observed(state.rate, 0, now))
        state = self._followed(state, answer, now)
        success = Success(cache_floor=answers.cache_floor_seconds(answer))
        state = self._succeeded(state, now, success)
        await self._save(_noted(state, now, outcome, answer))
        events.poll_unchanged(outcome=outcome, feed=self.feed.id, seconds=round(answer.seconds, 3))

    def _succeeded(self, state: FeedState, now: datetime, success: Success) -> FeedState:
        state = replace(state, last_status=200, duplicate_of="")
        return planning.succeeded(
            state, self.feed, self.tools.options, self.tools.kappa, now, success
        )

    def _followed(self, state: FeedState, answer: Fetched, now: datetime) -> FeedState:
        after = after_redirects(state, answer, now)
        if after.url != state.url:
            events.feed_moved(feed=self.feed.id, url=after.url)
        return after

    async def _is_duplicate(self, answer: Fetched) -> bool:
        """Return whether this feed permanently redirects to another known feed; then suspend it."""
        if not answer.hops or any(hop.status not in (301, 308) for hop in answer.hops):
            return False
        other = self.tools.feed_at(answer.url)
        if not other or other == self.feed.id:
            return False
        events.feed_is_duplicate(feed=self.feed.id, duplicate_of=other)
        now = self.tools.clock()
        state = replace(
            self.slot.state, duplicate_of=other, next_poll_at=now + timedelta(days=1), pending={}
        )
        await self._save(with_note(state, PollNote(at=now, outcome="skipped", status=200)))
        return True

    async def fail(self, error_class: str, message: str, answer: Fetched | None = None) -> None:
        """Record a failure of the feed. Errors: as `run`."""
        now = self.tools.clock()
        status = answer.status if answer is not None else 0
        before = self.slot.state
        state = planning.failed(
            replace(before, last_status=status),
            self.feed,
            self.tools.options,
            now,
            error_class,
            message,
            is_frozen=self.tools.outage.is_frozen,
        )
        if error_class == "http_410" and before.gone_since_at is None:
            events.feed_gone(feed=self.feed.id, url=before.url)
        await self._save(_noted(state, now, "failed", answer, error=error_class))
        report_failure(self.feed.id, error_class, str(status or ""), message)

    async def _rest(self, answer: Fetched, judged: AnswerVerdict, now: datetime) -> None:
        wait = retry_after(answer.header("retry-after"), now)
        state = replace(self.slot.state, last_status=answer.status)
        seconds = None if wait is None else wait.total_seconds()
        state = planning.rested(state, self.feed, now, seconds, judged.message)
        note = PollNote(at=now, outcome="failed", status=answer.status, error="rate_limited")
        await self._save(with_note(state, note))
        report_failure(self.feed.id, "rate_limited", str(answer.status), judged.message)

    async def _wait_for_host(self, answer: Resting) -> None:
        now = self.tools.clock()
        left = max(1.0, (answer.until - now).total_seconds())
        spread = stable_fraction(self.feed.id, f"host {answer.until:%Y%m%d%H%M}") * min(
            60.0, left / 10
        )
        state = replace(
            self.slot.state,
            next_poll_at=now + timedelta(seconds=left + spread),
            retry_after_until_at=answer.until if answer.reason == "host_rests" else None,
        )
        await self._save(with_note(state, PollNote(at=now, outcome="skipped", error=answer.reason)))
        events.poll_unchanged(outcome="skipped", feed=self.feed.id)

    async def _save(self, state: FeedState, keys: SeenKeys | None = None) -> None:
        await self._check_owned()
        records, encoded = [], b""
        if keys is not None:
            # Keys come first: a durable state implies that its keys are durable.
            encoded = encode(keys)
            records.append(self._record(KEYS, encoded))
        written = encode_state(state)
        records.append(self._record("", written))
        await self.tools.writer.write(records)
        self.slot.put(state, written)
        self.tools.on_state(self.feed.id, self.slot)
        if keys is not None:
            self.slot.keys = encoded

    def _record(self, part: str, value: bytes) -> NewRecord:
        now = self.tools.clock()
        return feed_record(self.feed.id, part, value, self.domain, self.tools.plan.name, now)

    async def _check_owned(self) -> None:
        if not await self.is_owned():
            raise FeedLost

    def _note_reached(self, was_reached: bool) -> None:
        self.tools.outage.note(self.domain, was_reached=was_reached, now=self.tools.clock())


def _noted(
    state: FeedState,
    now: datetime,
    outcome: str,
    answer: Fetched | None = None,
    *,
    error: str = "",
    new_entries: int = 0,
) -> FeedState:
    note = PollNote(
        at=now,
        outcome=outcome,
        status=0 if answer is None else answer.status,
        bytes=0 if answer is None else len(answer.body),
        new_entries=new_entries,
        error=error,
    )
    return with_note(state, note)
