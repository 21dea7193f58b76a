"""Replace a picture in every place that shows it: first the places, then one transaction for all that can take it.

What a place takes is what its field takes from a person: something live, of the field's brand and channel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from dataclasses import replace as changed
from functools import partial
from typing import Any

from django.db import IntegrityError, router, transaction
from django.db.models import QuerySet
from django.utils.text import capfirst

from image_studio import signals
from image_studio.exceptions import Conflict, InvalidRequest, StudioError
from image_studio.models import Asset, Event
from image_studio.policy import Policy
from image_studio.workflow.library import hold
from image_studio.workflow.usage import (
    Use,
    choosable,
    fields_in_use,
    judge_choice,
    rows_of,
    told_stays,
    told_uses,
    took,
    use_of,
)

#: Of each field, the most places that are told by name; all of them are counted, and all of them move.
MOST_TOLD = 100
#: The most likely successors that are offered.
MOST_LIKELY = 8


@dataclass(frozen=True, kw_only=True)
class FieldPlaces:
    """The places of one field of the site.

    :param uses: the first :data:`MOST_TOLD` of them; ``count`` is how many there are.
    :param why: what keeps the successor out of them; None where they take it.
    """

    field: Any
    count: int
    uses: tuple[Use, ...]
    why: StudioError | None = None

    @property
    def name(self) -> str:
        """``testapp.Article.picture``"""
        return f"{self.field.model._meta.label}.{self.field.name}"

    @property
    def title(self) -> str:
        """For people: "Article: picture"."""
        return f"{capfirst(self.field.model._meta.verbose_name)}: {self.field.verbose_name}"

    @property
    def more(self) -> int:
        """How many are not told by name."""
        return self.count - len(self.uses)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A place that is no field, and why its app leaves the picture there: in words."""

    use: Use
    why: str


@dataclass(frozen=True, kw_only=True)
class Replacement:
    """What replacing one picture by another would do, or has done.

    :param elsewhere: places that are no fields: the apps that have them follow by themselves, or do not.
    :param kept: those of which an app said that they stay.
    """

    asset: Asset
    successor: Asset
    places: tuple[FieldPlaces, ...]
    elsewhere: tuple[Use, ...] = ()
    kept: tuple[Kept, ...] = ()

    @property
    def moving(self) -> int:
        return sum(one.count for one in self.places if one.why is None)

    @property
    def staying(self) -> int:
        return sum(one.count for one in self.places if one.why is not None) + len(self.kept)

    @property
    def following(self) -> int:
        """Places that are no fields, and that nobody said would stay."""
        return len(set(self.elsewhere) - {one.use for one in self.kept})

    @property
    def digest(self) -> str:
        """Another one means that something else would happen than what was seen."""
        told = [f"{one.name} {one.count} {one.why.code if one.why else ''}" for one in self.places]
        told += [str(self.asset.pk), self.successor.sha256, *(use.label for use in self.elsewhere)]
        told += [f"{one.use.label} {one.use.url} stays" for one in self.kept]
        return hashlib.sha256("\n".join(told).encode()).hexdigest()[:32]


@dataclass(frozen=True, kw_only=True)
class Moved:
    """Rows of the site that show the successor now.

    :param field: the name of the field of ``model``.
    :param pks: of the rows, in order.
    """

    model: Any
    field: str
    pks: tuple[Any, ...]


def likely_successors(policy: Policy, asset: Asset) -> QuerySet[Asset]:
    """Live pictures that were made for the same place, newest first: brand, channel and language are the same."""
    found = choosable(policy=policy, brand=asset.brand.slug).filter(channel=asset.channel_id, locale=asset.locale)
    return found.exclude(pk=asset.pk)


def places_of(asset: Asset) -> tuple[FieldPlaces, ...]:
    """Every field that shows a picture, with its places: at most two queries a field."""
    return tuple(_places(asset))


def _places(asset: Asset) -> Iterator[FieldPlaces]:
    for field in fields_in_use():
        rows = rows_of(field, [asset.pk])
        first = tuple(use_of(row) for row in rows[: MOST_TOLD + 1])
        if first:
            count = len(first) if len(first) <= MOST_TOLD else rows.count()
            yield FieldPlaces(field=field, count=count, uses=first[:MOST_TOLD])


