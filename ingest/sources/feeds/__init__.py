"""Feed formats, one a file, told apart by content in parse_feed.py."""
