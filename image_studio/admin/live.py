"""The polls of an open contact sheet: what changed since the last one, and no more than a poll may weigh."""

from __future__ import annotations

import json
import re
from typing import Any

from django.http import JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from image_studio.admin.contact_sheet import ABSENT, Place, bar_of, places
from image_studio.models import VariantSet
from image_studio.policy import Policy
from image_studio.workflow.sheet import Sheet, sheet

#: Bytes of one answer; the rest follows with the next poll, which is asked for at once.
MOST = 20_000
#: Seconds until the next poll at the earliest; a page in which nothing changes waits longer by itself.
AGAIN = 2
ETAG = 4
KNOWN = re.compile(r"[A-Za-z0-9_-]*")


def answer(policy: Policy, variant_set: VariantSet, *, have: str, show: str) -> JsonResponse:
    """The cells whose mark differs from the one that the page has.

    :param have: the page's marks, four characters a cell, in the order of the matrix; what is none counts as nothing.
    """
    found = sheet(policy, variant_set, evidence=False)
    placed = places(found, show=show)
    told: dict[str, Any] = {
        "active": found.active,
        "more": False,
        "bar": bar_html(found),
        "cells": [],
        "etags": "",
        "said": said(found),
    }
    _fill(told, placed, _marks(have, len(placed)))
    response = JsonResponse(told, json_dumps_params={"ensure_ascii": False, "separators": (",", ":")})
    response["Cache-Control"] = "private, no-store"
    if found.active:
        response["Retry-After"] = str(AGAIN)
    return response


def _marks(have: str, cells: int) -> list[str]:
    if len(have) != cells * ETAG or not KNOWN.fullmatch(have):
        return [""] * cells
    return [have[at : at + ETAG] for at in range(0, len(have), ETAG)]


def _fill(told: dict[str, Any], placed: list[Place], have: list[str]) -> None:
    """Changed cells in order, while they fit; a page keeps its old mark of a cell that it was not sent."""
    marks = [old or ABSENT for old in have]
    room = MOST - _weight(told) - ETAG * len(placed)
    for place, old in zip(placed, have, strict=True):
        if place.etag == old:
            continue
        cell = {"id": str(place.shown.cell.variant.pk), "at": place.position, "html": place.html}
        room -= _weight(cell) + 1
        # One always travels, or a page would ask for ever.
        if room < 0 and told["cells"]:
            told["more"] = True
            break
        told["cells"].append(cell)
        marks[place.position] = place.etag
    told["etags"] = "".join(marks)


def _weight(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def bar_html(found: Sheet) -> str:
    """The bar on top as HTML."""
    return render_to_string("admin/image_studio/includes/sheet_bar.html", bar_of(found)).strip()


def said(found: Sheet) -> str:
    """How far it is, for who listens."""
    ready, total = found.counts["ready"], len(found.cells)
    if not found.active:
        return _("Finished: {ready} of {total} cells are ready.").format(ready=ready, total=total)
    return _("{ready} of {total} cells are ready.").format(ready=ready, total=total)
