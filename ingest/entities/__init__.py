"""What the processors of entities share: place file, word lists, and the joining of mentions."""
