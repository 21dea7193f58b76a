"""What one request would cost, before there is a brand or a matrix."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from image_studio import conf as site
from image_studio.api.base import StudioView
from image_studio.api.fields import Body, Integer, Text, misfit
from image_studio.api.models import USUAL_SIZE
from image_studio.api.operations import operation
from image_studio.api.option_rows import OptionsBody
from image_studio.api.prompt_rows import FindingRow, finding_row
from image_studio.api.set_orders import price_row
from image_studio.api.set_rows import Price
from image_studio.catalog.specs import ModelSpec, names
from image_studio.exceptions import InvalidRequest
from image_studio.models.prompt import MAX_PROMPT
from image_studio.providers.base import InputRef, PictureRequest
from image_studio.workflow.options import fields_of, findings_of, frozen, named

SIZE = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})")


@extend_schema_field({"type": "string", "pattern": f"^{SIZE.pattern}$", "default": "1024x1024"})
class Size(Text):
    """Width and height as ``1024x1024``."""

    default_error_messages = {"size": _("Write width x height in pixels, for example 1024x1024.")}

    def to_internal_value(self, data: Any) -> tuple[int, int]:  # type: ignore[override]
        found = SIZE.fullmatch(super().to_internal_value(data))
        if found is None:
            raise serializers.ValidationError(str(self.error_messages["size"]), code="size")
        return int(found[1]), int(found[2])


class EstimateBody(Body):
    """A route or a model, and the picture."""

    route = Text(max_length=40, required=False, help_text="As `GET models/` names them.")
    model = Text(max_length=80, required=False, help_text="In place of a route.")
    size = Size(required=False, help_text="In pixels.")
    n = Integer(min_value=1, max_value=1000, required=False, help_text="Pictures.")
    quality = Text(max_length=20, required=False, help_text="The route's, else `high`.")
    prompt = Text(
        max_length=MAX_PROMPT, required=False, allow_blank=True, help_text="Its length counts; without it, little."
    )
    sources = Integer(min_value=0, max_value=1, required=False, help_text="Pictures to start from: none or one.")
    options = OptionsBody(required=False, help_text="Pictures in it are counted, not looked for.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """:raises ValidationError: unless it names one of route and model."""
        if ("route" in attrs) == ("model" in attrs):
            raise misfit({"route": [_("Name a route or a model: one of them.")]})
        return attrs


class Estimate(serializers.Serializer):
    """What it would cost."""

    route = serializers.CharField(allow_null=True)
    model = serializers.CharField()
    quality = serializers.CharField()
    price = Price()
    estimated = serializers.BooleanField(help_text="True: the provider's bill may differ, up to `most`.")
    findings = FindingRow(many=True, help_text="What the model cannot do of this.")


class Estimates(StudioView):
    """Prices."""

    tag = "models"

    @operation(
        "estimatePrice",
        "Estimate a price",
        description="Nothing is written and nothing spent. For a whole matrix ask `variant-sets/preview/`.",
        body=EstimateBody,
        answers={200: Estimate},
    )
    def post(self, request: Request) -> Response:
        said = self.body(EstimateBody)
        model, quality = _model(said)
        asked = _request(said, model, quality)
        provider = site.provider(model.provider)
        price = provider.estimate(asked, model)
        findings = [one for one in findings_of(provider, asked, model, ()) if one.code not in _unsaid(said)]
        return Response(
            {
                "route": said.get("route"),
                "model": model.id,
                "quality": quality,
                "price": price_row(price),
                "estimated": not price.free,
                "findings": [finding_row(finding) for finding in findings],
            }
        )


def _request(said: dict[str, Any], model: ModelSpec, quality: str) -> PictureRequest:
    options = frozen(said.get("options", {}))
    roles = [*["source"] * said.get("sources", 0), *(role for role, _id in named(options))]
    return PictureRequest(
        model=model.id,
        prompt=said.get("prompt", ""),
        size=said.get("size", USUAL_SIZE),
        n=said.get("n", 1),
        quality=quality,
        inputs=tuple(InputRef(asset="", sha256="", role=role) for role in roles),
        extra=options.get("extra", {}),
        **fields_of(options),
    )


def _unsaid(said: dict[str, Any]) -> set[str]:
    """Who only wants the price need say neither prompt nor picture: what then lacks is nothing to tell."""
    unsaid = set() if said.get("prompt") else {"prompt.empty"}
    return unsaid if "sources" in said else unsaid | {"provider.needs_source"}


def _model(said: dict[str, Any]) -> tuple[ModelSpec, str]:
    routes = site.routes()
    models: Mapping[str, ModelSpec] = site.models()
    name, quality = said.get("model"), said.get("quality")
    if name is None:
        route = routes.get(said["route"])
        if route is None:
            raise InvalidRequest("request.unknown_route", route=said["route"], known=names(routes))
        name, quality = route.model, quality or route.quality
        models = site.models_of(route.provider)
    if name not in models:
        raise InvalidRequest("request.unknown_model", model=name, known=names(models))
    return models[name], quality or "high"
