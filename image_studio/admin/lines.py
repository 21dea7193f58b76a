"""The lines of a set as a form: new words are composed anew on the pictures that are there, free."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from image_studio.admin.fields import WordsField
from image_studio.admin.generate_forms import line_keys
from image_studio.models import VariantSet


class TextsForm(forms.Form):
    """The lines of a set, over the kit's: changing them composes anew and buys nothing.

    :param locales: and ``channels``: those whose lines are offered; None takes all of the set's.
    """

    def __init__(
        self,
        data: Any = None,
        *,
        variant_set: VariantSet,
        locales: Sequence[str] | None = None,
        channels: Sequence[str] | None = None,
    ) -> None:
        part = locales is not None
        super().__init__(data, prefix="texts", auto_id="lines_%s" if part else "texts_%s")
        self.kit, self.before = variant_set.brand.kit, variant_set.texts
        matrix = variant_set.matrix
        self.locales = list(matrix.get("locales", ()) if locales is None else locales)
        self.keys = line_keys(self.kit, matrix.get("channels", ()) if channels is None else channels)
        for key in self.keys:
            for locale in self.locales:
                words = self.before.get(key, {}).get(locale) or self.kit.line(key, locale)
                label = key.replace("_", " ").capitalize() if part else f"{key} ({locale})"
                self.fields[f"{key}_{locale}"] = WordsField(label=label, locale=locale, max_length=500, initial=words)

    def texts(self) -> dict[str, dict[str, str]]:
        """The set's lines as they are to be: what differs from the kit's own, and what was not on this form."""
        found = {key: dict(words) for key, words in self.before.items()}
        for key in self.keys:
            for locale in self.locales:
                words = self.cleaned_data[f"{key}_{locale}"].strip()
                found.setdefault(key, {}).pop(locale, None)
                if words and words != self.kit.line(key, locale):
                    found[key][locale] = words
        return {key: words for key, words in found.items() if words}


def texts_form(variant_set: VariantSet, data: Any = None) -> TextsForm:
    return TextsForm(data, variant_set=variant_set)
