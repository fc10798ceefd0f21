"""The index stage: versions, revisions, bulk writes, layout drift."""
