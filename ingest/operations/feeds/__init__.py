"""What the verbs of `feeds` do: ask feeds, read feed files, backfill."""
