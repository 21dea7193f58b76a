"""What a page shows in a picture's place: the picture, or what the site chose instead of it. Public and cacheable."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from image_studio import storage
from image_studio.api.asset_rows import Alt
from image_studio.api.operations import operation
from image_studio.api.published import ETAG, PublishedView, Source
from image_studio.conf import Picture, conf
from image_studio.imaging.decode import MIMES
from image_studio.models import Asset, Rendition
from image_studio.workflow.showing import chosen, instead, is_live, plain_of, public_of

SHOWN = ("picture", "fallback")


class ShownImage(serializers.Serializer):
    """What the `<img>` shows; a static file does not tell its size."""

    type = serializers.CharField(allow_null=True)
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    url = serializers.URLField()


class ShownPicture(serializers.Serializer):
    """What the tag `studio_picture` would write in the same place."""

    shown = serializers.ChoiceField(choices=SHOWN, help_text="`fallback` where the picture is not live.")
    id = serializers.UUIDField(allow_null=True, help_text="Of what is shown; null for a static file.")
    alt = Alt()
    sizes = serializers.CharField(help_text="For the attribute `sizes`.")
    sources = Source(many=True, help_text="In the widths of this use, narrowest first.")
    image = ShownImage()


class PublishedPicture(PublishedView):
    """A picture in one of the site's named uses."""

    @operation(
        "getPublishedPicture",
        "Look at what stands in a picture's place",
        description=(
            "`name` is a key of the site's `PICTURES`: its widths, its `sizes`, and its fallback where the picture is "
            "withdrawn, past its rights, or none that there is. 404 where nothing is shown."
        ),
        answers={200: ShownPicture, 304: None},
        parameters=(ETAG,),
    )
    def get(self, request: Request, asset_id: UUID, name: str) -> Response:
        self.only_query()
        if name != "default" and name not in conf().pictures:
            raise Http404
        use = conf().picture(name)
        asset = Asset.objects.filter(pk=asset_id).first()
        if asset is not None and is_live(asset) and plain_of(public_of(asset)):
            return self.cacheable(self._picture(asset, use, "picture"), [asset.expires_at])
        other = instead(use.fallback)
        if other is None:
            raise Http404
        if other.asset is not None:
            return self.cacheable(self._picture(other.asset, use, "fallback"), [other.asset.expires_at])
        image = {"type": None, "width": None, "height": None, "url": request.build_absolute_uri(other.url)}
        plain: dict[str, Any] = {
            "shown": "fallback",
            "id": None,
            "alt": {},
            "sizes": use.sizes,
            "sources": [],
            "image": image,
        }
        return self.cacheable(plain, [])

    def _picture(self, asset: Asset, use: Picture, shown: str) -> dict[str, Any]:
        rows = chosen(public_of(asset), use)
        return {
            "shown": shown,
            "id": asset.pk,
            "alt": asset.alt,
            "sizes": use.sizes,
            "sources": [self._file(row) for row in rows],
            "image": self._file(plain_of(rows)[-1]),
        }

    def _file(self, row: Rendition) -> dict[str, Any]:
        url = self.request.build_absolute_uri(storage.public().url(row.file))
        return {"type": MIMES[row.format], "width": row.width, "height": row.height, "url": url}
