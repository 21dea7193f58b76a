"""Pictures that stand in for others: where one of them comes or goes, what shows it must be made anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from image_studio.conf import conf
from image_studio.models import Asset
from image_studio.signals import asset_published, asset_withdrawn
from image_studio.workflow.showing import asset_of, is_id


def fallback_of(use: str) -> list[Asset]:
    """The picture that stands in, live or not; empty where it is a static file, or nothing.

    Who copies its bytes holds it meanwhile: else it could be withdrawn in between, and nobody would know of the copy.
    """
    fallback = conf().picture(use).fallback
    found = asset_of(fallback) if is_id(fallback) else None
    return [found] if found is not None else []


def stands_in(asset: Asset, uses: Iterable[str]) -> bool:
    """Whether the site chose this picture as a fallback, for any of these keys of ``PICTURES``."""
    fallbacks = (conf().picture(use).fallback for use in uses)
    return any(is_id(one) and UUID(str(one)) == asset.pk for one in fallbacks)


def follow(renew: Callable[[], Any], *, uses: Callable[[], Iterable[str]], uid: str) -> None:
    """Have ``renew()`` called whenever a picture that stands in goes live, or stops to be.

    Replacing it changes nothing here: the setting names it as before, and it is as live as before.

    :param uses: the keys of ``PICTURES`` that matter, asked each time.
    :param uid: tells the followers apart; connected twice, one is called once.
    """

    def changed(sender: type[Any], asset: Asset, **_more: Any) -> None:
        if stands_in(asset, uses()):
            renew()

    for signal in (asset_published, asset_withdrawn):
        signal.connect(changed, weak=False, dispatch_uid=f"{uid}.fallback")
