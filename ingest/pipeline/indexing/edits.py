"""Keeps what changed in the texts of one batch: found before the batch is written, and put first."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.model import IndexedDocument
from ingest.pipeline.indexing.differences import is_edit, revision_of
from ingest.ports import Index, Known, KnownText, Placed, Revision, Verdict
from ingest.telemetry import Event, counter

revision_found = Event("revision_found", level="debug", counter=counter("revisions_total"))


class Edits:
    """The edits of one batch. What changed is written before the documents are.

    The other way round a crash between the two would lose it: the text in the index would be the
    new one already. Written first it is found again, with the same id, and written once.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._found: list[tuple[Known, IndexedDocument]] = []

    def note(self, before: Known | None, after: Placed) -> None:
        """Take note of a document on its way, and of what the index knew of it."""
        if before is not None and is_edit(before, after.document):
            self._found.append((before, after.document))

    def put(self, known: dict[str, Known], writes: Sequence[Placed]) -> list[Revision]:
        """Write what changed; gives it. `known` is what was so before the batch.

        Errors: those of Revisions.
        """
        if not self._found:
            return []
        revisions = self._revisions(known, writes)
        if revisions:
            self._index.revisions.put(revisions)
        for revision in revisions:
            revision_found(
                id=revision.document_id, revision=revision.revision, share=revision.changed_share
            )
        return revisions

    def forget_refused(
        self, revisions: Sequence[Revision], writes: Sequence[Placed], verdicts: Sequence[Verdict]
    ) -> None:
        """Take out what belongs to documents that the index refused."""
        refused = {
            (item.document.id, item.document.revision)
            for item, verdict in zip(writes, verdicts, strict=True)
            if verdict.kind == "refused"
        }
        left = [one for one in revisions if (one.document_id, one.revision) in refused]
        if left:
            self._index.revisions.forget(left)

    def _revisions(self, known: dict[str, Known], writes: Sequence[Placed]) -> list[Revision]:
        """Give what changed, each against the text that stood before it, in this batch too."""
        edited = {after.id for _, after in self._found}
        texts = self._index.revisions.texts([known[id] for id in edited if id in known])
        befores = {(after.id, after.version): before for before, after in self._found}
        revisions = []
        for item in writes:
            document = item.document
            if document.id not in edited:
                continue
            before = befores.get((document.id, document.version))
            text = texts.get(document.id)
            if before is not None and text is not None:
                revision = revision_of(before, text, document)
                revisions += [] if revision is None else [revision]
            texts[document.id] = KnownText(document.title, document.text)
        return revisions
