"""lemon24/reader on the feeds of the farm: run by the Python of an environment that holds it.

    python peer_reader.py PORT FEEDS DATABASE

Each line on standard input asks for one `update_feeds(workers=10, scheduled=False)`, answered by a
JSON line with the seconds by the clock and of CPU. Nothing of news-ingest is imported here.
"""

import json
import sys
import time
from typing import Any


def main() -> None:
    """Update until standard input ends."""
    from reader import make_reader

    port, feeds, database = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    reader: Any = make_reader(database)
    for number in range(feeds):
        reader.add_feed(f"http://127.0.0.1:{port}/feed-{number:05}/feed.xml")
    print("ready", flush=True)
    for _ in sys.stdin:
        wall, cpu = time.monotonic(), time.process_time()
        reader.update_feeds(workers=10, scheduled=False)
        spent = {"wall": time.monotonic() - wall, "cpu": time.process_time() - cpu}
        print(json.dumps({**spent, "entries": reader.get_entry_counts().total}), flush=True)


if __name__ == "__main__":
    main()
