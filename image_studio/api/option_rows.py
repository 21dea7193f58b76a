"""What may be said of pictures beside channels, languages and takes, as JSON."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from image_studio.api.fields import Body, Id, Integer, Text
from image_studio.workflow.options import MOST_LETTERS, MOST_PICTURES

AS_LISTED = "As `GET models/` lists them for the route's model; empty leaves it to the model."


def _word(about: str) -> Text:
    return Text(max_length=MOST_LETTERS, required=False, allow_blank=True, help_text=about)


@extend_schema_field({"type": "object", "additionalProperties": {}})
class Raw(serializers.DictField):
    """An object of anything."""


class OptionsBody(Body):
    """Of the pictures. What the route's model cannot do of it is a finding that blocks, never left out."""

    background = _word("`auto`, `opaque` or `transparent`.")
    output_format = _word("Of the bought picture: `png`, `jpeg` or `webp`.")
    compression = Integer(required=False, allow_null=True, help_text="0 to 100, for `jpeg` and `webp`.")
    fidelity = _word(f"How closely the source is kept. {AS_LISTED}")
    moderation = _word(f"The provider's own filter. {AS_LISTED}")
    complexity = _word(f"How much the model plans. {AS_LISTED}")
    partial_images = Integer(
        required=False, allow_null=True, help_text="Early versions of each picture; each is charged as 100 tokens."
    )
    references = serializers.ListField(
        child=Id(), required=False, max_length=MOST_PICTURES, help_text="More pictures of the brand to work from."
    )
    mask = Id(required=False, allow_null=True, help_text="A picture, transparent where the source may change.")
    markup = Id(required=False, allow_null=True, help_text="A picture with hints drawn over the source.")
    extra = Raw(required=False, help_text="Passed on to the provider as it is; nothing that has a field of its own.")


class OptionsRow(serializers.Serializer):
    """The options of a set, as they were asked for; what is not there was left to the model."""

    background = serializers.CharField(required=False)
    output_format = serializers.CharField(required=False)
    compression = serializers.IntegerField(required=False)
    fidelity = serializers.CharField(required=False)
    moderation = serializers.CharField(required=False)
    complexity = serializers.CharField(required=False)
    partial_images = serializers.IntegerField(required=False)
    references = serializers.ListField(child=serializers.UUIDField(), required=False)
    mask = serializers.UUIDField(required=False)
    markup = serializers.UUIDField(required=False)
    extra = Raw(required=False)


def options_of(matrix: dict[str, Any]) -> dict[str, Any]:
    """:class:`OptionsRow` of a set's stored matrix."""
    return dict(matrix.get("options") or {})
