"""What the entity processors share: gazetteer, word lists, and the joining of mentions."""
