"""What a poller remembers of its feeds."""
