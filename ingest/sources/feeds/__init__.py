"""Feed formats, one per file; parse_feed.py selects one by the content of a document."""
