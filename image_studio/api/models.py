"""What can be bought here: models and the routes that people choose by."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from image_studio import conf as site
from image_studio.api.base import StudioView
from image_studio.api.operations import operation
from image_studio.api.set_orders import price_row
from image_studio.api.set_rows import Price
from image_studio.catalog.specs import ModelSpec
from image_studio.exceptions import StudioError
from image_studio.providers.base import PictureRequest
from image_studio.wording import explain
from image_studio.workflow import RouteCard, route_cards

#: The picture that prices are compared by, in pixels.
USUAL_SIZE = (1024, 1024)


class ModelRow(serializers.Serializer):
    """What one model of one provider can do."""

    id = serializers.CharField()
    provider = serializers.CharField()
    title = serializers.CharField()
    needs_source = serializers.BooleanField(allow_null=True, help_text="True: needs a picture; false: takes none.")
    publishable = serializers.BooleanField(help_text="Whether its pictures may ever be released.")
    min_edge = serializers.IntegerField(help_text="In pixels.")
    max_edge = serializers.IntegerField(help_text="In pixels.")
    max_pixels = serializers.IntegerField()
    max_n = serializers.IntegerField(help_text="Pictures of one request.")
    qualities = serializers.ListField(child=serializers.CharField())
    formats = serializers.ListField(child=serializers.CharField())
    transparent = serializers.BooleanField()
    takes_instruction = serializers.BooleanField()
    takes_mask = serializers.BooleanField()
    max_partials = serializers.IntegerField(help_text="Early versions of a picture.")
    free = serializers.BooleanField()
    ends_on = serializers.DateField(allow_null=True, help_text="Its last day, where the provider named one.")


class RouteRow(serializers.Serializer):
    """A provider, a model and a quality under one name."""

    name = serializers.CharField()
    title = serializers.CharField()
    summary = serializers.CharField()
    provider = serializers.CharField()
    model = serializers.CharField()
    quality = serializers.CharField()
    free = serializers.BooleanField()
    publishable = serializers.BooleanField()
    with_source = serializers.BooleanField(help_text="Usable for a picture to start from.")
    without_source = serializers.BooleanField(help_text="Usable for a prompt alone.")
    limits = serializers.ListField(child=serializers.CharField(), help_text="What it cannot do at all, in words.")
    price = Price(allow_null=True, help_text="Of one picture of 1024 x 1024; null where it has none.")


class Catalog(serializers.Serializer):
    """Everything that can be bought here."""

    models = ModelRow(many=True)
    routes = RouteRow(many=True)


#: Fields of a model that go out under their own names.
PLAIN = (
    *("id", "provider", "title", "needs_source", "publishable", "min_edge", "max_edge", "max_pixels", "max_n"),
    *("qualities", "formats", "transparent", "takes_instruction", "takes_mask", "max_partials", "free"),
)


class Models(StudioView):
    """The catalog."""

    tag = "models"

    @operation("listModels", "List models and routes", description="Not paged.", answers={200: Catalog})
    def get(self, request: Request) -> Response:
        self.only_query()
        models = site.models()
        withs = route_cards(self.policy, has_source=True)
        withouts = route_cards(self.policy, has_source=False)
        routes = [_route(a, b, models.get(a.spec.model)) for a, b in zip(withs, withouts, strict=True)]
        return Response({"models": [_model(model) for model in models.values()], "routes": routes})


def _model(model: ModelSpec) -> dict[str, Any]:
    # The catalog names no last days yet.
    return {**{name: getattr(model, name) for name in PLAIN}, "ends_on": getattr(model, "ends_on", None)}


def _route(card: RouteCard, without: RouteCard, model: ModelSpec | None) -> dict[str, Any]:
    spec = card.spec
    return {
        **{name: getattr(spec, name) for name in ("name", "title", "summary", "provider", "model", "quality")},
        "free": card.free,
        "publishable": card.publishable,
        "with_source": card.usable,
        "without_source": without.usable,
        "limits": [explain(code, card.params) for code in card.limits],
        "price": _price(spec.provider, model, spec.quality),
    }


def _price(provider: str, model: ModelSpec | None, quality: str) -> dict[str, Any] | None:
    if model is None:
        return None
    try:
        request = PictureRequest(model=model.id, size=USUAL_SIZE, quality=quality)
        return price_row(site.provider(provider).estimate(request, model))
    except StudioError:
        return None
