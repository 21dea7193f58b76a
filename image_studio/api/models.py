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
from image_studio.catalog.lifecycle import Switch, phase
from image_studio.catalog.specs import ModelSpec
from image_studio.exceptions import StudioError
from image_studio.providers.base import PictureRequest
from image_studio.wording import explain
from image_studio.workflow import RouteCard, route_cards

#: The picture that prices are compared by, in pixels.
USUAL_SIZE = (1024, 1024)
PHASES = ("active", "deprecated", "ending", "ended")


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
    family = serializers.CharField(help_text="What snapshots and siblings share; empty for none.")
    snapshot_of = serializers.CharField(help_text="The model that this is a dated snapshot of; else empty.")
    sizes = serializers.ListField(
        child=serializers.CharField(), help_text="`WxH`, where it has only these; else the rules below hold."
    )
    edge_multiple = serializers.IntegerField(help_text="Both edges are multiples of this many pixels.")
    min_pixels = serializers.IntegerField()
    max_ratio = serializers.FloatField(help_text="Long edge to short edge; 0 is no rule.")
    experimental_pixels = serializers.IntegerField(help_text="Above this many it promises less; 0 is nowhere.")
    max_n = serializers.IntegerField(help_text="Pictures of one request.")
    qualities = serializers.ListField(child=serializers.CharField())
    formats = serializers.ListField(child=serializers.CharField())
    transparent = serializers.BooleanField()
    takes_instruction = serializers.BooleanField()
    takes_mask = serializers.BooleanField()
    takes_markup = serializers.BooleanField()
    fidelity = serializers.ListField(child=serializers.CharField(), help_text="Empty: it keeps what it can anyway.")
    complexity = serializers.ListField(child=serializers.CharField())
    moderations = serializers.ListField(child=serializers.CharField())
    max_inputs = serializers.IntegerField(help_text="Pictures to work from in one request.")
    max_prompt = serializers.IntegerField(help_text="Characters; 0 is no limit.")
    max_partials = serializers.IntegerField(help_text="Early versions of a picture.")
    free = serializers.BooleanField()
    phase = serializers.ChoiceField(
        choices=PHASES, help_text="`ending` is told from 90 days ahead; ended, it is refused."
    )
    released = serializers.DateField(allow_null=True)
    deprecated = serializers.DateField(allow_null=True)
    ends_on = serializers.DateField(allow_null=True, help_text="Its last day, where the provider named one.")
    replaced_by = serializers.ListField(child=serializers.CharField(), help_text="Best first.")


class SwitchRow(serializers.Serializer):
    """The change of a route to another model."""

    on = serializers.DateField(help_text="The first day, in UTC.")
    model = serializers.CharField()
    quality = serializers.CharField()
    price = Price(allow_null=True, help_text="Of one picture of 1024 x 1024 from then on.")


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
    switch = SwitchRow(allow_null=True, help_text="Where its model ends: what it leads to then.")


class Catalog(serializers.Serializer):
    """Everything that can be bought here."""

    models = ModelRow(many=True)
    routes = RouteRow(many=True)


#: Fields of a model that go out under their own names.
PLAIN = (
    *(
        "id",
        "provider",
        "title",
        "family",
        "snapshot_of",
        "needs_source",
        "publishable",
        "sizes",
        "min_edge",
        "max_edge",
    ),
    *("edge_multiple", "min_pixels", "max_pixels", "max_ratio", "experimental_pixels", "max_n", "qualities", "formats"),
    *("transparent", "takes_instruction", "takes_mask", "takes_markup", "fidelity", "complexity", "moderations"),
    *("max_inputs", "max_prompt", "max_partials", "free", "released", "deprecated", "ends_on", "replaced_by"),
)


class Models(StudioView):
    """The catalog."""

    tag = "models"

    @operation("listModels", "List models and routes", description="Not paged.", answers={200: Catalog})
    def get(self, request: Request) -> Response:
        self.only_query()
        withs = route_cards(self.policy, has_source=True)
        withouts = route_cards(self.policy, has_source=False)
        routes = [_route(a, b) for a, b in zip(withs, withouts, strict=True)]
        # A model that two providers sell has a row of each: dates and limits may differ.
        models = [model for alias in site.conf().providers for model in site.models_of(alias).values()]
        return Response({"models": [_model(model) for model in models], "routes": routes})


def _model(model: ModelSpec) -> dict[str, Any]:
    return {**{name: getattr(model, name) for name in PLAIN}, "phase": phase(model, site.today())}


def _route(card: RouteCard, without: RouteCard) -> dict[str, Any]:
    spec = card.spec
    return {
        **{name: getattr(spec, name) for name in ("name", "title", "summary", "provider", "model", "quality")},
        "free": card.free,
        "publishable": card.publishable,
        "with_source": card.usable,
        "without_source": without.usable,
        "limits": [explain(code, card.params) for code in card.limits],
        "price": _price(spec.provider, card.model, spec.quality),
        "switch": _switch(spec.provider, card.follows) if card.follows else None,
    }


def _switch(provider: str, follows: Switch) -> dict[str, Any]:
    step = follows.new
    price = _price(provider, site.model(provider, step.model), step.quality)
    return {"on": follows.on, "model": step.model, "quality": step.quality, "price": price}


def _price(provider: str, model: ModelSpec | None, quality: str) -> dict[str, Any] | None:
    if model is None:
        return None
    try:
        request = PictureRequest(model=model.id, size=USUAL_SIZE, quality=quality)
        return price_row(site.provider(provider).estimate(request, model))
    except StudioError:
        return None
