"""The switch that stops all spending of the site or of a brand."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from image_studio import conf as site
from image_studio.conf import ConfigurationError
from image_studio.exceptions import Conflict
from image_studio.ledger.bills import SITE
from image_studio.models import Switch


def judge_running(brands: Iterable[UUID]) -> None:
    """:raises Conflict: ``spending.stopped`` where the site's or a brand's spending is stopped."""
    found = stopped(brands)
    if found:
        raise Conflict("spending.stopped", reason=found.reason, who=found.actor_label)


def stopped(brands: Iterable[UUID]) -> Switch | None:
    """The switch that stops the site or one of the brands; None where money may be spent."""
    scopes = [SITE, *(f"brand:{brand}" for brand in brands)]
    return Switch.objects.filter(scope__in=scopes, stopped=True).order_by("-scope").first()


def halted() -> Q:
    """A condition on jobs: they would spend, and spending is stopped."""
    paid = charging()
    if not paid:
        return Q(pk__in=())
    on = Switch.objects.filter(Q(brand=None) | Q(brand=OuterRef("brand")), stopped=True)
    return Q(Exists(on), provider__in=paid)


def charging() -> frozenset[str]:
    """Providers that may charge: all but those that declare themselves free and repeatable."""
    return frozenset(alias for alias in site.conf().providers if not free(alias))


def free(alias: str) -> bool:
    """Whether a provider's calls cost nothing and may simply be made again; never where that cannot be known."""
    try:
        return bool(site.provider(alias).repeatable)
    except ConfigurationError:
        return False
