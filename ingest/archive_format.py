"""The format of the page archive: what its writer and its readers agree on.

A page is one WARC `response` record for each of its parts, followed by one `metadata` record,
whose block is the page as JSON without the bytes of its parts. Any WARC tool can read the pages,
and a page is complete if its metadata record exists.
"""

from __future__ import annotations

#: Media type of the metadata record that completes a page.
PAGE_TYPE = "application/vnd.news-ingest.page+json"
#: Header of every record of a page: the document id.
DOCUMENT_HEADER = "X-News-Ingest-Document"
#: Header of a response record: the number of the part, counted from 1.
PART_HEADER = "X-News-Ingest-Part"
#: Prefix and suffix of our file names; a file that is still being written also has OPEN_ENDING.
FILE_START = "pages-"
FILE_ENDING = ".warc.gz"
OPEN_ENDING = ".open"
