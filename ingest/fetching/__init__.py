"""Fetching: from an entry to its page, politely and safely."""