def preview_replacement(policy: Policy, asset: Asset, successor: Asset | None) -> Replacement:
    """What would move and what would stay, place by place. Writes nothing.

    :raises NotAllowed: for who may not replace in the brand of either.
    :raises InvalidRequest: ``replace.same``, and what keeps the successor out of every place: ``usage.unknown``,
        ``usage.withdrawn``, ``usage.not_published``, ``usage.expired``.
    :raises Conflict: ``replace.nowhere``, where no place shows the picture.
    """
    policy.require("replace", asset)
    found = judge_choice(successor, policy=policy)
    policy.require("replace", found)
    if found.pk == asset.pk:
        raise InvalidRequest("replace.same")
    judged = Replacement(
        asset=asset,
        successor=found,
        places=tuple(changed(one, why=why_not(one.field, found)) for one in places_of(asset)),
        elsewhere=tuple(told_uses([asset.pk]).get(asset.pk, ())),
        kept=tuple(Kept(use=use, why=why) for use, why in told_stays(asset, found).items()),
    )
    if not judged.places and not judged.elsewhere:
        raise Conflict("replace.nowhere")
    return judged


def why_not(field: Any, successor: Asset, *, holder: Any = None) -> StudioError | None:
    """What keeps a picture out of a field: what a form would tell a person who chose it there.

    :param holder: the key of a row that may have it already.
    """
    limits = field.get_limit_choices_to()
    offered = not limits or Asset.objects.complex_filter(limits).filter(pk=successor.pk).exists()
    try:
        judge_choice(
            successor, brand=getattr(field, "brand", ""), channel=getattr(field, "channel", ""), offered=offered
        )
    except StudioError as error:
        return error
    taken = field.unique and rows_of(field, [successor.pk]).exclude(pk=holder).exists()
    return InvalidRequest("usage.taken") if taken else None


def replace_everywhere(
    policy: Policy, asset: Asset, successor: Asset | None, *, whole: bool = False, seen: str = "", note: str = ""
) -> Replacement:
    """Give a picture's places to its successor, in one transaction. Returns what moved and what stayed, and why.

    The picture itself stays as it is: who wants it off the public side withdraws it.

    :param whole: all places or none.
    :param seen: the digest of the preview that the person looked at; empty takes whatever the places are now.
    :raises InvalidRequest: as :func:`preview_replacement`; ``NotAllowed`` too.
    :raises Conflict: ``replace.nowhere``, ``replace.none_takes``, ``replace.changed``; with ``whole``
        ``replace.not_all``. Then nothing moved.
    """
    policy.require("replace", asset)
    with ExitStack() as stack:
        stack.enter_context(transaction.atomic())
        for alias in sorted({router.db_for_write(field.model) for field in fields_in_use()}):
            stack.enter_context(transaction.atomic(using=alias))
        # Held first, then read: who withdraws the successor now waits, or was faster and is seen.
        hold(asset, *([successor] if successor is not None else []))
        fresh = Asset.objects.select_related("brand", "channel").filter(pk=successor.pk).first() if successor else None
        found = preview_replacement(policy, asset, fresh)
        if seen and seen != found.digest:
            raise Conflict("replace.changed")
        _judge_whole(found, whole)
        done, moved = _move(found)
        _judge_whole(done, whole)
        _record(policy, done, note)
        took([done.successor])
        transaction.on_commit(
            partial(
                signals.asset_replaced.send_robust, Asset, asset=asset, successor=done.successor, moved=tuple(moved)
            )
        )
    return done


def _judge_whole(found: Replacement, whole: bool) -> None:
    if whole and found.staying:
        raise Conflict("replace.not_all", left=found.staying)
    if not found.moving and not found.elsewhere:
        raise Conflict("replace.none_takes")


def _move(found: Replacement) -> tuple[Replacement, list[Moved]]:
    """One UPDATE a field. What its constraints do not take stays, with the field's other places."""
    told: list[FieldPlaces] = []
    moved: list[Moved] = []
    for one in found.places:
        if one.why is not None:
            told.append(one)
            continue
        pks = _moved(one.field, found.asset, found.successor)
        if pks is None:
            told.append(changed(one, why=InvalidRequest("usage.not_taken")))
        else:
            told.append(changed(one, count=len(pks)))
            moved.append(Moved(model=one.field.model, field=one.field.name, pks=pks))
    return changed(found, places=tuple(told)), moved


def _moved(field: Any, asset: Asset, successor: Asset) -> tuple[Any, ...] | None:
    """The rows that moved; None where the database refused them."""
    using = router.db_for_write(field.model)
    rows = rows_of(field, [asset.pk]).using(using)
    pks = tuple(rows.values_list("pk", flat=True))
    try:
        with transaction.atomic(using=using):
            rows.order_by().update(**{field.attname: successor.pk})
    except IntegrityError:
        return None
    return pks


def _record(policy: Policy, done: Replacement, note: str) -> None:
    data: dict[str, Any] = {"moved": done.moving, "left": done.staying, "fields": _names(done.places), "note": note}
    Event.objects.record(policy.actor, "asset.replaced", done.asset, successor=str(done.successor.pk), **data)
    Event.objects.record(policy.actor, "asset.took_over", done.successor, of=str(done.asset.pk), **data)


def _names(places: Sequence[FieldPlaces]) -> list[str]:
    return [one.name for one in places if one.why is None]
