"""Verbs about articles in the archive: what is found, what became of it, and what is one."""
