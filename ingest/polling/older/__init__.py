"""Older entries of a feed: archives, sitemaps, gaps, backfills."""
