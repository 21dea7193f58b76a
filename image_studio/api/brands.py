"""Brands: what a client must know of the kit to order pictures, and what it may do."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from image_studio.api.base import StudioView
from image_studio.api.operations import operation
from image_studio.models import ROLES, Brand, BrandMembership
from image_studio.policy import VERBS, Policy


class BrandRow(serializers.Serializer):
    """A brand in a list."""

    slug = serializers.CharField()
    url = serializers.URLField()
    name = serializers.CharField()
    revision = serializers.IntegerField(allow_null=True, help_text="Number of the kit; null before there is one.")


class BrandRevisionRow(serializers.Serializer):
    """The kit as it was at one moment."""

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    digest = serializers.CharField()
    note = serializers.CharField()
    by = serializers.CharField()
    created_at = serializers.DateTimeField()


class SwatchRow(serializers.Serializer):
    """A colour of the palette."""

    name = serializers.CharField()
    hex = serializers.CharField()
    role = serializers.CharField()


class LineRow(serializers.Serializer):
    """A line of text that layouts draw; ``texts`` of an order replace its words."""

    key = serializers.CharField()
    words = serializers.DictField(child=serializers.CharField(), help_text="Locale -> the kit's words.")


class BrandDetail(BrandRow):
    """A brand on its own."""

    revision_id = serializers.UUIDField(allow_null=True)
    locales = serializers.ListField(child=serializers.CharField())
    default_locale = serializers.CharField()
    palette = SwatchRow(many=True)
    lines = LineRow(many=True)
    channels = serializers.ListField(
        child=serializers.CharField(), help_text="Channels with a layout of their own; `*` is the layout of the rest."
    )
    second_person = serializers.BooleanField(help_text="Whoever asks for a picture may not approve it.")
    roles = serializers.ListField(child=serializers.ChoiceField(choices=list(ROLES.items())), help_text="Yours.")
    own_only = serializers.BooleanField(help_text="You see only what you made.")
    verbs = serializers.ListField(child=serializers.CharField(), help_text="What you may do here.")


class BrandView(StudioView):
    """What the addresses of a brand share."""

    tag = "brands"

    def row(self, row: dict[str, Any]) -> dict[str, Any]:
        """:class:`BrandRow` of a brand's columns."""
        url = self.address("brand-detail", row["slug"])
        return {"slug": row["slug"], "url": url, "name": row["name"], "revision": row["revision__number"]}


class BrandList(BrandView):
    """The brands that you are in."""

    @operation("listBrands", "List brands", description="Those that you are in, by slug.", listed=BrandRow)
    def get(self, request: Request) -> Response:
        fields = ("slug", "name", "revision__number")
        return self.listed(request, self.policy.brands(), self.row, fields, order=("slug",))


class BrandDetails(BrandView):
    """One brand."""

    @operation("getBrand", "Look at a brand", answers={200: BrandDetail})
    def get(self, request: Request, slug: str) -> Response:
        brand = self.brand(slug, "view")
        kit, revision = brand.kit, brand.revision
        keys = dict.fromkeys((*(line.key for line in kit.lines), *(t.line for one in kit.layouts for t in one.texts)))
        roles = _memberships(self.policy, brand)
        number = revision.number if revision else None
        body = {
            **self.row({"slug": brand.slug, "name": brand.name, "revision__number": number}),
            "revision_id": brand.revision_id,
            "locales": kit.locales,
            "default_locale": kit.default_locale,
            "palette": [{"name": one.name, "hex": one.hex, "role": one.role} for one in kit.palette],
            "lines": [{"key": key, "words": {x.locale: x.text for x in kit.lines if x.key == key}} for key in keys],
            "channels": [layout.channel for layout in kit.layouts],
            "second_person": kit.second_person,
            "roles": [role for role in ROLES if role in roles],
            "own_only": bool(roles) and not self.policy.passes and all(roles.values()),
            "verbs": sorted(verb for verb in VERBS if self.policy.can(verb, brand)),
        }
        return Response(body)


def _memberships(policy: Policy, brand: Brand) -> dict[str, bool]:
    """Role -> whether it holds for own pictures only."""
    user: Any = policy.user
    mine = BrandMembership.objects.filter(Q(user=user.pk) | Q(group__in=user.groups.all()), brand=brand)
    found: dict[str, bool] = {}
    for role, own_only in mine.values_list("role", "own_only"):
        found[role] = found.get(role, True) and own_only
    return found


class BrandRevisions(BrandView):
    """The history of the kit."""

    @operation("listBrandRevisions", "List the revisions of a brand's kit", listed=BrandRevisionRow)
    def get(self, request: Request, slug: str) -> Response:
        rows = self.brand(slug, "view").revisions.all()
        fields = ("id", "number", "digest", "note", "actor_label", "created_at")
        return self.listed(request, rows, _revision_row, fields, order=("-number",))


def _revision_row(row: dict[str, Any]) -> dict[str, Any]:
    who = row.pop("actor_label")
    return {**row, "by": who}
