"""The same verb for every ticked cell of a contact sheet, said once; each refusal is told with its cell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from image_studio.admin.reviewing import say, stay_with
from image_studio.exceptions import Conflict, StudioError
from image_studio.models import Variant, VariantSet
from image_studio.policy import Policy
from image_studio.wording import explain_error

#: Cells named in one refusal; the rest are counted.
MOST_NAMES = 5


@dataclass(frozen=True, kw_only=True)
class Ticked:
    """A tick box as it was sent: the cell, and the picture that the person saw in it."""

    cell: UUID
    asset: str = ""
    seen: str = ""

    @property
    def bond(self) -> dict[str, str]:
        return {"asset": self.asset, "seen": self.seen}


@dataclass(frozen=True, kw_only=True)
class Refused:
    cell: UUID
    name: str
    error: StudioError


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of it: how many were done, and who was refused why."""

    done: int
    refused: tuple[Refused, ...]

    @property
    def nothing(self) -> bool:
        return not self.done and not self.refused

    @property
    def success(self) -> str:
        return ngettext("Done for {n} cell.", "Done for {n} cells.", self.done).format(n=self.done)

    def told(self) -> Iterator[str]:
        """One sentence per reason, with its cells: a missing signature is said once and not two hundred times."""
        reasons: dict[str, list[str]] = {}
        for one in self.refused:
            reasons.setdefault(explain_error(one.error), []).append(one.name)
        for words, names in reasons.items():
            yield f"{_listed(names)}: {words}"


def _listed(names: list[str]) -> str:
    more = len(names) - MOST_NAMES
    shown = "; ".join(names[:MOST_NAMES])
    return _("{names} and {n} more").format(names=shown, n=more) if more > 0 else shown


def ticked(values: Iterable[str]) -> dict[UUID, Ticked]:
    """The tick boxes of a form, by cell; what is none is left out."""
    found = {}
    for value in values:
        cell, _dot, rest = value.partition(".")
        asset, _dot, seen = rest.partition(".")
        try:
            found[UUID(cell)] = Ticked(cell=UUID(cell), asset=asset, seen=seen)
        except ValueError:
            continue
    return found


def say_many(policy: Policy, variant_set: VariantSet, verb: str, data: Any) -> Outcome:
    """Say it to each; ``data`` is the form, whose reason, note and declaration count for all of them."""
    chosen = ticked(data.getlist("cell"))
    rows = variant_set.variants.filter(pk__in=list(chosen)).order_by("position")
    common = {name: data.getlist(name) if name == "declaration" else data[name] for name in data}
    done, refused = 0, []
    for cell in rows.select_related("asset__publish_job", "channel"):
        cell.variant_set = variant_set
        try:
            say_to(policy, cell, verb, {**common, **chosen[cell.pk].bond})
            done += 1
        except StudioError as error:
            refused.append(Refused(cell=cell.pk, name=name_of(cell), error=error))
    return Outcome(done=done, refused=tuple(refused))


def say_to(policy: Policy, cell: Variant, verb: str, data: Mapping[str, Any]) -> str:
    """Say it to the picture that the cell shows.

    :raises Conflict: ``object.changed`` where it shows another one than the form did, or is being composed anew.
    """
    if cell.asset is None or cell.state != "ready":
        raise Conflict("object.changed")
    cell.asset.brand = cell.variant_set.brand
    stay_with(cell.asset, data)
    return say(policy, cell.asset, verb, data)


def name_of(cell: Variant) -> str:
    return f"{cell.channel_spec['name']}, {cell.locale}"
