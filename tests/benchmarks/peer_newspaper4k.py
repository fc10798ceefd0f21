"""newspaper4k on pages from standard input: text and metadata, without its natural language part."""

from typing import Any

from peer_pages import serve


def _extract(html: str, url: str) -> str:
    from newspaper import Article

    article: Any = Article(url, language="en")
    article.download(input_html=html)
    article.parse()
    return str(article.text)


if __name__ == "__main__":
    serve(_extract)
