"""Options of the extractor, their defaults and limits."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

MEBIBYTE = 1024 * 1024


class Options(BaseModel):
    """Options of `extract_document`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["fast", "thorough", "precision"] = Field(
        "fast",
        description="thorough: trafilatura's whole cascade, slower; precision: less text around the article",
    )
    rescue_ratio: float = Field(
        2.5,
        ge=0,
        description="use the second parser's text if it is this many times as long and not junk; 0 means never",
    )
    author_search: bool = Field(
        False, description="search the whole page for authors if it names none: slow, less reliable"
    )
    date_search: bool = Field(
        True,
        description="search the whole page for a date if neither feed nor page gives one; marked as heuristic",
    )
    drops_repeated_lines: bool = Field(
        True, description="drop short lines that appear on three or more pages of a site"
    )
    max_parsed_characters: int = Field(3_000_000, gt=0, description="longer pages are truncated")
    max_tags: int = Field(100_000, gt=0, description="pages with more tags are not parsed")
    max_tag_attributes: int = Field(
        5_000, gt=0, description="pages with more attributes in a tag are not parsed"
    )
    max_jsonld_characters: int = Field(500_000, ge=0, description="total for all blocks of a page")
    max_text_characters: int = Field(500_000, gt=0, description="longer texts are truncated")
    max_unpacked_bytes: int = Field(32 * MEBIBYTE, gt=0, description="of a decompressed page")
    page_timeout_seconds: float = Field(
        10.0, gt=0, description="a child process that takes longer is killed"
    )
    child_memory_bytes: int = Field(
        512 * MEBIBYTE, ge=0, description="address space of a child process; 0 means no limit"
    )
    recycle_memory_bytes: int = Field(
        200 * MEBIBYTE, ge=0, description="a child process above this is replaced; 0 means never"
    )
