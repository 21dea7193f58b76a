"""What waits for a reviewer, and what one picture is judged beside."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from image_studio.models import Asset, Brand, CheckResult, Review, Variant
from image_studio.policy import Policy
from image_studio.workflow.review import same_person

#: Pictures of one page of the queue.
LIMIT = 24
#: Of these, how many may stand before the picture that is looked at.
BEFORE = 6
UNDECIDED = ("candidate", "shortlisted")
RELEASED = ("approved", "published")
#: States from which a picture could still be approved.
OPEN = (*UNDECIDED, "rejected", "withdrawn")
#: Age as an expression, which no index is ordered by: a database that may walk along the ids reads a whole library to
#: find the few rows that wait. So it finds those by the index of their state, and sorts them.
AGE = Coalesce("pk", "pk")
#: What a page of the queue never shows, and what is heavy.
HEAVY = ("recipe", "words")


@dataclass(frozen=True, kw_only=True)
class Queue:
    """Pictures that wait, oldest first; ``more`` says that others wait behind them, which nobody counts."""

    assets: tuple[Asset, ...]
    more: bool

    @property
    def said(self) -> str:
        """How many, as far as it is known: ``7`` or ``24+``."""
        return f"{len(self.assets)}{'+' if self.more else ''}"


@dataclass(frozen=True, kw_only=True)
class Board:
    """One picture and everything it is judged by.

    :param source: what it was made from, as far as this person may see it.
    :param previous: what was last released for the same channel and language of the brand.
    :param cell: where it stands on a contact sheet.
    :param said: what was last decided of it.
    :param strip: the queue around it, itself included, oldest first.
    """

    asset: Asset
    verdicts: tuple[CheckResult, ...]
    source: Asset | None
    previous: Asset | None
    cell: Variant | None
    said: Review | None
    strip: Queue

    @property
    def earlier(self) -> Asset | None:
        """The picture before it in the queue."""
        return next((asset for asset in reversed(self.strip.assets) if asset.pk < self.asset.pk), None)

    @property
    def later(self) -> Asset | None:
        """The picture after it in the queue."""
        return next((asset for asset in self.strip.assets if asset.pk > self.asset.pk), None)


def waiting(policy: Policy, *, brand: Brand | None = None) -> QuerySet[Asset]:
    """The pictures that a person may release and that nobody has decided on, oldest first.

    Compositions that a contact sheet shows: one that was composed anew has taken its forerunner's place. Originals
    (uploads, bought pictures) are sources; who wants one live approves it on its own page. A picture of which a change
    is asked waits for the change, not for a reviewer.
    """
    shown = Exists(Variant.objects.filter(asset=OuterRef("pk")))
    rows = policy.visible(Asset.objects.unexpired()).filter(
        _reviewed_by(policy, brand),
        shown,
        kind="composed",
        state__in=UNDECIDED,
        publishable=True,
        change_asked=None,
    )
    return rows.order_by(AGE.asc())


def _reviewed_by(policy: Policy, brand: Brand | None) -> Q:
    """The pictures that this person reviews: of whole brands, and their own where they review only those.

    Brands as values: databases find rows by a list in an index, and by a subquery in none.
    """
    if brand is not None:
        brands = [brand.pk] if policy.can("review", brand) else []
    else:
        brands = list(policy.brands("review").order_by().values_list("pk", flat=True))
    whole = [pk for pk in brands if policy.can("review", Asset(brand_id=pk))]
    if len(whole) == len(brands):
        return Q(brand__in=whole)
    own = [pk for pk in brands if pk not in whole]
    return Q(brand__in=whole) | (Q(brand__in=own) & policy.own(Asset))


def review_queue(policy: Policy, *, brand: Brand | None = None, limit: int = LIMIT, after: UUID | None = None) -> Queue:
    """A page of the queue, in two queries at any depth.

    :param after: the id of the picture behind which the page begins.
    """
    rows = waiting(policy, brand=brand)
    if after is not None:
        rows = rows.filter(pk__gt=after)
    found = _listed(rows, limit + 1)
    return Queue(assets=tuple(found[:limit]), more=len(found) > limit)


def _listed(rows: QuerySet[Asset], most: int) -> list[Asset]:
    """As pictures of a strip."""
    return list(rows.select_related("channel").defer(*HEAVY)[:most])


def look(policy: Policy, asset_id: UUID) -> Asset | None:
    """A picture that this person may see, with what a page about it reads."""
    related = ("brand__revision", "channel", "parent", "publish_job", "change_asked", "created_by", "revision")
    return policy.visible(Asset.objects.select_related(*related)).filter(pk=asset_id).first()


def board(policy: Policy, asset: Asset, *, brand: Brand | None = None) -> Board:
    """Everything the review board shows of a picture, in a constant number of queries.

    :param asset: as :func:`look` gives it.
    :param brand: narrows the queue around it.
    :raises NotAllowed: for a picture that the person may not see.
    """
    policy.require("view", asset)
    cell = asset.variants.select_related("variant_set__source", "channel").order_by("-pk").first()
    source = cell.variant_set.source if cell and cell.variant_set.source else asset.parent
    return Board(
        asset=asset,
        verdicts=tuple(asset.verdicts.all()),
        source=source if source and policy.can("view", source) else None,
        previous=_previous(policy, asset),
        cell=cell,
        said=asset.reviews.first(),
        strip=_around(policy, asset, brand),
    )


def _previous(policy: Policy, asset: Asset) -> Asset | None:
    """The newest other picture that was released for the same place: what readers are used to."""
    if asset.channel_id is None:
        return None
    same = Asset.objects.filter(
        brand_id=asset.brand_id, channel_id=asset.channel_id, locale=asset.locale, state__in=RELEASED
    )
    return policy.visible(same.exclude(pk=asset.pk)).defer(*HEAVY).order_by(AGE.desc()).first()


def _around(policy: Policy, asset: Asset, brand: Brand | None) -> Queue:
    rows = waiting(policy, brand=brand)
    before = _listed(rows.filter(pk__lt=asset.pk).order_by(AGE.desc()), BEFORE + 1)
    behind = _listed(rows.filter(pk__gt=asset.pk), LIMIT - BEFORE + 1)
    more = len(before) > BEFORE or len(behind) > LIMIT - BEFORE
    return Queue(assets=(*reversed(before[:BEFORE]), asset, *behind[: LIMIT - BEFORE]), more=more)


def hindrance(policy: Policy, asset: Asset, verdicts: Iterable[CheckResult]) -> tuple[str, dict[str, Any]] | None:
    """Why this person cannot simply approve an undecided picture, as a code with its parameters; None where they can.

    The refusals of :func:`~image_studio.workflow.review.approve`, told before anybody tries.
    """
    if asset.state not in OPEN:
        return None
    if not asset.publishable:
        return "asset.never_published", {}
    if asset.expired:
        return "asset.expired", {}
    if not policy.can("review", asset):
        return "policy.not_allowed", {"verb": "review", "role": "reviewer"}
    if same_person(policy, asset):
        return "review.same_person", {}
    blocking = sorted({v.check_name for v in verdicts if v.verdict == "fail" and v.blocks})
    return ("asset.blocked", {"checks": ", ".join(blocking)}) if blocking else None
