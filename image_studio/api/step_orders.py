"""What is asked of a picture, as JSON: the body of a step, and its price on every route."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from image_studio.api.fields import Body, Choice, Flag, Id, Integer, Number, Text, misfit
from image_studio.api.prompt_rows import FindingRow, finding_row
from image_studio.api.set_orders import price_row
from image_studio.api.set_rows import Price
from image_studio.exceptions import InvalidRequest
from image_studio.imaging.canvas import ANCHORS
from image_studio.models import BEGINNINGS, REFERENCE_ROLES, STEP_KINDS
from image_studio.providers.base import Finding
from image_studio.runner.edit_requests import DETAILS, MOST_CANDIDATES, MOST_REFERENCES
from image_studio.workflow.edit_files import MOST_POINTS
from image_studio.workflow.step_asking import MOST_LETTERS
from image_studio.workflow.steps import StepOffer, StepOrder, StepPreview

#: Numbers of steps and candidates, as every database keeps them.
MOST_NUMBER, MOST_INDEX = 2**31 - 1, 2**15 - 1
MOST_POLYGONS = 200
KINDS = {name: words for name, words in STEP_KINDS.items() if name not in BEGINNINGS}
#: Fractions may reach a little over the edge, as dragged ones do.
NEAR, FAR = -1, 2


def step_number(about: str, **more: Any) -> Integer:
    """A step's number in a body."""
    return Integer(min_value=1, max_value=MOST_NUMBER, help_text=about, **more)


def candidate_index(about: str = "0 is the first.", **more: Any) -> Integer:
    """Which picture of a step, in a body."""
    return Integer(min_value=0, max_value=MOST_INDEX, help_text=about, **more)


def region_field(about: str) -> serializers.ListField:
    """A rectangle in a body."""
    child = Number(min_value=NEAR, max_value=FAR)
    more = {"required": False, "allow_null": True, "help_text": f"{about}: left, top, width and height, as fractions."}
    return serializers.ListField(child=child, min_length=4, max_length=4, **more)


def polygons_field(about: str) -> serializers.ListField:
    """Polygons in a body."""
    point = serializers.ListField(child=Number(min_value=NEAR, max_value=FAR), min_length=2, max_length=2)
    points = serializers.ListField(child=point, min_length=3, max_length=MOST_POINTS)
    return serializers.ListField(
        child=points, required=False, max_length=MOST_POLYGONS, help_text=f"{about}: points (x, y), as fractions."
    )


class Reference(Body):
    """A picture that goes along, and as what."""

    role = Choice(choices=list(REFERENCE_ROLES.items()))
    asset = Id(help_text="A picture of the same brand.")


class _Asked(Body):
    """What every order has."""

    route = Text(max_length=40, help_text="As `GET models/` names them.")
    candidates = Integer(
        min_value=1, max_value=MOST_CANDIDATES, required=False, help_text="How many to choose from; one request."
    )
    references = Reference(many=True, required=False, max_length=MOST_REFERENCES)
    ratio = Text(max_length=20, required=False, allow_blank=True, help_text="`16:9`: the shape to make.")
    detail = Choice(choices=list(DETAILS), required=False, help_text="`full` is as large as the model goes.")
    early = Flag(required=False, help_text="Early versions while it works; each is charged as 100 tokens.")


class PromptOrder(_Asked):
    """The picture that a chain begins with, from words."""

    instruction = Text(max_length=MOST_LETTERS, help_text="What to show.")


class Edit(_Asked):
    """What should be different. Whatever is left out is the usual."""

    kind = Choice(choices=list(KINDS.items()), required=False, help_text="`edit`; with a place marked, `inpaint`.")
    instruction = Text(max_length=MOST_LETTERS, required=False, allow_blank=True, help_text="In your own words.")
    region = region_field("The one rectangle that may change")
    polygons = polygons_field("What may change")
    feather = Integer(
        min_value=0, max_value=500, required=False, allow_null=True, help_text="Soft edge of the place, in pixels."
    )
    paste = Flag(required=False, help_text="Put the picture's own pixels back outside the place; true by itself.")
    anchor = Choice(choices=list(ANCHORS), required=False, help_text="Where the picture stands when it is extended.")


class StepAsked(Edit):
    """A step that would grow from another one of its chain."""

    parent = step_number("The step to grow from; the head by itself.", required=False, allow_null=True)
    candidate = candidate_index(
        "Which of its pictures; the chosen one by itself, or its only one.", required=False, allow_null=True
    )
    mask = Id(required=False, allow_null=True, help_text="As `masks/` of the chain answered.")
    markup = Id(required=False, allow_null=True, help_text="A drawing, as `masks/` of the chain answered.")


def _digest() -> Text:
    return Text(
        max_length=64, required=False, allow_blank=True, help_text="Of the preview you saw: a changed price is refused."
    )


def _any_route() -> Text:
    return Text(max_length=40, required=False, help_text="Left out: the cheapest that can.")


class StepBody(StepAsked):
    """A step to order."""

    digest = _digest()


class StepQuestion(StepAsked):
    """A step to price."""

    route = _any_route()


class ChangeBody(Edit):
    """A change to order."""

    digest = _digest()


class ChangeQuestion(Edit):
    """A change to price."""

    route = _any_route()


