"""Replace a picture everywhere: what would become of each place, and the order to do it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from image_studio.api.assets import AssetView
from image_studio.api.fields import Body, Flag, Text
from image_studio.api.operations import operation
from image_studio.models import Asset
from image_studio.wording import explain_error
from image_studio.workflow.replacing import FieldPlaces, Replacement, preview_replacement, replace_everywhere
from image_studio.workflow.usage import Use


class UseRow(serializers.Serializer):
    """A place that shows a picture."""

    label = serializers.CharField()
    url = serializers.CharField(help_text="Of its page or its change form; empty where it has neither.")
    words = serializers.CharField(
        help_text="An alt text of its own, written there for the picture that is replaced: it stays. Else empty."
    )


class FieldPlacesRow(serializers.Serializer):
    """The places of one field of the site."""

    field = serializers.CharField(help_text="`app.Model.field`.")
    title = serializers.CharField()
    count = serializers.IntegerField(help_text="All of them; `uses` has the first hundred.")
    takes = serializers.BooleanField(help_text="Whether these places take the successor.")
    code = serializers.CharField(help_text="What keeps it out; empty where they take it.")
    message = serializers.CharField()
    uses = UseRow(many=True)


class KeptRow(UseRow):
    """A place that is no field and keeps the picture."""

    message = serializers.CharField(help_text="Why, in words.")


class ReplacementRow(serializers.Serializer):
    """What replacing does."""

    asset = serializers.UUIDField()
    successor = serializers.UUIDField()
    moving = serializers.IntegerField(help_text="Places that show the successor from then on.")
    staying = serializers.IntegerField()
    places = FieldPlacesRow(many=True)
    elsewhere = UseRow(many=True, help_text="Places that are no fields: their apps follow by themselves, or do not.")
    kept = KeptRow(many=True, help_text="Those of which an app says that they stay. `staying` counts them.")
    digest = serializers.CharField(help_text="Send it as `seen`: other places than you saw are refused.")


class Successor(Body):
    """Which picture takes the places."""

    successor = serializers.UUIDField(help_text="A published picture.")


class ReplaceOrder(Successor):
    """Replace it."""

    whole = Flag(required=False, help_text="All places or none.")
    seen = Text(max_length=64, required=False, allow_blank=True, help_text="The `digest` of the preview that you saw.")
    note = Text(max_length=5000, required=False, allow_blank=True)


class ReplaceView(AssetView):
    """What both addresses share."""

    def successor(self, pk: UUID) -> Asset | None:
        """Whatever it is: the workflow says nothing of one that the person may not see."""
        return Asset.objects.select_related("brand", "channel").filter(pk=pk).first()


class Replace(ReplaceView):
    """Do it."""

    @operation(
        "replaceAsset",
        "Replace a picture in every place that shows it",
        description=(
            "At once, on pages that are published too. A place takes what its field takes of a person; the others "
            "stay, with the reason, unless `whole` asks for all or none. The picture itself stays published."
        ),
        body=ReplaceOrder,
        answers={200: ReplacementRow},
        errors=(403, 409),
    )
    def post(self, request: Request, asset_id: UUID) -> Response:
        asset = self.asset(asset_id)
        said = self.body(ReplaceOrder)
        successor = self.successor(said.pop("successor"))
        return Response(replacement_row(replace_everywhere(self.policy, asset, successor, **said)))


class ReplacePreview(ReplaceView):
    """Look first."""

    @operation(
        "previewReplace",
        "List the places of a picture, and which of them take its successor",
        description="Nothing is written.",
        body=Successor,
        answers={200: ReplacementRow},
        errors=(403, 409),
    )
    def post(self, request: Request, asset_id: UUID) -> Response:
        asset = self.asset(asset_id)
        successor = self.successor(self.body(Successor)["successor"])
        return Response(replacement_row(preview_replacement(self.policy, asset, successor)))


def replacement_row(found: Replacement) -> dict[str, Any]:
    """:class:`ReplacementRow` of what would happen, or has."""
    return {
        "asset": found.asset.pk,
        "successor": found.successor.pk,
        "moving": found.moving,
        "staying": found.staying,
        "places": [_places(one) for one in found.places],
        "elsewhere": [_use(one) for one in found.elsewhere],
        "kept": [{**_use(one.use), "message": one.why} for one in found.kept],
        "digest": found.digest,
    }


def _places(places: FieldPlaces) -> dict[str, Any]:
    why = places.why
    return {
        "field": places.name,
        "title": places.title,
        "count": places.count,
        "takes": why is None,
        "code": why.code if why else "",
        "message": explain_error(why) if why else "",
        "uses": [_use(one) for one in places.uses],
    }


def _use(use: Use) -> dict[str, Any]:
    return {"label": use.label, "url": use.url, "words": use.words}
