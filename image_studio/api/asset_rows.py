"""A picture as JSON: what is read of its row, and what the OpenAPI document says of it."""

from __future__ import annotations

import hashlib
from typing import Any

from django.db.models import ExpressionWrapper, F, TextField
from drf_spectacular.utils import extend_schema_field
from orjson import Fragment
from rest_framework import serializers

from image_studio.api.fields import Body, Moment, Number, Text
from image_studio.api.filters import LOCALE
from image_studio.api.parsers import read_object
from image_studio.api.rendering import dump
from image_studio.models import Asset
from image_studio.models.asset import KINDS, ORIGINS
from image_studio.states import ASSET

#: Locales as keys.
WORDS_BY_LOCALE = {
    "type": "object",
    "additionalProperties": {"type": "string", "maxLength": 1000},
    "propertyNames": {"pattern": LOCALE},
    "example": {"en": "A red bottle on a table"},
}


@extend_schema_field(WORDS_BY_LOCALE)
class Alt(serializers.DictField):
    """Locale -> words."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=Text(max_length=1000, allow_blank=True), **kwargs)


@extend_schema_field(WORDS_BY_LOCALE)
class AltInForm(Alt):
    """The same, as a JSON object in a field of a form."""

    def get_value(self, dictionary: Any) -> Any:
        return dictionary.get(self.field_name, serializers.empty)

    def to_internal_value(self, data: Any) -> Any:
        return super().to_internal_value(read_object(data.encode()) if isinstance(data, str) else data)


class Focal(Body):
    """The point that must stay visible, as fractions from the top left."""

    x = Number(min_value=0, max_value=1)
    y = Number(min_value=0, max_value=1)


class AssetRow(serializers.Serializer):
    """A picture in a list."""

    id = serializers.UUIDField()
    url = serializers.URLField()
    preview = serializers.URLField(help_text="A small picture, behind the same rights.")
    brand = serializers.CharField(help_text="The brand's slug.")
    kind = serializers.ChoiceField(choices=list(KINDS.items()))
    origin = serializers.ChoiceField(choices=list(ORIGINS.items()))
    state = serializers.ChoiceField(choices=ASSET.choices)
    title = serializers.CharField()
    alt = Alt()
    tags = serializers.ListField(child=serializers.CharField())
    channel = serializers.CharField(allow_null=True, help_text="The channel's slug.")
    locale = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    weight = serializers.IntegerField(help_text="In bytes.")
    format = serializers.CharField()
    has_alpha = serializers.BooleanField()
    source_type = serializers.CharField(help_text="IPTC digital source type: what is true of the pixels.")
    sha256 = serializers.CharField(help_text="Send it back as `seen` when you review.")
    focal = Focal(allow_null=True)
    rights_owner = serializers.CharField()
    licence = serializers.CharField()
    territory = serializers.CharField()
    expires_at = serializers.DateTimeField(allow_null=True)
    publishable = serializers.BooleanField(help_text="False for placeholders.")
    micro_usd = serializers.IntegerField(help_text="What it cost, in millionths of a US dollar.")
    parent = serializers.UUIDField(allow_null=True)
    change_asked = serializers.UUIDField(allow_null=True, help_text="The review that asks for a change.")
    created_at = serializers.DateTimeField()
    published_at = serializers.DateTimeField(allow_null=True)
    used_at = serializers.DateTimeField(allow_null=True)


class AssetDetail(AssetRow):
    """A picture on its own."""

    prompt = serializers.CharField(help_text="What it was made from; empty for an upload.")
    alt_missing = serializers.ListField(
        child=serializers.CharField(), help_text="Locales that need an alt text before it is published."
    )
    actions = serializers.ListField(child=serializers.CharField(), help_text="What you may do with it now.")
    publish_job = serializers.UUIDField(allow_null=True)


class Uploaded(AssetDetail):
    """What became of an upload."""

    duplicate = serializers.BooleanField(help_text="The same bytes were there already.")


@extend_schema_field({"type": "string", "format": "binary", "minLength": 1})
class File(serializers.FileField):
    """Bytes."""


class NewAsset(Body):
    """A form with a picture."""

    brand = Text(max_length=64, help_text="The brand's slug.")
    file = File(use_url=False, help_text="PNG, JPEG or WebP.")
    title = Text(max_length=200, required=False, allow_blank=True)
    alt = AltInForm(required=False)


class AssetChange(Body):
    """What may be changed of a picture; what is left out stays."""

    title = Text(max_length=200, allow_blank=True)
    alt = Alt(help_text="All of them: a locale that is left out loses its words.")
    tags = serializers.ListField(child=Text(max_length=50, allow_blank=True), max_length=50)
    focal = Focal(allow_null=True)
    rights_owner = Text(max_length=200, allow_blank=True)
    licence = Text(max_length=200, allow_blank=True)
    territory = Text(max_length=200, allow_blank=True)
    expires_at = Moment(allow_null=True, help_text="When the rights end.")


#: Columns that go out under their own names.
PLAIN = (
    *("id", "kind", "origin", "state", "title", "alt", "tags", "locale", "width", "height", "weight", "format"),
    *("has_alpha", "source_type", "sha256", "rights_owner", "licence", "territory", "expires_at", "publishable"),
    *("micro_usd", "created_at", "published_at", "used_at"),
)
FIELDS = (*PLAIN, "brand__slug", "channel__slug", "focal_x", "focal_y", "parent_id", "change_asked_id")
#: JSON as it is stored: in a list it goes out as it came, and is not read to be written again.
STORED = {f"_{name}": ExpressionWrapper(F(name), TextField()) for name in ("alt", "tags")}
STORED_FIELDS = tuple(name for name in FIELDS if f"_{name}" not in STORED)


def row_maker(base: str) -> Any:
    """Makes :class:`AssetRow` of ``values(*FIELDS)``.

    :param base: the absolute address of the list.
    """

    def make(row: dict[str, Any]) -> dict[str, Any]:
        row = dict(row)
        x, y = row.pop("focal_x"), row.pop("focal_y")
        row["url"] = url = f"{base}{row['id']}/"
        row["preview"] = f"{url}content/?which=preview"
        row["brand"] = row.pop("brand__slug")
        row["channel"] = row.pop("channel__slug")
        row["focal"] = None if x is None or y is None else {"x": x, "y": y}
        row["parent"] = row.pop("parent_id")
        row["change_asked"] = row.pop("change_asked_id")
        return row

    return make


def stored_row_maker(base: str) -> Any:
    """Makes :class:`AssetRow` of ``values(*STORED_FIELDS, **STORED)``."""
    make = row_maker(base)

    def made(row: dict[str, Any]) -> Any:
        row = make(row)
        row["alt"], row["tags"] = Fragment(row.pop("_alt")), Fragment(row.pop("_tags"))
        return row

    return made


def detail_of(asset: Asset, base: str, actions: frozenset[str]) -> dict[str, Any]:
    """:class:`AssetDetail` of a row with its brand, channel and parent."""
    row = {name: getattr(asset, name) for name in FIELDS if "__" not in name}
    row |= {"brand__slug": asset.brand.slug, "channel__slug": asset.channel.slug if asset.channel else None}
    made_from = asset.parent if asset.kind == "composed" and asset.parent else asset
    return {
        **row_maker(base)(row),
        "prompt": made_from.prompt,
        "alt_missing": list(asset.alt_missing),
        "actions": sorted(actions),
        "publish_job": asset.publish_job_id,
    }


def etag_of(asset: Asset) -> str:
    """Changes with everything of a picture that can change; not with what its reader may do."""
    changing = (*asset.changeable, "state", "change_asked_id", "publish_job_id", "published_at", "used_at")
    facts = [str(asset.pk), *(getattr(asset, name) for name in sorted(changing))]
    return '"' + hashlib.sha256(dump(facts)).hexdigest()[:32] + '"'
