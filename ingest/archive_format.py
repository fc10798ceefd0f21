"""How fetched pages lie in the archive: what its writer and its readers agree on.

A page is one WARC `response` record for each of its parts and then one `metadata` record, whose
block is the page as JSON without the bytes of its parts. So any WARC tool finds the pages, and a
page whose metadata is there is there as a whole.
"""

from __future__ import annotations

#: Media type of the metadata record that makes records a page again.
PAGE_TYPE = "application/vnd.news-ingest.page+json"
#: Header of every record of a page: its document's id.
DOCUMENT_HEADER = "X-News-Ingest-Document"
#: Header of a response record: the number of the part, from 1.
PART_HEADER = "X-News-Ingest-Part"
#: How the names of our files begin and end; one that is being written has OPEN_ENDING too.
FILE_START = "pages-"
FILE_ENDING = ".warc.gz"
OPEN_ENDING = ".open"
