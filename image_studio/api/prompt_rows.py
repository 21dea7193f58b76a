"""Prompts as JSON: bodies in, rows out."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from image_studio.api.fields import Body, Choice, Flag, Integer, Text, misfit
from image_studio.api.parsers import MOST_INTEGER
from image_studio.models.prompt import MAX_PROMPT, VARIABLE_TYPES
from image_studio.providers.base import Finding
from image_studio.wording import explain

PLACES = "`{name}` stands where something changes from picture to picture."


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "maxLength": 2000},
            {"type": "number", "minimum": -MOST_INTEGER, "maximum": MOST_INTEGER},
        ]
    }
)
class Value(Text):
    """A variable's value: words, or a number as such."""

    def __init__(self) -> None:
        super().__init__(max_length=2000, allow_blank=True)

    def to_internal_value(self, data: Any) -> str:
        number = isinstance(data, (int, float)) and not isinstance(data, bool)
        return super().to_internal_value(str(data) if number else data)


class Variables(serializers.DictField):
    """Place -> value."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=Value(), **kwargs)


class VariableRow(Body):
    """What is said of one place of a template."""

    name = Text(max_length=60)
    type = Choice(choices=VARIABLE_TYPES, required=False)
    default = Text(max_length=500, required=False, allow_blank=True)
    choices = serializers.ListField(child=Text(min_length=1, max_length=200), required=False, max_length=100)
    help = Text(max_length=200, required=False, allow_blank=True)


class SlotRow(Body):
    """A reference picture that the prompt expects."""

    name = Text(max_length=60)
    help = Text(max_length=200, required=False, allow_blank=True)


class NewVersion(Body):
    """New words."""

    template = Text(max_length=MAX_PROMPT, trim_whitespace=False, help_text=PLACES)
    variables = VariableRow(many=True, required=False, max_length=60)
    slots = SlotRow(many=True, required=False, max_length=16)


class NewPrompt(NewVersion):
    """A prompt with its first words."""

    brand = Text(max_length=64, help_text="The brand's slug.")
    slug = Text(max_length=64)
    name = Text(max_length=200, required=False, allow_blank=True, help_text="The slug, where it is left out.")
    description = Text(max_length=5000, required=False, allow_blank=True)


class PromptChange(Body):
    """What may be changed without new words; what is left out stays."""

    slug = Text(max_length=64)
    name = Text(max_length=200)
    description = Text(max_length=5000, allow_blank=True)
    archived = Flag()
    labels = serializers.DictField(
        child=Integer(min_value=1, max_value=1_000_000), help_text="Label -> number of a version; all of them."
    )


class PromptFill(Body):
    """Values to try."""

    variables = Variables(required=False)
    version = Integer(min_value=1, max_value=1_000_000, required=False)
    label = Text(max_length=64, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """:raises ValidationError: for a version and a label at once."""
        if "version" in attrs and "label" in attrs:
            raise misfit({"label": [_("Say the version or the label, not both.")]})
        return attrs


class FindingRow(serializers.Serializer):
    """Something to say of a request before it runs."""

    code = serializers.CharField()
    message = serializers.CharField(help_text="A sentence for people.")
    blocks = serializers.BooleanField(help_text="It stands in the way.")
    where = serializers.CharField(help_text="`prompt`, `source`, `texts`, `layout:square:en`, or empty.")


class PromptRow(serializers.Serializer):
    """A prompt in a list."""

    id = serializers.UUIDField()
    url = serializers.URLField()
    brand = serializers.CharField(help_text="The brand's slug.")
    slug = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    labels = serializers.DictField(child=serializers.IntegerField())
    archived = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class PromptVersionRow(serializers.Serializer):
    """The words of a prompt at one moment; never changed."""

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    template = serializers.CharField()
    variables = VariableRow(many=True)
    slots = SlotRow(many=True)
    by = serializers.CharField()
    created_at = serializers.DateTimeField()


class PromptDetail(PromptRow):
    """A prompt on its own."""

    newest = PromptVersionRow(allow_null=True)
    actions = serializers.ListField(child=serializers.CharField(), help_text="What you may do with it.")


class FilledPrompt(serializers.Serializer):
    """A prompt with its places filled."""

    text = serializers.CharField()
    version = serializers.IntegerField()
    findings = FindingRow(many=True)


PLAIN = ("id", "slug", "name", "description", "labels", "archived", "created_at")
FIELDS = (*PLAIN, "brand__slug")
VERSION_FIELDS = ("id", "number", "template", "variables", "slots", "actor_label", "created_at")


def version_row(row: dict[str, Any]) -> dict[str, Any]:
    """:class:`PromptVersionRow` of ``values(*VERSION_FIELDS)``."""
    who = row.pop("actor_label")
    return {**row, "by": who}


def finding_row(finding: Finding) -> dict[str, Any]:
    """:class:`FindingRow` of a finding."""
    message = explain(finding.code, finding.params)
    return {"code": finding.code, "message": message, "blocks": finding.blocks, "where": finding.where}
