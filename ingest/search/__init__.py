"""Search: the query language and what is shown of its answers."""
