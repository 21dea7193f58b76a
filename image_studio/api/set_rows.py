"""Variant sets and their cells as JSON: the matrix in, rows out. Money is integer micro-USD (1 USD = 1,000,000)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from image_studio.api.cost_rows import CostRow
from image_studio.api.fields import Body, Choice, Id, Integer, Text, misfit
from image_studio.api.option_rows import OptionsBody, OptionsRow
from image_studio.api.prompt_rows import FindingRow, Variables
from image_studio.models import SHARING
from image_studio.states import ASSET
from image_studio.workflow import Cell, Sheet
from image_studio.workflow.cells import Again

STATUSES = ("waiting", "working", "ready", "failed", "blocked", "unknown", "compose_failed", "cancelled")
MICRO = "In millionths of a US dollar."


class Lines(serializers.DictField):
    """Line -> locale -> words."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=serializers.DictField(child=Text(max_length=2000, allow_blank=True)), **kwargs)


class MatrixBody(Body):
    """What is wanted: a source or a prompt, for these channels, in these languages, so many takes."""

    brand = Text(max_length=64, help_text="The brand's slug.")
    route = Text(max_length=40, help_text="As `GET models/` names them.")
    channels = serializers.ListField(
        child=Text(min_length=1, max_length=64), min_length=1, max_length=200, help_text="Slugs."
    )
    locales = serializers.ListField(child=Text(min_length=1, max_length=35), min_length=1, max_length=200)
    takes = Integer(min_value=1, max_value=1000, required=False, help_text="Different pictures per cell.")
    source = Id(required=False, allow_null=True, help_text="A picture of this brand to start from.")
    prompt = Id(required=False, allow_null=True, help_text="A prompt of this brand.")
    version = Integer(min_value=1, max_value=1_000_000, required=False, help_text="Of the prompt.")
    label = Text(
        max_length=64, required=False, help_text="Of the prompt; without version and label: `live`, else newest."
    )
    variables = Variables(required=False, help_text="What fills the prompt's places.")
    texts = Lines(required=False, help_text="Line -> locale -> words, over the kit's own; empty words keep those.")
    sharing = Choice(choices=list(SHARING.items()), required=False, help_text="How channels share a picture.")
    title = Text(max_length=200, required=False, allow_blank=True)
    options = OptionsBody(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """:raises ValidationError: for what is there twice, or says of a prompt what no prompt is named for."""
        wrong: dict[str, list[Any]] = {}
        for name in ("channels", "locales"):
            twice = [one for one in dict.fromkeys(attrs[name]) if attrs[name].count(one) > 1]
            if twice:
                wrong[name] = [_("%(name)s is there twice.") % {"name": twice[0]}]
        if attrs.get("prompt") is None:
            for name in ("version", "label", "variables"):
                if attrs.get(name):
                    wrong[name] = [_("It belongs to a prompt: name one.")]
        elif "version" in attrs and "label" in attrs:
            wrong["label"] = [_("Say the version or the label, not both.")]
        if wrong:
            raise misfit(wrong)
        return attrs


class SetOrder(MatrixBody):
    """The matrix, ordered."""

    digest = Text(
        max_length=64,
        required=False,
        allow_blank=True,
        help_text="Of the preview you saw: where price, kit or channels changed since, the order is refused.",
    )


class NewTexts(Body):
    """Words to set anew."""

    texts = Lines(required=False, help_text="In place of the set's own; without it they stay.")


class Price(serializers.Serializer):
    """An estimate in millionths of a US dollar."""

    likely = serializers.IntegerField(help_text=MICRO)
    most = serializers.IntegerField(help_text="It is never more. " + MICRO)
    free = serializers.BooleanField()


class Purchase(serializers.Serializer):
    """One request to a provider, and whom it serves."""

    channels = serializers.ListField(child=serializers.CharField())
    pictures = serializers.IntegerField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    price = Price()


class OfferSwitch(serializers.Serializer):
    """The change of a route to another model."""

    on = serializers.DateField(help_text="The first day, in UTC.")
    model = serializers.CharField()
    quality = serializers.CharField()
    price = Price(allow_null=True, help_text="Of the same matrix from then on.")


class RouteOffer(serializers.Serializer):
    """What a route would make of the same matrix."""

    name = serializers.CharField()
    title = serializers.CharField()
    summary = serializers.CharField()
    model = serializers.CharField(help_text="That makes its pictures today.")
    quality = serializers.CharField()
    usable = serializers.BooleanField(help_text="For this matrix.")
    reasons = FindingRow(many=True, help_text="Why it is not usable.")
    limits = serializers.ListField(child=serializers.CharField(), help_text="What it cannot do at all, in words.")
    free = serializers.BooleanField()
    publishable = serializers.BooleanField()
    pictures = serializers.IntegerField(allow_null=True)
    price = Price(allow_null=True)
    switch = OfferSwitch(allow_null=True, help_text="Where its model ends: what it leads to then.")


class SetPreview(serializers.Serializer):
    """What a matrix would buy and compose. Nothing was written and nothing spent."""

    pictures = serializers.IntegerField(help_text="That are bought.")
    cells = serializers.IntegerField(help_text="That are composed of them, free.")
    price = Price()
    blocked = serializers.BooleanField(help_text="It cannot be ordered: a finding stands in the way.")
    findings = FindingRow(many=True)
    prompt_text = serializers.CharField()
    purchases = Purchase(many=True)
    routes = RouteOffer(many=True)
    digest = serializers.CharField(help_text="Send it with the order.")


class SetAccepted(serializers.Serializer):
    """Work that was accepted; `Location` is where to look for it."""

    id = serializers.UUIDField()
    url = serializers.URLField()
    cells = serializers.IntegerField(help_text="That wait for a picture now.")
    job = serializers.UUIDField(allow_null=True, help_text="Where the work is one job.")


class SetRow(serializers.Serializer):
    """A variant set in a list."""

    id = serializers.UUIDField()
    url = serializers.URLField()
    brand = serializers.CharField(help_text="The brand's slug.")
    title = serializers.CharField()
    route = serializers.CharField()
    sharing = serializers.ChoiceField(choices=list(SHARING.items()))
    source = serializers.UUIDField(allow_null=True)
    prompt = serializers.UUIDField(allow_null=True)
    version = serializers.IntegerField(allow_null=True, help_text="Of the prompt.")
    by = serializers.CharField()
    created_at = serializers.DateTimeField()
    cancelled_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class Progress(serializers.Serializer):
    """How far a set is."""

    active = serializers.BooleanField(help_text="Something is still to come: ask again.")
    pictures_bought = serializers.IntegerField()
    pictures_total = serializers.IntegerField()
    cells_total = serializers.IntegerField()
    cells = serializers.DictField(child=serializers.IntegerField(), help_text="Status -> how many cells.")
    seconds_left = serializers.IntegerField(allow_null=True, help_text="About; null where nobody can know.")
    worker_missing = serializers.BooleanField(help_text="Work waits and nobody works: tell the operator.")


class SetDetail(SetRow):
    """A variant set on its own."""

    prompt_text = serializers.CharField()
    variables = serializers.DictField(child=serializers.CharField())
    texts = serializers.DictField(child=serializers.DictField(child=serializers.CharField()))
    options = OptionsRow()
    progress = Progress()
    micro_usd = serializers.IntegerField(help_text="Spent. " + MICRO)
    estimate_micro_usd = serializers.IntegerField(help_text="The most that all of it may cost. " + MICRO)
    left_micro_usd = serializers.IntegerField(help_text="The most that what is still to come may cost. " + MICRO)
    cost = CostRow()
    cells_url = serializers.URLField()
    archive_url = serializers.URLField()
    actions = serializers.ListField(child=serializers.CharField(), help_text="What you may do with it.")


class Verdicts(serializers.Serializer):
    """How many checks said what. Not run is never a pass."""

    passed = serializers.IntegerField()
    warned = serializers.IntegerField()
    failed = serializers.IntegerField()
    not_run = serializers.IntegerField()


class Partial(serializers.Serializer):
    """An early version of a picture that is being made."""

    number = serializers.IntegerField()
    url = serializers.URLField()


class AgainRow(serializers.Serializer):
    """What trying again buys."""

    picture = serializers.CharField(help_text="Rows with the same one share a picture, and pay for it once.")
    most = serializers.IntegerField(
        allow_null=True, help_text=f"Held for it, at today's price or what was agreed. Null: nobody knows. {MICRO}"
    )


def again_row(again: Again | None) -> dict[str, Any] | None:
    """:class:`AgainRow`, or nothing where it is free."""
    if again is None:
        return None
    return {"picture": "{}:{}".format(*again.picture), "most": again.most}


class CellRow(serializers.Serializer):
    """One cell of the matrix."""

    id = serializers.UUIDField()
    channel = serializers.CharField(help_text="The channel's slug.")
    locale = serializers.CharField()
    take = serializers.IntegerField(help_text="From 1.")
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    status = serializers.ChoiceField(choices=STATUSES)
    message = serializers.CharField(help_text="Why there is no picture, in words.")
    job = serializers.UUIDField()
    asset = serializers.UUIDField(allow_null=True)
    asset_url = serializers.URLField(allow_null=True)
    asset_state = serializers.ChoiceField(choices=ASSET.choices, allow_null=True)
    content_url = serializers.URLField(allow_null=True, help_text="The picture, full size.")
    preview_url = serializers.URLField(allow_null=True, help_text="The picture, small.")
    partial = Partial(allow_null=True)
    publishing = serializers.BooleanField()
    verdicts = Verdicts()
    blocking = serializers.ListField(child=serializers.CharField(), help_text="Codes of failed checks that block.")
    judged = serializers.BooleanField(help_text="Whether content was judged, and not the layout alone.")
    again = AgainRow(allow_null=True, help_text="What `retry` buys; null where that is free.")
    actions = serializers.ListField(child=serializers.CharField(), help_text="What you may do now.")


PLAIN = ("id", "title", "route", "sharing", "created_at", "cancelled_at", "finished_at")
FIELDS = (*PLAIN, "brand__slug", "source_id", "prompt_version__prompt_id", "prompt_version__number", "actor_label")


def set_row(row: dict[str, Any], url: str) -> dict[str, Any]:
    """:class:`SetRow` of ``values(*FIELDS)``."""
    return {
        **{name: row[name] for name in PLAIN},
        "url": url,
        "brand": row["brand__slug"],
        "source": row["source_id"],
        "prompt": row["prompt_version__prompt_id"],
        "version": row["prompt_version__number"],
        "by": row["actor_label"],
    }


def columns_of(variant_set: Any) -> dict[str, Any]:
    """:data:`FIELDS` of a row with its brand and prompt version."""
    version = variant_set.prompt_version
    return {
        **{name: getattr(variant_set, name) for name in (*PLAIN, "source_id", "actor_label")},
        "brand__slug": variant_set.brand.slug,
        "prompt_version__prompt_id": version.prompt_id if version else None,
        "prompt_version__number": version.number if version else None,
    }


def progress_of(found: Sheet) -> dict[str, Any]:
    """:class:`Progress` of a sheet."""
    return {
        "active": found.active,
        "pictures_bought": found.pictures_bought,
        "pictures_total": found.pictures_total,
        "cells_total": len(found.cells),
        "cells": {status: found.counts[status] for status in STATUSES if found.counts[status]},
        "seconds_left": found.seconds_left,
        "worker_missing": found.worker_missing,
    }


def cell_row(cell: Cell, assets: str, jobs: str) -> dict[str, Any]:
    """:class:`CellRow` of a cell.

    :param assets: the absolute address of the list of assets; ``jobs`` that of jobs.
    """
    variant, asset = cell.variant, cell.asset
    url = f"{assets}{asset.pk}/" if asset else None
    early = f"{jobs}{variant.job_id}/partials/{variant.output_index}/"
    return {
        "id": variant.pk,
        "channel": variant.channel.slug,
        "locale": variant.locale,
        "take": variant.take + 1,
        "width": variant.channel_spec["width"],
        "height": variant.channel_spec["height"],
        "status": cell.status,
        "message": cell.message,
        "job": variant.job_id,
        "asset": asset.pk if asset else None,
        "asset_url": url,
        "asset_state": asset.state if asset else None,
        "content_url": f"{url}content/?which=full" if url else None,
        "preview_url": f"{url}content/?which=preview" if url else None,
        "partial": {"number": cell.partial, "url": early} if cell.partial else None,
        "publishing": cell.publishing,
        "verdicts": {"passed": cell.passed, "warned": cell.warned, "failed": cell.failed, "not_run": cell.not_run},
        "blocking": sorted({verdict.code for verdict in cell.blocking}),
        "judged": cell.judged,
        "again": again_row(cell.again),
        "actions": sorted(cell.actions),
    }
