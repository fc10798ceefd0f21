"""Cases of the names of places, by rules of thumb."""

from __future__ import annotations

from collections.abc import Iterator

#: Endings of nouns of one word: an ending, and what its cases put in its place.
_ENDINGS: dict[str, tuple[tuple[str, str], ...]] = {
    "ru": (("ия", "ии ию ией"), ("ая", "ой ую"), ("ья", "ье ью ьей"), ("а", "ы и е у ой ей"),
           ("я", "и е ю ей"), ("й", "я ю ем е"), ("ь", "и ю я ем е"), ("о", ""), ("е", ""),
           ("и", ""), ("ы", "ам ами ах"), ("у", ""), ("", "а у ом е")),
    "uk": (("ія", "ії ію ією"), ("а", "и і у ою ою"), ("я", "і ю єю ею"), ("й", "ю я єм ї"),
           ("ь", "і я ю ем"), ("о", ""), ("е", ""), ("і", ""), ("и", ""), ("у", ""),
           ("", "а у ом і ові")),
    "pl": (("ia", "ii ię ią ię"), ("ja", "ji ję ją"), ("ka", "ki ce kę ką"), ("ga", "gi dze gę gą"),
           ("ra", "ry rze rę rą"), ("wa", "wy wie wę wą"), ("a", "y ie ę ą i"), ("y", ""),
           ("o", "a u em ie"), ("e", ""), ("i", ""), ("", "u a em owi ie")),
    "cs": (("ko", "ka ku kem"), ("sko", "ska sku skem"), ("ie", "ii í"), ("a", "y ě u ou e"),
           ("o", "a u em"), ("e", ""), ("", "u a em ě")),
    "sk": (("ko", "ka ku kom"), ("a", "y e u ou"), ("o", "a u om"), ("", "a u om e")),
    "de": (("s", ""), ("z", ""), ("x", ""), ("ß", ""), ("", "s")),
    "sv": (("s", ""), ("", "s")), "no": (("s", ""), ("", "s")), "da": (("s", ""), ("", "s")),
    "fi": (("i", "in ia issa ista iin en essa estä"), ("", "n ssa ssä sta stä lla llä an en")),
    "hu": (("", "ban ben ból ből ba be t nak nek n on"),),
}  # fmt: skip


def inflected(name: str, language: str) -> Iterator[str]:
    """Yield a name and, if it is one word, what its cases make of it: Россия, России.

    Rules of thumb: forms that nobody uses do no harm.
    """
    yield name
    if " " in name or "-" in name or len(name) < 4 or name.isupper():
        return
    for ending, cases in _ENDINGS.get(language, ()):
        if name.endswith(ending):
            stem = name[: len(name) - len(ending)]
            yield from (stem + case for case in cases.split())
            return
