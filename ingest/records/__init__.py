"""The records that go out to the log: what stands in them, and how they are appended."""
