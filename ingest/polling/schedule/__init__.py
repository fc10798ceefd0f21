"""When a feed is asked next, and which feeds are due."""
