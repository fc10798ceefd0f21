"""Older entries of a feed: archive pages, sitemaps, gap repair and backfill."""
