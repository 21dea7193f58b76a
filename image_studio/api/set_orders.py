"""From a body to a matrix: every name and id in it is asked for with the rights of who sent it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from image_studio.api.keyed import NotThere
from image_studio.api.prompt_rows import finding_row
from image_studio.api.prompts import version_of
from image_studio.catalog.pricing import Price
from image_studio.exceptions import InvalidRequest
from image_studio.models import Asset, Brand, Channel, Prompt, PromptVersion
from image_studio.policy import Policy
from image_studio.providers.base import Finding
from image_studio.wording import explain
from image_studio.workflow import Matrix, Preview, RouteCard, route_cards
from image_studio.workflow.offers import Offer, offers

#: Names that an error lists, so that it stays readable.
NAMED = 30


def matrix_of(policy: Policy, brand: Brand, said: Mapping[str, Any]) -> Matrix:
    """The matrix of a judged :class:`~image_studio.api.set_rows.MatrixBody`.

    :raises NotThere: ``asset.unknown``, ``request.unknown_prompt``: not there, of another brand, or somebody else's.
    :raises InvalidRequest: for a channel, version, label, line or locale that there is not.
    """
    texts = said.get("texts", {})
    _judge_texts(brand, texts, said["locales"])
    return Matrix(
        brand=brand,
        route=said["route"],
        channels=_channels(said["channels"]),
        locales=tuple(said["locales"]),
        takes=said.get("takes", 1),
        source=_source(policy, brand, said.get("source")),
        prompt_version=_version(policy, brand, said),
        variables=said.get("variables", {}),
        texts=texts,
        sharing=said.get("sharing", "ratio"),
        title=said.get("title", ""),
        options=said.get("options", {}),
    )


def _channels(slugs: list[str]) -> tuple[Channel, ...]:
    found = {channel.slug: channel for channel in Channel.objects.filter(slug__in=slugs)}
    for slug in slugs:
        if slug not in found:
            known = Channel.objects.filter(active=True).values_list("slug", flat=True)
            raise InvalidRequest("request.unknown_channel", channel=slug, known=_names(known))
    return tuple(found[slug] for slug in slugs)


def _source(policy: Policy, brand: Brand, pk: UUID | None) -> Asset | None:
    if pk is None:
        return None
    mine = policy.visible(Asset.objects.filter(brand=brand)).filter(pk=pk).first()
    if mine is None:
        raise NotThere("asset.unknown", asset=str(pk))
    mine.brand = brand
    found: Asset = mine
    return found


def _version(policy: Policy, brand: Brand, said: Mapping[str, Any]) -> PromptVersion | None:
    pk = said.get("prompt")
    if pk is None:
        return None
    mine = policy.visible(Prompt.objects.filter(brand=brand))
    prompt = mine.filter(pk=pk).first()
    if prompt is None:
        known = mine.filter(archived=False).values_list("slug", flat=True)
        raise NotThere("request.unknown_prompt", prompt=str(pk), known=_names(known))
    version = version_of(prompt, number=said.get("version"), label=said.get("label"))
    version.prompt = prompt
    return version


def _judge_texts(brand: Brand, texts: Mapping[str, Mapping[str, str]], locales: list[str]) -> None:
    """Words for a line that no layout draws, or in a language that is not asked for, would be lost without a word."""
    known = lines_of(brand)
    for line, words in texts.items():
        if line not in known:
            raise InvalidRequest("request.unknown_line", line=line, known=_names(known))
        for locale in words:
            if locale not in locales:
                raise InvalidRequest("request.unknown_locale", locale=locale, known=_names(locales))


def lines_of(brand: Brand) -> frozenset[str]:
    """The lines of text that a brand's layouts draw."""
    return frozenset(text.line for layout in brand.kit.layouts for text in layout.texts)


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)[:NAMED])


# What a preview answers --------------------------------------------------------------------------------------------


def preview_of(policy: Policy, plan: Preview) -> dict[str, Any]:
    """:class:`~image_studio.api.set_rows.SetPreview` of a preview."""
    return {
        "pictures": plan.pictures,
        "cells": plan.cells,
        "price": price_row(plan.price),
        "blocked": plan.blocked,
        "findings": [finding_row(finding) for finding in plan.findings],
        "prompt_text": plan.prompt_text,
        "purchases": [
            {
                "channels": list(job.channels),
                "pictures": job.request.n,
                "width": job.request.size[0],
                "height": job.request.size[1],
                "price": price_row(price),
            }
            for job, price in zip(plan.jobs, plan.prices, strict=True)
        ],
        "routes": _routes(policy, plan.matrix),
        "digest": plan.digest,
    }


def price_row(price: Price) -> dict[str, Any]:
    """:class:`~image_studio.api.set_rows.Price` of an estimate."""
    return {"likely": price.likely, "most": price.most, "free": price.free}


def _routes(policy: Policy, matrix: Matrix) -> list[dict[str, Any]]:
    cards = route_cards(policy, has_source=matrix.source is not None)
    found = offers(policy, [matrix], [card.spec.name for card in cards if card.why_not != "route.unknown_model"])
    return [_route(card, found.get(card.spec.name)) for card in cards]


def _route(card: RouteCard, offer: Offer | None) -> dict[str, Any]:
    why = [Finding(code=card.why_not, params=card.params)] if card.why_not else list(offer.findings if offer else ())
    price = offer.price if offer and card.usable else None
    return {
        "name": card.spec.name,
        "title": card.spec.title,
        "summary": card.spec.summary,
        "model": card.spec.model,
        "quality": card.spec.quality,
        "usable": not why,
        "reasons": [finding_row(finding) for i, finding in enumerate(why) if finding not in why[:i]],
        "limits": [explain(code, card.params) for code in card.limits],
        "free": card.free,
        "publishable": card.publishable,
        "pictures": offer.pictures if offer and card.usable else None,
        "price": price_row(price) if price else None,
        "switch": _switch(card, offer),
    }


def _switch(card: RouteCard, offer: Offer | None) -> dict[str, Any] | None:
    if card.follows is None:
        return None
    later = offer.later if offer and card.usable else None
    step = card.follows.new
    price = price_row(later) if later is not None else None
    return {"on": card.follows.on, "model": step.model, "quality": step.quality, "price": price}
