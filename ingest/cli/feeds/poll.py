"""`news-ingest feeds poll`: asks the running poller for a feed now."""

from ingest.cli.feeds.status import poll as poll
