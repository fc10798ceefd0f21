"""An invented archive: hand-made documents with traps, and generated ones in five languages.

Made from a fixed seed, so that every engine gets the same and a failure comes back.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from ingest.model import Extraction, Geo, IndexedDocument
from tests.builders import NOW, an_entity, an_indexed_document, entity_fields

_WORDS = {
    "en": "flood floods flooded flooding the sea wall walls harbour harbours of in bank banks "
    "banking repaired repairs repair engineers engineer said says saying council councils voted "
    "vote votes storm storms stormy night nights boat boats don't U.S. 3.5 covid-19 city cities "
    "organised organising fishing fisher quickly runs running children child",
    "de": "das Hochwasser die Mauer Mauern Häuser Haus Hauses Fluss Flüsse Straße Straßen Stadt "
    "Städte Rettung gerettet Sturm Stürme Wähler gewählt Wahl Wahlen größer groß Hafen Häfen und "
    "am Morgen Kinder Kind Bürgermeister schnell schneller",
    "fr": "les inondations inondation la ville villes l'eau d'été élections élection maire mairie "
    "reconstruit reconstruire tempête tempêtes où déjà aujourd'hui rivières rivière cœur œuvre "
    "qu'il pêcheurs pêcheur",
    "ru": "наводнение наводнения наводнений город города городов река реки мэр мэра выборы выборов "
    "дождь дожди дождей мост мосты ещё её йод в на сильный сильные",
    "zh": "新闻 洪水 城市 港口 市长 选举 河流 大雨 2026年 工程师 说 学校",
}
_PUBLISHERS = (
    ("Elsin Courier", "elsin-courier.example", "GB"),
    ("Brack Anzeiger", "brack-anzeiger.example", "DE"),
    ("L'Écho de Varenne", "echo-varenne.example", "FR"),
    ("Вестник Ольхи", "olkha.example", "RU"),
)
_PEOPLE = (
    an_entity("Mira Dahlke", forms=("Dahlke", "Frau Dahlke")),
    an_entity("Élodie Vautrin", forms=("Vautrin", "É. Vautrin")),
    an_entity("Łukasz Brzózka", forms=("Brzózka",)),
    an_entity("Ольга Северина", forms=("Северина",)),
)
_ORGANISATIONS = (
    an_entity("Elsin Water Board", "organisation", forms=("Water Board", "EWB")),
    an_entity("Bürgerhilfe Brack e.V.", "organisation", forms=("Bürgerhilfe",)),
)
_PLACES = (
    an_entity("Port Elsin", "place", forms=("Elsin",), id="place:900001"),
    an_entity("Brack", "place", id="place:900002"),
    an_entity("Varenne-sur-Orge", "place", forms=("Varenne",), id="place:900003"),
)
SECTIONS = ("Sport", "Wirtschaft", "Météo", "")


def generated(count: int, seed: int) -> list[IndexedDocument]:
    """Return invented documents of random words over four months."""
    dice = random.Random(seed)
    return [_generated(number, dice) for number in range(count)]


def _generated(number: int, dice: random.Random) -> IndexedDocument:
    language = dice.choice(("en", "en", "de", "fr", "ru", "zh", ""))
    words = _WORDS[language or dice.choice(("en", "de"))].split()
    publisher, domain, country = dice.choice(_PUBLISHERS)
    seen = NOW - timedelta(hours=dice.randrange(1, 110 * 24), seconds=dice.randrange(3600))
    fields: dict[str, Any] = {
        "title": " ".join(dice.choices(words, k=dice.randrange(2, 7))),
        "text": _text(words, dice),
        "language": language,
        "publisher": publisher,
        "publisher_country": country,
        "domain": domain,
        "feed_ids": tuple(dice.sample(("elsin-news", "brack-rss", "varenne-a-la-une"), k=2)),
        "section": dice.choice(SECTIONS),
        "authors": tuple(
            dice.sample(("Tomás Quil", "Ina Werft", "J.-P. d’Orge"), k=dice.choice((0, 1, 2)))
        ),
        "content_source": dice.choice(("page", "feed", "jsonld")),
        "first_seen_at": seen,
        "published_at": dice.choice(
            (seen - timedelta(minutes=dice.randrange(1, 5000)), seen, None)
        ),
        "fetched_at": seen + timedelta(minutes=1),
        "word_count": dice.randrange(1, 1000),
        "is_opinion": dice.random() < 0.3,
        "is_live_blog": dice.random() < 0.1,
        "is_metered": dice.random() < 0.2,
        "is_cut": dice.random() < 0.2,
        "agencies": dice.choice(((), (), ("Brack Press Service",), ("dpa", "Elsin News"))),
        "is_press_release": dice.random() < 0.2,
        "is_paid_content": dice.random() < 0.2,
        "extraction": Extraction(is_short=dice.random() < 0.3, is_rescued=dice.random() < 0.1),
        "geo": Geo(countries=tuple(dice.sample(("GB", "DE", "FR"), k=dice.choice((0, 1, 2))))),
    }
    entities = (
        *dice.sample(_PEOPLE, k=dice.randrange(3)),
        *dice.sample(_ORGANISATIONS, k=dice.randrange(2)),
        *dice.sample(_PLACES, k=dice.randrange(3)),
    )
    return an_indexed_document(f"generated {number}", **(fields | entity_fields(*entities)))


def _text(words: list[str], dice: random.Random) -> str:
    ends = (" ", " ", " ", " ", ", ", ". ", "\n\n", " – ", ": ", " (", ") ")
    return "".join(word + dice.choice(ends) for word in dice.choices(words, k=60))


CORPUS: tuple[IndexedDocument, ...] = tuple(generated(240, seed=20261120))
