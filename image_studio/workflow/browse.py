"""Looking through the library: words, filters and pages that cost the same at any depth."""

from __future__ import annotations

from django.db.models import QuerySet

from image_studio.models import Asset

#: Words beyond this many narrow nothing further.
MOST_WORDS = 8


def search(rows: QuerySet[Asset], text: str) -> QuerySet[Asset]:
    """The pictures whose title, alt texts, tags or prompt hold every word."""
    for word in text.replace("\x00", "").lower().split()[:MOST_WORDS]:
        rows = rows.filter(words__contains=word)
    return rows
