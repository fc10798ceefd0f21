"""news-please on pages from standard input: text and metadata."""

from typing import Any

from peer_pages import serve


def _extract(html: str, url: str) -> str:
    from newsplease import NewsPlease

    article: Any = NewsPlease.from_html(html, url=url)
    return article.maintext or ""


if __name__ == "__main__":
    serve(_extract)
