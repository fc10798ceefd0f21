"""Reads documents from disk: files, WARC files, and the archive of fetched pages."""
