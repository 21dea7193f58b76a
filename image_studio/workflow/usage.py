"""Where pictures are used: asked of the fields that point at them, never kept in a second place.

A field says so itself, with ``is_studio_use = True``: :class:`~image_studio.fields.AssetForeignKey` does, and any
other relation to pictures may.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as part
from typing import Any
from uuid import UUID

from django.contrib.admin.utils import quote
from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse
from django.utils.text import capfirst

from image_studio import signals
from image_studio.exceptions import InvalidRequest
from image_studio.models import Asset, database_now
from image_studio.models.asset import AssetQuerySet
from image_studio.policy import Policy
from image_studio.workflow.browse import search

#: Of one field, the most places that one answer reads: what is used more often is in use all the same.
MOST_PLACES = 1000


@dataclass(frozen=True, kw_only=True)
class Use:
    """A place that shows a picture.

    :param label: what a person calls it: "Article: Spring tea".
    :param url: of its page or of its change form; empty where it has neither.
    :param words: an alt text of its own, which was written there for this picture and no other; empty where it takes
        the picture's. It tells no places apart.
    """

    label: str
    url: str = ""
    words: str = part(default="", compare=False)


def uses_of(assets: Iterable[Asset | UUID]) -> dict[UUID, list[Use]]:
    """The places of each picture that has any, always in the same order: one query per field that points at pictures.

    A page that shows a picture in two of its fields is one place. Places that are no fields come last: of these their
    apps tell, as receivers of :data:`~image_studio.signals.asset_uses_wanted`.
    """
    keys = {asset.pk if isinstance(asset, Asset) else asset for asset in assets}
    found: dict[UUID, dict[Use, None]] = {}
    for field in fields_in_use() if keys else ():
        for row in rows_of(field, keys)[:MOST_PLACES]:
            found.setdefault(getattr(row, field.attname), {})[use_of(row)] = None
    for key, places in told_uses(keys).items():
        found.setdefault(key, {}).update(dict.fromkeys(places))
    return {key: list(places) for key, places in found.items()}


def rows_of(field: Any, keys: Iterable[UUID]) -> QuerySet[Any]:
    """The rows whose field shows one of these pictures, whatever the site's own managers hide."""
    found: QuerySet[Any] = field.model._base_manager.filter(**{f"{field.name}__in": keys}).order_by("pk")
    return found


def told_uses(keys: Iterable[UUID]) -> dict[UUID, list[Use]]:
    """What apps tell of places that are no fields; one that fails is logged, and tells nothing."""
    found: dict[UUID, list[Use]] = {}
    wanted = set(keys)
    answers = signals.asset_uses_wanted.send_robust(Asset, assets=wanted) if wanted else ()
    for _receiver, answer in answers:
        for key, places in answer.items() if isinstance(answer, Mapping) else ():
            found.setdefault(key, []).extend(places)
    return found


def told_stays(asset: Asset, successor: Asset) -> dict[Use, str]:
    """The places that are no fields and would keep a picture, as apps tell, and why; one that fails tells nothing."""
    found: dict[Use, str] = {}
    for _receiver, answer in signals.asset_stays_wanted.send_robust(Asset, asset=asset, successor=successor):
        found.update(answer if isinstance(answer, Mapping) else {})
    return found


def fields_in_use() -> list[Any]:
    """The fields of the site that take pictures, by model and name."""
    relations: list[Any] = Asset._meta.get_fields(include_hidden=True)
    found = {one.field for one in relations if getattr(getattr(one, "field", None), "is_studio_use", False)}
    return sorted(found, key=lambda field: (field.model._meta.label, field.name))


def use_of(row: Any) -> Use:
    """What a row of the site is called, where it is seen, and what it says of its picture: ``studio_words``."""
    words = str(getattr(row, "studio_words", "") or "")
    return Use(label=f"{capfirst(row._meta.verbose_name)}: {row}", url=next(_urls(row), ""), words=words)


def _urls(row: Any) -> Iterator[str]:
    """The page itself, else where it is edited; a site may have neither."""
    own = getattr(row, "get_absolute_url", None)
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
    for address in (own, lambda: reverse(name, args=[quote(row.pk)])):
        try:
            url = str(address() or "") if address else ""
        except NoReverseMatch:
            continue
        if url:
            yield url


def took(assets: Iterable[Asset | UUID]) -> int:
    """Note that pages have just taken these pictures, for the library's order by use. Returns how many there are."""
    keys = [asset.pk if isinstance(asset, Asset) else asset for asset in assets]
    return Asset.objects.filter(pk__in=keys).update(used_at=database_now())


def choosable(
    *,
    policy: Policy | None = None,
    brand: str = "",
    channel: str = "",
    text: str = "",
    rows: AssetQuerySet | None = None,
) -> QuerySet[Asset]:
    """The pictures that a page may take now, newest first: what the public may see, and nothing else.

    :param policy: narrows them to the brands of who chooses.
    :param brand: a slug, as is ``channel``; empty does not narrow.
    :param text: words that the picture's title, alt texts, tags or prompt hold.
    :param rows: narrows them further, for a site that has rules of its own.
    """
    found: QuerySet[Asset] = (Asset.objects.all() if rows is None else rows).live()
    if brand:
        found = found.filter(brand__slug=brand)
    if channel:
        found = found.filter(channel__slug=channel)
    found = search(found, text) if text else found
    return (policy.visible(found) if policy else found).select_related("brand", "channel").order_by("-pk")


def judge_choice(
    asset: Asset | None, *, policy: Policy | None = None, brand: str = "", channel: str = "", offered: bool = True
) -> Asset:
    """The picture, if a page may take it now.

    :param offered: False where the site's own rules leave it out.
    :raises InvalidRequest: ``usage.unknown``, also for what the person may not know of; ``usage.withdrawn``,
        ``usage.expired``, ``usage.not_published``, ``usage.other_brand``, ``usage.other_channel``,
        ``usage.not_offered``.
    """
    if asset is None or (policy is not None and not policy.can("view", asset)):
        raise InvalidRequest("usage.unknown")
    if asset.state == "withdrawn":
        raise InvalidRequest("usage.withdrawn")
    if asset.state != "published":
        raise InvalidRequest("usage.not_published")
    if asset.expired:
        raise InvalidRequest("usage.expired")
    _judge_fit(asset, brand, channel)
    if not offered:
        raise InvalidRequest("usage.not_offered")
    return asset


def fits(asset: Asset, *, brand: str = "", channel: str = "") -> bool:
    """Whether a picture is of this brand and channel, in whatever state it is."""
    try:
        _judge_fit(asset, brand, channel)
    except InvalidRequest:
        return False
    return True


def _judge_fit(asset: Asset, brand: str, channel: str) -> None:
    if brand and asset.brand.slug != brand:
        raise InvalidRequest("usage.other_brand", brand=brand)
    if channel and (asset.channel is None or asset.channel.slug != channel):
        raise InvalidRequest("usage.other_channel", channel=channel)


def facts_of(asset: Asset) -> str:
    """What tells a picture from its sisters of the same title: brand, channel, locale, pixels."""
    place = asset.channel.name if asset.channel else ""
    size = f"{asset.width}\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}{asset.height}"
    return ", ".join(part for part in (asset.brand.name, place, asset.locale, size) if part)
