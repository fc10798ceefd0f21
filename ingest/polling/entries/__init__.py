"""The entries of feed documents, and which of them are new."""
