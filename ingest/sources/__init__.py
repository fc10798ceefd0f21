"""Sources: what understands a format each, of feeds and of documents on disk."""
