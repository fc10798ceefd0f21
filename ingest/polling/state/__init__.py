"""The state that a poller keeps of its feeds."""
