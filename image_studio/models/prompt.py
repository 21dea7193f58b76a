"""Prompts and their frozen versions."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from image_studio.exceptions import InvalidRequest
from image_studio.models.base import Frozen, uuid7
from image_studio.models.brand import Brand, slug_ok

VARIABLE_TYPES = ("text", "choice", "number")
MAX_PROMPT = 32_000
#: Places of a template, and letters of a place's name: every one is a field of a form.
MAX_PLACES, MAX_NAME = 60, 60


class Prompt(models.Model):
    """A named prompt of a brand. Labels point at versions: ``{"live": 3}``."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    brand = models.ForeignKey(Brand, models.PROTECT, related_name="prompts")
    slug = models.CharField(_("slug"), max_length=64, validators=[slug_ok])
    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    labels = models.JSONField(_("labels"), default=dict, blank=True)
    archived = models.BooleanField(_("archived"), default=False)
    #: Who wrote its first words: members who see only their own see these.
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)
        constraints = [models.UniqueConstraint(fields=["brand", "slug"], name="studio_prompt_slug")]
        verbose_name = _("prompt")
        verbose_name_plural = _("prompts")

    def __str__(self) -> str:
        return self.name

    def version(self, label: str = "") -> PromptVersion | None:
        """The version a label points at; without one, ``live`` if set, else the newest."""
        number = self.labels.get(label or "live")
        rows = self.versions.all() if number is None else self.versions.filter(number=number)
        return rows.order_by("-number").first()


class PromptVersion(Frozen):
    """The words of a prompt at one moment: a template with ``{typed}`` variables."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    prompt = models.ForeignKey(Prompt, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    template = models.TextField(_("template"), max_length=MAX_PROMPT)
    #: [{"name", "type", "default", "choices", "help"}], in the order of the form.
    variables = models.JSONField(default=list, blank=True)
    #: Names of reference pictures that the prompt expects: [{"name", "help"}].
    slots = models.JSONField(default=list, blank=True)
    actor_label = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-number",)
        constraints = [models.UniqueConstraint(fields=["prompt", "number"], name="studio_prompt_version")]
        verbose_name = _("prompt version")
        verbose_name_plural = _("prompt versions")

    def __str__(self) -> str:
        return f"{self.prompt.slug} v{self.number}"

    def render(self, values: Mapping[str, Any]) -> str:
        """The template filled.

        :raises InvalidRequest: for a missing, unknown or ill-typed variable, naming it.
        """
        known = {row["name"]: row for row in self.variables}
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise InvalidRequest("prompt.unknown_variable", name=unknown[0], known=", ".join(sorted(known)))
        filled = {name: _value(row, values.get(name)) for name, row in known.items()}
        text = string.Formatter().vformat(self.template, (), filled).strip()
        if len(text) > MAX_PROMPT:
            raise InvalidRequest("prompt.too_long", length=len(text), most=MAX_PROMPT)
        return text


def _value(row: Mapping[str, Any], given: Any) -> str:
    value = str(given if given not in (None, "") else row.get("default", "")).strip()
    name = row["name"]
    if not value:
        raise InvalidRequest("prompt.missing_variable", name=name)
    if row.get("type") == "choice" and value not in row.get("choices", ()):
        raise InvalidRequest("prompt.bad_choice", name=name, value=value, known=", ".join(row.get("choices", ())))
    if row.get("type") == "number":
        try:
            float(value)
        except ValueError:
            raise InvalidRequest("prompt.not_a_number", name=name, value=value) from None
    return value


def read_template(template: str, variables: list[Any]) -> list[dict[str, Any]]:
    """The variables of a template, with what is said of them; undeclared ones become required text.

    :raises InvalidRequest: for broken braces, a place that is not a plain name, or a bad declaration.
    """
    try:
        names = [name for _text, name, spec, conv in string.Formatter().parse(template) if name is not None]
        plain = all(
            name.isidentifier() and not spec and not conv
            for _text, name, spec, conv in string.Formatter().parse(template)
            if name is not None
        )
    except ValueError as error:
        raise InvalidRequest("prompt.broken_template", detail=str(error)) from None
    if not template.strip() or not plain:
        raise InvalidRequest("prompt.broken_template", detail="{name}")
    if len(set(names)) > MAX_PLACES or any(len(name) > MAX_NAME for name in names):
        raise InvalidRequest("prompt.too_many_places", most=MAX_PLACES, letters=MAX_NAME)
    declared: dict[str, dict[str, Any]] = {}
    for row in variables:
        if not isinstance(row, dict) or not str(row.get("name", "")).isidentifier():
            named = row.get("name") if isinstance(row, dict) else row
            raise InvalidRequest("prompt.bad_variable", name=str(named)[:60])
        if row.get("type", "text") not in VARIABLE_TYPES or (row.get("type") == "choice" and not row.get("choices")):
            raise InvalidRequest("prompt.bad_variable", name=row["name"])
        declared[row["name"]] = {"type": "text", "default": "", "choices": [], "help": "", **row}
    return [
        declared.get(name) or {"name": name, "type": "text", "default": "", "choices": [], "help": ""}
        for name in dict.fromkeys(names)
    ]
