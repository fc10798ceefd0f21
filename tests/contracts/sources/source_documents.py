"""Documents of every format, each with the same two invented entries; and some that are none."""

from __future__ import annotations

import gzip

URL = "http://elsin-courier.example/feeds/all"

_RSS = """<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>
<title>Elsin Courier</title><link>http://elsin-courier.example/</link>
<item><title>Müller wins in Port Elsin</title><link>/a/1</link><guid isPermaLink="false">1</guid>
<description>A close race.</description><dc:creator>Mira Dahlke</dc:creator>
<pubDate>Fri, 20 Nov 2026 09:00:00 GMT</pubDate></item>
<item><title>Bridge reopens</title><link>http://elsin-courier.example/a/2</link></item>
</channel></rss>"""

_RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel rdf:about="http://elsin-courier.example/"><title>Elsin Courier</title></channel>
<item rdf:about="http://elsin-courier.example/a/1"><title>Müller wins in Port Elsin</title>
<link>http://elsin-courier.example/a/1</link><dc:date>2026-11-20T09:00:00Z</dc:date></item>
<item rdf:about="http://elsin-courier.example/a/2"><title>Bridge reopens</title>
<link>http://elsin-courier.example/a/2</link></item></rdf:RDF>"""

_ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xml:base="http://elsin-courier.example/a/">
<title>Elsin Courier</title><id>urn:elsin</id><updated>2026-11-20T09:00:00Z</updated>
<entry><id>urn:elsin:1</id><title>Müller wins in Port Elsin</title><link href="1"/>
<published>2026-11-20T09:00:00Z</published><updated>2026-11-20T10:00:00Z</updated>
<content type="html">&lt;p&gt;A close race.&lt;/p&gt;</content></entry>
<entry><id>urn:elsin:2</id><title>Bridge reopens</title><link href="2"/>
<updated>2026-11-19T10:00:00Z</updated></entry></feed>"""

_ATOM_03 = """<feed version="0.3" xmlns="http://purl.org/atom/ns#"><title>Elsin Courier</title>
<entry><id>urn:1</id><title>Müller wins in Port Elsin</title>
<link rel="alternate" href="http://elsin-courier.example/a/1"/>
<issued>2026-11-20T09:00:00Z</issued></entry>
<entry><id>urn:2</id><title>Bridge reopens</title>
<link rel="alternate" href="http://elsin-courier.example/a/2"/></entry></feed>"""

_RSS_091 = """<rss version="0.91"><channel><title>Elsin Courier</title>
<item><title>Müller wins in Port Elsin</title><link>http://elsin-courier.example/a/1</link>
<pubDate>Fri, 20 Nov 2026 09:00:00 GMT</pubDate></item>
<item><title>Bridge reopens</title><link>http://elsin-courier.example/a/2</link></item>
</channel></rss>"""

_JSON = """{"version": "https://jsonfeed.org/version/1.1", "title": "Elsin Courier",
"home_page_url": "http://elsin-courier.example/", "next_url": "/feeds/all?page=2",
"items": [{"id": 1, "url": "/a/1", "title": "Müller wins in Port Elsin",
"content_html": "<p>A close race.</p>", "date_published": "2026-11-20T09:00:00Z",
"authors": [{"name": "Mira Dahlke"}], "tags": ["election", 7]},
{"id": "http://elsin-courier.example/a/2", "title": "Bridge reopens", "content_text": "At last."}]}
"""

_SITEMAP = """<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
xmlns:n="http://www.google.com/schemas/sitemap-news/0.9">
<url><loc>http://elsin-courier.example/a/1</loc><n:news><n:publication><n:name>Courier</n:name>
<n:language>en</n:language></n:publication><n:publication_date>2026-11-20</n:publication_date>
<n:title>Müller wins in Port Elsin</n:title><n:keywords>vote, Elsin</n:keywords></n:news></url>
<url><loc>http://elsin-courier.example/about</loc></url>
<url><loc>http://elsin-courier.example/a/2</loc><n:news><n:title>Bridge reopens</n:title>
</n:news></url></urlset>"""

DOCUMENTS = [
    ("rss", _RSS),
    ("rss", _RDF),
    ("rss", _ATOM),
    ("rss", _ATOM_03),
    ("rss", _RSS_091),
    ("json_feed", _JSON),
    ("news_sitemap", _SITEMAP),
]

SITEMAP_INDEX = """<?xml version="1.0"?>
<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<sitemap><loc>http://elsin-courier.example/old.xml</loc><lastmod>2026-11-01</lastmod></sitemap>
<sitemap><loc>/new.xml.gz</loc><lastmod>2026-11-20</lastmod></sitemap></sitemapindex>"""

BROKEN = [
    b"",
    b"  \n",
    b"<!doctype html><html><head><title>Log in</title></head><body><p>Please</body></html>",
    b"just words",
    b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    b'{"version": 7}',
    b'{"items": [1, 2',
    b"\x1f\x8b\x08\x00broken",
    gzip.compress(b""),
    b'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    b"<rss version='2.0'><channel><item><title>&b;</title></item></channel></rss>",
]
