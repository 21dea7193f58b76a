"""*Finish on a better route*: offered in the inspector with its price, and ordered from there."""

from __future__ import annotations

import uuid
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from image_studio.admin.base import StudioAdmin, policy_of
from image_studio.admin.money import left_words
from image_studio.admin.reviewing import stay_with
from image_studio.exceptions import NotAllowed, StudioError
from image_studio.models import Variant, VariantSet
from image_studio.policy import Policy
from image_studio.wording import explain, explain_error
from image_studio.workflow.finish import draft_cells, draft_of, finish, finishes
from image_studio.workflow.sheet import Cell


def offered(policy: Policy, cell: Cell) -> dict[str, Any]:
    """What the inspector shows of it: nothing where no better route is configured, or the cell is no draft."""
    variant = cell.variant
    if cell.asset is None or cell.status != "ready" or not policy.can("generate", variant.variant_set):
        return {"finishes": []}
    try:
        found = finishes(policy, [variant.pk])
    except StudioError:
        # It has no prompt, is a stand-in, or what it was made of is gone: then there is nothing to finish.
        return {"finishes": []}
    said = [
        (
            one,
            [explain(finding.code, finding.params) for finding in one.order.findings if finding.blocks],
            left_words(policy, variant.variant_set.brand, one.order.price.most),
        )
        for one in found
    ]
    return {"finishes": said, "finish_key": uuid.uuid4().hex}


def beside(policy: Policy, cell: Cell) -> dict[str, Any]:
    """The draft that a cell of a finishing set is to be compared with; None for every other cell."""
    variant_set = cell.variant.variant_set
    draft = draft_of(variant_set)
    if draft is None:
        return {"draft": None}
    found = draft_cells(variant_set).get((cell.variant.channel_id, cell.variant.locale), draft)
    return {"draft": found if policy.can("view", found) else None}


def of_rows(policy: Policy, variant_set: VariantSet) -> dict[str, Any]:
    """The draft of each row of a finishing set's sheet, by the channel's slug; empty for every other set."""
    draft = draft_of(variant_set)
    if draft is None or not policy.can("view", draft):
        return {}
    cells = variant_set.variants.select_related("channel").order_by("-position")
    composed = draft_cells(variant_set)
    return {cell.channel.slug: composed.get((cell.channel_id, cell.locale), draft) for cell in cells}


def ordered(page: StudioAdmin, request: HttpRequest, set_id: UUID, cell_id: UUID) -> HttpResponse:
    """On to the sheet of the new set, or back to the inspector with the reason."""
    variant_set = page.found(request, str(set_id))
    cell = Variant.objects.select_related("asset").filter(variant_set=variant_set, pk=cell_id).first()
    if cell is None:
        raise Http404
    said = request.POST
    try:
        if cell.asset is not None:
            stay_with(cell.asset, said)
        made = finish(
            policy_of(request),
            [cell.pk],
            str(said.get("route", "")),
            key=str(said.get("key", "")),
            # What was not seen is not bought.
            digest=str(said.get("digest", "")) or "none",
        )
    except NotAllowed as error:
        raise PermissionDenied(explain_error(error)) from error
    except StudioError as error:
        messages.error(request, explain_error(error))
        return HttpResponseRedirect(page.url("inspect", variant_set.pk, cell_id))
    messages.success(request, _("The draft is being finished. It stands beside the finished picture."))
    return HttpResponseRedirect(page.url("change", made[0].pk))
