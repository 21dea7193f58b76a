"""The inspector of one cell, as a page and as the side panel of the contact sheet, and the view side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import Http404, QueryDict
from django.utils.translation import gettext as _

from image_studio.admin import finishing
from image_studio.admin.base import policy_of
from image_studio.admin.bulk import ticked
from image_studio.admin.changing import change_url
from image_studio.admin.contact_sheet import FILTERS, said, shown, wanted
from image_studio.admin.lines import TextsForm
from image_studio.admin.overlays import overlays
from image_studio.admin.reviewing import EDGES, SayForm
from image_studio.conf import routes
from image_studio.models import Asset, VariantSet
from image_studio.policy import Policy
from image_studio.wording import explain
from image_studio.workflow.finish import draft_of
from image_studio.workflow.sheet import Cell, sheet, some_cells

#: Pictures that can be looked at side by side.
FEWEST, MOST = 2, 4
MOST_KIN = 8
#: Verb -> the form of the inspector that says it; what was typed there is given back when it is refused.
FORM_OF = {
    "approve": "release",
    "approve_publish": "release",
    "override": "release",
    "reject": "reject",
    "change": "change",
    "recompose": "lines",
}


@dataclass(frozen=True, kw_only=True)
class Typed:
    """What a person had typed into a form that was refused, and why it was."""

    verb: str = ""
    data: QueryDict | None = None
    problem: str = ""

    def of(self, form: str) -> QueryDict | None:
        return self.data if FORM_OF.get(self.verb) == form else None

    def value(self, form: str, name: str) -> str:
        data = self.of(form)
        return str(data.get(name, "")) if data else ""


def context_of(
    request: Any, variant_set: VariantSet, cell_id: UUID, *, show: str = "", typed: Typed | None = None
) -> dict[str, Any]:
    """Everything about one cell.

    :raises Http404: for a cell of another set.
    """
    policy, typed = policy_of(request), typed or Typed()
    found = next(iter(some_cells(policy, variant_set, [cell_id])), None)
    if found is None:
        raise Http404
    before, after = _neighbours(policy, variant_set, found, show)
    return {
        "variant_set": variant_set,
        "shown": shown(found),
        "cell": found,
        "before": before,
        "after": after,
        "show": show if show in FILTERS else "",
        "typed": typed,
        "lines_form": _lines(policy, variant_set, found, typed),
        "opened": FORM_OF.get(typed.verb, ""),
        **finishing.offered(policy, found),
        **finishing.beside(policy, found),
        **(_about(policy, found.asset, found, typed) if found.asset else {"actions": found.actions}),
    }


def _about(policy: Policy, asset: Asset, cell: Cell, typed: Typed) -> dict[str, Any]:
    verdicts = said(cell.verdicts)
    actions = cell.actions if cell.status == "ready" else frozenset()
    return {
        "asset": asset,
        "change_url": change_url(policy, asset, cell.variant) if cell.status == "ready" else "",
        "actions": actions,
        "releases": bool(actions & {"approve", "approve_publish", "override"}),
        "verdicts": verdicts,
        "overlays": overlays(asset, cell.variant.channel_spec, verdicts),
        "blocking": [explain(verdict.code, verdict.params) for verdict in cell.blocking],
        "release_form": SayForm(typed.of("release"), auto_id="release_%s"),
        "reject_form": SayForm(typed.of("reject"), auto_id="reject_%s"),
        "change_note": typed.value("change", "note"),
        "edges": _edges(typed),
        "alts": [(locale, typed.value("release", f"alt_{locale}")) for locale in asset.alt_missing],
        "lineage": _lineage(policy, cell),
        "recipe": _recipe(cell),
        "reviews": list(asset.reviews.all()[:20]),
    }


def _edges(typed: Typed) -> list[tuple[str, Any, str]]:
    """The four fields of a region, in per cent."""
    labels = (_("From the left"), _("From the top"), _("Width"), _("Height"))
    return [(edge, label, typed.value("change", edge)) for edge, label in zip(EDGES, labels, strict=True)]


def _neighbours(policy: Policy, variant_set: VariantSet, cell: Cell, show: str) -> tuple[UUID | None, UUID | None]:
    """The cells before and after; with a filter, of those that it keeps."""
    if show:
        kept = [one.variant for one in sheet(policy, variant_set, evidence=False).cells if wanted(one, show)]
        places = [(variant.position, variant.pk) for variant in kept]
    else:
        places = list(variant_set.variants.order_by("position").values_list("position", "pk"))
    here = cell.variant.position
    before = [pk for position, pk in places if position < here]
    after = [pk for position, pk in places if position > here]
    return (before[-1] if before else None), (after[0] if after else None)


def _lineage(policy: Policy, cell: Cell) -> list[tuple[str, Asset]]:
    """Source, bought picture and composed one, as far as this person may see them, each with what it is."""
    found: list[Asset] = []
    member = cell.asset
    while member is not None and len(found) < MOST_KIN:
        found.append(member)
        member = member.parent
    source = cell.variant.variant_set.source
    if source is not None and source not in found:
        found.append(source)
    return [(_stage(member, cell), member) for member in reversed(found) if policy.can("view", member)]


def _stage(member: Asset, cell: Cell) -> str:
    if member == draft_of(cell.variant.variant_set):
        return _("Draft")
    if member == cell.variant.variant_set.source:
        return _("Source")
    return str(member.get_kind_display() if member.kind == "composed" else member.get_origin_display())


def _recipe(cell: Cell) -> list[tuple[str, Any]]:
    """How it was made, as words; the bought picture knows more of it than the composed one."""
    job, asset = cell.variant.job, cell.asset
    raw = asset.parent if asset and asset.parent else asset
    effective = (raw.recipe.get("effective") or {}) if raw else {}
    asked, known = job.request or {}, routes().get(job.route)
    rows = [
        (_("Prompt"), asked.get("prompt")),
        (_("Route"), known.title if known else job.route),
        (_("Model"), job.model),
        (_("Quality"), effective.get("quality") or asked.get("quality")),
        (_("Method"), effective.get("method")),
        (_("Bought size"), " × ".join(str(edge) for edge in effective.get("size") or asked.get("size") or ())),
        (_("Request"), raw.recipe.get("request_id") if raw else ""),
    ]
    return [(label, value) for label, value in rows if value]


def _lines(policy: Policy, variant_set: VariantSet, cell: Cell, typed: Typed) -> TextsForm | None:
    """The lines of this cell's language, where this person may set them anew."""
    if not policy.can("recompose", variant_set):
        return None
    variant = cell.variant
    form = TextsForm(
        typed.of("lines"), variant_set=variant_set, locales=[variant.locale], channels=[variant.channel.slug]
    )
    return form if form.keys else None


def compared(request: Any, variant_set: VariantSet) -> dict[str, Any]:
    """Two to four pictures beside each other; more or fewer is said, not guessed."""
    ids = list(ticked(request.GET.getlist("cell")))
    cells = some_cells(policy_of(request), variant_set, ids[: MOST + 1])
    candidates = [shown(cell) for cell in cells if cell.asset]
    enough = FEWEST <= len(candidates) <= MOST
    return {
        "variant_set": variant_set,
        "candidates": candidates if enough else [],
        "change_urls": {
            one.cell.variant.pk: change_url(policy_of(request), one.cell.asset, one.cell.variant) for one in candidates
        },
        "problem": "" if enough else _("Tick two to four cells that have a picture, then compare."),
    }
