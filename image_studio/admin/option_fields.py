"""*More options* of the page that asks for variants: a field for each row of the options' table.

Every field is there for every route. What the chosen route's model has not is disabled with the reason; one that
already says something stays as it is, so that nothing a person chose is lost without a word.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from image_studio.catalog.specs import ModelSpec
from image_studio.models import Asset, Brand
from image_studio.policy import Policy
from image_studio.wording import explain
from image_studio.workflow.options import MOST_LETTERS, OPTIONS, Option

PREFIX = "opt_"
#: Pictures that are offered for references, mask and markup: the newest ones.
OFFERED = 24
LABELS = {
    "background": _("Background"),
    "output_format": _("File format"),
    "compression": _("Compression"),
    "fidelity": _("Closeness to the picture"),
    "moderation": _("The provider's filter"),
    "complexity": _("Planning"),
    "partial_images": _("Early versions"),
    "references": _("More pictures to work from"),
    "mask": _("Mask"),
    "markup": _("Markup"),
    "extra": _("Raw options"),
}
HELP = {
    "output_format": _("Of the picture that is bought. What goes out is of each channel's own format."),
    "compression": _("0 to 100, for JPEG and WebP. Empty leaves it to the provider."),
    "partial_images": _("Shown on the sheet while a picture is made. Each costs a little."),
    "mask": _("Transparent where the picture may change; of the picture's own size."),
    "markup": _("Hints drawn over the picture."),
    "extra": _("A JSON object, passed on to the provider as it is."),
}
CHOICES = {
    "auto": _("Automatic"),
    "opaque": _("Opaque"),
    "transparent": _("Transparent"),
    "low": _("Low"),
    "medium": _("Medium"),
    "high": _("High"),
}


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A field, and why it cannot be used with the chosen route; empty where it can.

    :param off: whether it is disabled: it cannot be used, and says nothing.
    """

    name: str
    field: Any
    why_not: str
    off: bool


class PicturesField(forms.MultipleChoiceField):
    """Ids of pictures, whether they were offered or not: whose they are is judged with the order."""

    def valid_value(self, value: str) -> bool:
        return len(value) <= MOST_LETTERS


class RawField(forms.CharField):
    """A JSON object."""

    def clean(self, value: Any) -> dict[str, Any]:
        text = super().clean(value)
        if isinstance(value, dict) or not text:
            return dict(value or {})
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise ValidationError(_('Write a JSON object, for example {"name": "value"}.'))
        return found

    def prepare_value(self, value: Any) -> Any:
        return json.dumps(value) if isinstance(value, dict) else value


def option_fields(
    policy: Policy, brand: Brand, models: Iterable[ModelSpec], given: Mapping[str, Any]
) -> dict[str, forms.Field]:
    """The fields by name, of what at least one of the models has.

    :param given: what a form says at first, or was sent. A model that has an option may end while a page stands
        open: then the option is refused in words, not left out.
    """
    specs, words = tuple(models), _given(given)
    rows = (one for one in OPTIONS.values() if words.get(one.name) or any(one.has(spec) for spec in specs))
    return {
        PREFIX + option.name: _field(option, specs, _Pictures(policy, brand, words.get(option.name, ())))
        for option in rows
    }


def _given(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """What the fields say already, each as a list of words."""
    found: dict[str, list[str]] = {}
    for name in values:
        if name.startswith(PREFIX):
            value = values.getlist(name) if isinstance(values, QueryDict) else values[name]
            found[name.removeprefix(PREFIX)] = [
                str(one) for one in (value if isinstance(value, list) else [value]) if one
            ]
    return found


class _Pictures:
    """What may be chosen of pictures, read when a page shows it and not before.

    :param chosen: what the field says already: it is offered too, however old, or it would be lost without a word.
    """

    def __init__(self, policy: Policy, brand: Brand, chosen: Sequence[str]) -> None:
        self.policy, self.brand, self.chosen = policy, brand, chosen

    def __call__(self) -> list[tuple[str, str]]:
        seen = self.policy.visible(Asset.objects.filter(brand=self.brand))
        newest = list(seen.filter(kind="raw", publishable=True).exclude(state__in=("rejected", "withdrawn"))[:OFFERED])
        there = {str(asset.pk) for asset in newest}
        ids = [pk for pk in self.chosen if pk not in there and _is_id(pk)]
        older = seen.filter(pk__in=ids) if ids else ()
        return [(str(asset.pk), f"{asset} ({asset.width} × {asset.height})") for asset in (*newest, *older)]

    def one(self) -> list[tuple[str, Any]]:
        return [("", _("None")), *self()]


def _field(option: Option, specs: Sequence[ModelSpec], pictures: _Pictures) -> forms.Field:
    common: dict[str, Any] = {
        "label": LABELS[option.name],
        "help_text": HELP.get(option.name, ""),
        "required": False,
    }
    if option.kind == "whole":
        return forms.IntegerField(widget=forms.NumberInput(attrs={"class": "studio-number"}), **common)
    if option.kind == "raw":
        return RawField(max_length=8000, widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}), **common)
    if option.kind == "pictures":
        return PicturesField(choices=pictures, widget=forms.SelectMultiple(attrs={"size": 5}), **common)
    choices: Any = pictures.one if option.kind == "picture" else _words(option, specs, pictures.chosen)
    # What is no choice is refused with its rule, in the same words as everywhere.
    return forms.CharField(max_length=MOST_LETTERS, widget=forms.Select(choices=choices), **common)


def _is_id(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False


def _words(option: Option, specs: Sequence[ModelSpec], chosen: Sequence[str]) -> list[tuple[str, Any]]:
    """What the models offer, and what was chosen while one of them still did."""
    offered = dict.fromkeys([*(choice for spec in specs for choice in option.choices(spec)), *chosen])
    named = [(choice, CHOICES.get(choice, choice.upper())) for choice in offered]
    return [("", _("As the route does it")), *named]


def said(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a form's values, as a matrix takes them."""
    return {name.removeprefix(PREFIX): value for name, value in given.items() if name.startswith(PREFIX)}


def initial(options: Mapping[str, Any]) -> dict[str, Any]:
    """What the fields say at first, of a set's options."""
    return {PREFIX + name: value for name, value in options.items()}


def shown(form: forms.Form, model: ModelSpec | None) -> list[Shown]:
    """The fields for the model of the chosen route; None where none is chosen."""
    names = [name for name in form.fields if name.startswith(PREFIX)]
    return [_shown(form[name], OPTIONS[name.removeprefix(PREFIX)], model) for name in names]


def _shown(field: Any, option: Option, model: ModelSpec | None) -> Shown:
    has: Callable[[ModelSpec], bool] = option.has
    why = ""
    if model is not None and not has(model):
        why = explain("option.not_here", {"option": LABELS[option.name], "model": model.title or model.id})
    return Shown(name=field.html_name, field=field, why_not=why, off=bool(why) and not field.value())
