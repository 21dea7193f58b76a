"""What lists can be narrowed by. A value that makes no sense is refused: an empty page must mean that nothing fits."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError

from image_studio.api.fields import MOMENT, Moment
from image_studio.api.operations import query

SLUG = "^[-a-zA-Z0-9_]{1,64}$"
#: As :data:`image_studio.brand.kit.LOCALE` has it, in words that JSON schema knows too.
LOCALE = "^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"
WORDS = {"type": "string", "minLength": 0, "maxLength": 1000}
#: ISO 8601, as far as we go.
DAY = r"^(19[7-9]\d|2\d{3})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"
DAY_SHAPE = {"type": "string", "format": "date", "pattern": DAY}
NO_DAY = _("Write a day, for example 2027-05-01.")
YES_NO = (("true", _("Yes")), ("false", _("No")))


class Filter(django_filters.CharFilter):
    """Words, as they stand; ``about`` tells the OpenAPI document of them.

    :param shape: a JSON schema: the document shows it, and values are held to its pattern and length.
    """

    def __init__(self, *args: Any, about: str = "", shape: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.about = about
        self.shape = shape or {**WORDS, "minLength": 1}


class Slug(Filter):
    """A brand's or a channel's short name."""

    def __init__(self, name: str, *, about: str) -> None:
        super().__init__(name, about=about, shape={"type": "string", "pattern": SLUG})

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """By the id that has the slug: a join would let a database begin at the wrong end."""
        relation, _dots, slug = self.field_name.rpartition("__")
        if not value or not relation or "__" in relation:
            joined: QuerySet[Any] = super().filter(qs, value)
            return joined
        other = qs.model._meta.get_field(relation).related_model._default_manager
        return qs.filter(**{relation: other.filter(**{slug: value}).values("pk")[:1]})


class Locale(Filter):
    """A language."""

    def __init__(self, name: str, *, about: str) -> None:
        super().__init__(name, about=about, shape={"type": "string", "pattern": LOCALE})


class OneOf(Filter):
    """One of a few words."""

    def __init__(self, name: str | None = None, *, words: Iterable[str], about: str, method: str | None = None) -> None:
        self.known = list(words)
        super().__init__(name, about=about, shape={"type": "string", "enum": self.known}, method=method)


class When(Filter):
    """A moment with its time zone."""

    def __init__(self, name: str, lookup: str, *, about: str) -> None:
        super().__init__(
            name, lookup_expr=lookup, about=about, shape={"type": "string", "format": "date-time", "pattern": MOMENT}
        )

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        found: QuerySet[Any] = super().filter(qs, Moment().run_validation(value)) if value else qs
        return found


class Day(Filter):
    """A day of the calendar (UTC), as bills have them."""

    def __init__(self, name: str, lookup: str, *, about: str) -> None:
        super().__init__(name, lookup_expr=lookup, about=about, shape=DAY_SHAPE)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        found: QuerySet[Any] = super().filter(qs, day_of(value)) if value else qs
        return found


class StudioFilters(django_filters.FilterSet):
    """Filters that refuse what they do not know."""

    @property
    def qs(self) -> QuerySet[Any]:
        """:raises ValidationError: naming each parameter whose value makes no sense."""
        wrong = {name: words for name, one in self.filters.items() if (words := self._wrong(name, one))}
        if wrong:
            raise ValidationError(wrong)
        found: QuerySet[Any] = super().qs
        return found

    def _wrong(self, name: str, one: Any) -> list[str]:
        value, shape = self.data.get(name), one.shape
        if value is None:
            return []
        if isinstance(one, OneOf) and value not in one.known:
            return [str(_("Choose one of: %(known)s.")) % {"known": ", ".join(one.known)}]
        if isinstance(one, When):
            return _moment_wrong(value)
        if isinstance(one, Day):
            return [] if day_of(value) else [str(NO_DAY)]
        if len(value.strip()) < shape.get("minLength", 1):
            return [str(_("It is empty: leave it out."))]
        if len(value) > shape.get("maxLength", len(value)):
            return [str(_("It is longer than %(most)s characters.")) % {"most": shape["maxLength"]}]
        if "pattern" in shape and not re.fullmatch(shape["pattern"], value):
            return [str(_("It is not of the form %(form)s.")) % {"form": shape["pattern"]}]
        return []

    @classmethod
    def parameters(cls) -> tuple[OpenApiParameter, ...]:
        """The filters as the OpenAPI document knows them."""
        return tuple(query(name, one.about, one.shape) for name, one in cls.base_filters.items())


def day_of(text: str) -> date | None:
    """A day as a query says it; None for what is none."""
    try:
        return date.fromisoformat(text) if re.fullmatch(DAY, text, re.ASCII) else None
    except ValueError:
        return None


def yes_no(about: str, method: str) -> OneOf:
    """``true`` or ``false``."""
    return OneOf(words=[word for word, _label in YES_NO], about=about, method=method)


def _moment_wrong(value: str) -> list[str]:
    try:
        Moment().run_validation(value)
    except ValidationError as error:
        return [str(words) for words in error.detail]
    return []
