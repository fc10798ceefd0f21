"""Documents on disk: files, WARC files, and the archive of fetched pages."""
