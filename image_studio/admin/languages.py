"""The names of languages for labels that are made in Python; templates have a filter of their own."""

from __future__ import annotations

from django.utils.translation import get_language_info


def language(locale: str) -> str:
    """A locale's name in its own language with its code: ``العربيّة (ar)``; the code alone where it has no name."""
    try:
        return f"{get_language_info(locale.lower())['name_local']} ({locale})"
    except KeyError:
        return locale
