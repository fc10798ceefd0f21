"""Chooses pictures, films and licence of a document, with their provenance."""

from __future__ import annotations

from typing import NamedTuple

from ingest.model import Candidate, Image, Page, Provenance, Video
from processors.extract_document.choose.candidates import candidate, provenance
from processors.extract_document.choose.fields import first_with_proof
from processors.extract_document.read.html import HtmlReading
from processors.extract_document.read.licence import read_licences
from processors.extract_document.read.media import read_images, read_videos
from processors.extract_document.read.metadata import absolute


class Media(NamedTuple):
    """What a document has besides its text, by address, with the provenance of each."""

    image: str
    images: tuple[Image, ...]
    videos: tuple[Video, ...]
    licence: str
    proofs: dict[str, Provenance]


NO_MEDIA = Media("", (), (), "", {})


def media_of(page: Page, reading: HtmlReading) -> Media:
    """Give the pictures, films and the licence of a page. Errors: none."""
    metadata, jsonld = reading.metadata, reading.jsonld
    base = metadata.base_url or page.url_final or page.url_canonical
    image, image_proof = first_with_proof(
        candidate(metadata.image, "meta"),
        candidate(absolute(jsonld.image, base), "jsonld"),
        candidate(absolute(page.entry.image, base), "feed"),
    )
    images: tuple[Image, ...] = ()
    videos: tuple[Video, ...] = ()
    licences: list[Candidate] = []
    if reading.elements is not None:
        images = read_images(reading.elements, metadata, jsonld.images, base)
        videos = read_videos(reading.elements, metadata, jsonld.videos, base)
        licences = read_licences(reading.elements, metadata, jsonld.licence, base)
    if not images and image:
        images = (Image(url=image, source=image_proof.source),)
    licence, licence_proof = first_with_proof(*licences)
    proofs = {
        "image": image_proof,
        "images": _counted([one.source for one in images]),
        "videos": _counted([one.source for one in videos]),
        "licence": licence_proof,
    }
    return Media(image, images, videos, licence, proofs)


def _counted(sources: list[str]) -> Provenance:
    """Give the provenance of a list: the source of its first, and how many came from where."""
    if not sources:
        return provenance("", "none")
    counts = ", ".join(f"{sources.count(one)} {one}" for one in dict.fromkeys(sources))
    return provenance(str(len(sources)), sources[0], (), counts)
