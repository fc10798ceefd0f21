"""What the index stage does: versions, revisions, bulk writes, layout drift."""