class NewChain(Body):
    """A chain from a picture, or from words."""

    brand = Text(max_length=64, help_text="The brand's slug.")
    title = Text(max_length=200, required=False, allow_blank=True)
    asset = Id(required=False, help_text="A picture of this brand; of a composed one, what is below logo and words.")
    prompt = PromptOrder(required=False)
    digest = _digest()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """:raises ValidationError: unless it names one of picture and words."""
        if ("asset" in attrs) == ("prompt" in attrs):
            raise misfit({"asset": [_("Begin with a picture or a prompt: one of them.")]})
        return attrs


def order_of(said: Mapping[str, Any], **more: Any) -> StepOrder:
    """The order of a judged body."""
    known = {name: value for name, value in said.items() if name in StepOrder.__dataclass_fields__}
    plain = {name: value for name, value in known.items() if value is not None}
    plain |= {name: str(plain[name]) for name in ("mask", "markup") if name in plain}
    plain["references"] = [(one["role"], str(one["asset"])) for one in said.get("references", ())]
    return StepOrder.from_dict({**plain, **more})


class OrderRow(serializers.Serializer):
    """What was asked for; what is not there was left to the usual. It can be asked again as it stands."""

    kind = serializers.ChoiceField(choices=list(STEP_KINDS.items()), required=False)
    instruction = serializers.CharField(required=False)
    route = serializers.CharField(required=False)
    parent = serializers.IntegerField(required=False)
    candidate = serializers.IntegerField(required=False)
    candidates = serializers.IntegerField(required=False)
    region = serializers.ListField(child=serializers.FloatField(), required=False)
    polygons = serializers.ListField(
        child=serializers.ListField(child=serializers.ListField(child=serializers.FloatField())), required=False
    )
    mask = serializers.UUIDField(required=False)
    markup = serializers.UUIDField(required=False)
    feather = serializers.IntegerField(required=False)
    paste = serializers.BooleanField(required=False)
    references = serializers.ListField(child=Reference(), required=False)
    ratio = serializers.CharField(required=False)
    anchor = serializers.CharField(required=False)
    detail = serializers.CharField(required=False)
    early = serializers.BooleanField(required=False)


def order_row(plain: Mapping[str, Any]) -> dict[str, Any]:
    """:class:`OrderRow` of an order's plain values."""
    found = {name: value for name, value in plain.items() if name in StepOrder.__dataclass_fields__}
    if found.get("references"):
        found["references"] = [{"role": role, "asset": asset} for role, asset in found["references"]]
    return found


# What it costs -----------------------------------------------------------------------------------------------------


class StepRoute(serializers.Serializer):
    """What a route would make of the same order."""

    name = serializers.CharField()
    title = serializers.CharField()
    summary = serializers.CharField()
    model = serializers.CharField()
    quality = serializers.CharField()
    usable = serializers.BooleanField(help_text="For this order.")
    reasons = FindingRow(many=True, help_text="Why it is not usable.")
    price = Price(allow_null=True)


class StepPreviewRow(serializers.Serializer):
    """What an order would buy. Nothing was written and nothing spent."""

    kind = serializers.ChoiceField(choices=list(STEP_KINDS.items()), help_text="What it comes to.")
    route = serializers.CharField()
    model = serializers.CharField()
    quality = serializers.CharField()
    pictures = serializers.IntegerField(help_text="That are bought.")
    width = serializers.IntegerField(help_text="Of the picture that is shown in the end, as far as it can be known.")
    height = serializers.IntegerField()
    price = Price()
    blocked = serializers.BooleanField(help_text="It cannot be ordered: a finding stands in the way.")
    findings = FindingRow(many=True)
    digest = serializers.CharField(help_text="Send it with the order.")
    routes = StepRoute(many=True, help_text="What every route that could do it would make of the same order.")


def routed(order: StepOrder, offers: Sequence[StepOffer]) -> StepOrder:
    """An order with a route: the one that it names, else the cheapest that can.

    :raises InvalidRequest: ``request.unknown_route`` where none leads to a picture.
    """
    if order.route:
        return order
    able = [one for one in offers if one.preview is not None]
    if not able:
        raise InvalidRequest("request.unknown_route", route="", known=", ".join(one.route.name for one in offers))
    best = min(able, key=lambda one: (not one.usable, one.preview.price.most if one.preview else 0))
    return replace(order, route=best.route.name)


def preview_row(plan: StepPreview, offers: Sequence[StepOffer]) -> dict[str, Any]:
    """:class:`StepPreviewRow` of a preview."""
    width, height = plan.size
    return {
        "kind": plan.order.kind,
        "route": plan.route.name,
        "model": plan.model.id,
        "quality": plan.route.quality,
        "pictures": plan.request.n,
        "width": width,
        "height": height,
        "price": price_row(plan.price),
        "blocked": plan.blocked,
        "findings": [finding_row(finding) for finding in plan.findings],
        "digest": plan.digest,
        "routes": [_route(one) for one in offers],
    }


def _route(offer: StepOffer) -> dict[str, Any]:
    route, plan = offer.route, offer.preview
    why = [Finding(code=offer.why_not, params=offer.params)] if offer.why_not else []
    return {
        "name": route.name,
        "title": route.title,
        "summary": route.summary,
        "model": route.model,
        "quality": route.quality,
        "usable": offer.usable,
        "reasons": [finding_row(finding) for finding in why],
        "price": price_row(plan.price) if plan and offer.usable else None,
    }
