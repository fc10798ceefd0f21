"""The loop of an extractor that is measured beside ours, in the Python that holds it.

Nothing of news-ingest is imported here. Standard input brings JSON lines `{"html": …, "url": …}`;
each is answered by a line `{"text": …, "error": …, "milliseconds": …}`, of CPU of this process.
"""

import json
import os
import sys
import time
from collections.abc import Callable


def serve(extract: Callable[[str, str], str]) -> None:
    """Answer pages until standard input ends; `extract` takes HTML and URL and gives the text."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print disturbs nobody
    for line in sys.stdin:
        page = json.loads(line)
        text, error = "", ""
        began = time.process_time()
        try:
            text = extract(page["html"], page["url"]) or ""
        except Exception as fault:  # noqa: BLE001 - a page that it fails on counts as empty
            error = type(fault).__name__
        milliseconds = (time.process_time() - began) * 1000
        answer = {"text": text, "error": error, "milliseconds": milliseconds}
        print(json.dumps(answer), file=answers, flush=True)
