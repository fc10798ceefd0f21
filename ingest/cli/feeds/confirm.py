"""`news-ingest feeds confirm`: accepts a feeds.yml that removes many feeds."""

from __future__ import annotations

from ingest.cli.context import ConfigOption, settings_of, shows_errors
from ingest.cli.terminal_text import say
from ingest.errors import ConfigError
from ingest.settings.feeds import read_feeds
from ingest.settings.live_feeds import accepted_path, remember, removed_feeds


@shows_errors
def confirm(config: ConfigOption = None) -> None:
    """Accept config/feeds.yml as it is, even if it removes many feeds."""
    settings = settings_of(config)
    if settings.feeds.faults:
        raise ConfigError(settings.feeds.faults)
    path = accepted_path(settings.folder)
    before = read_feeds(path).feeds if path.exists() else {}
    removed = removed_feeds(before, settings.feeds)
    text = (settings.folder / "feeds.yml").read_text(encoding="utf-8")
    remember(path, text)
    say(f"{len(settings.feeds.feeds)} feeds accepted; {len(removed)} removed; their articles stay")
