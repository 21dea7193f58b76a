"""What the contact sheet's templates are given, and a cell as HTML."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.template import Context
from django.template.loader import get_template
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from image_studio.admin import again, finishing
from image_studio.admin.base import picture_url
from image_studio.admin.generating import generate_url
from image_studio.admin.lines import TextsForm, texts_form
from image_studio.admin.reviewing import SUM, SayForm
from image_studio.conf import routes
from image_studio.models import CheckResult, VariantSet
from image_studio.policy import Policy
from image_studio.states import ASSET
from image_studio.wording import explain
from image_studio.workflow.sheet import Cell, Sheet

STATUS = {
    "waiting": gettext_lazy("Waiting"),
    "working": gettext_lazy("Working"),
    "ready": gettext_lazy("Ready"),
    "failed": gettext_lazy("Failed"),
    "blocked": gettext_lazy("Blocked"),
    "unknown": gettext_lazy("Outcome unknown, may have been charged"),
    "compose_failed": gettext_lazy("Could not be composed"),
    "cancelled": gettext_lazy("Cancelled"),
}
FILTERS = {
    "": gettext_lazy("All"),
    "mine": gettext_lazy("Needs me"),
    "failed": gettext_lazy("Failed"),
    "shortlisted": gettext_lazy("Shortlisted"),
    "approved": gettext_lazy("Approved"),
}
BROKEN = ("failed", "blocked", "unknown", "compose_failed")
#: An unknown outcome may have been charged: nothing here sends it again.
RETRYABLE = ("failed", "blocked", "compose_failed", "cancelled")
#: Verdicts in the order in which a reviewer wants them.
ORDER = ("fail", "warn", "not_run", "pass")


#: What ticked cells may be told at once -> the right it takes.
BULK = {
    "shortlist": "shortlist",
    "approve": "review",
    "reject": "review",
    "publish": "publish",
    "approve_publish": "publish",
}
#: A cell that the filter leaves out.
ABSENT = "----"
#: A cell's picture is fitted into this box, in CSS pixels.
BOX = (260, 300)
#: A reason is told in full by the inspector; two hundred cells on one page give its beginning.
MOST_WORDS = 150


#: What the page's script says; it has no words of its own.
SCRIPT_WORDS = {
    "ended": gettext_lazy("Your session has ended. Sign in again, then come back here."),
    "sign_in": gettext_lazy("Sign in"),
    "gone": gettext_lazy("This set is no longer yours to see."),
    "lost": gettext_lazy("No connection. Trying again in {n} s."),
    "trouble": gettext_lazy("The server could not answer. Trying again in {n} s."),
    "now": gettext_lazy("Try now"),
    "back": gettext_lazy("Connected again."),
    "not_sent": gettext_lazy("That was not sent: there is no connection. Nothing was changed; try again."),
    "unclear": gettext_lazy("The server could not answer. Look whether it was done before you try again."),
    "ticked": gettext_lazy("{n} ticked"),
    "changed": gettext_lazy("This cell has changed since you opened it."),
    "show": gettext_lazy("Show it as it is now"),
    "close": gettext_lazy("Close"),
    "compare": gettext_lazy("Tick two to four cells that have a picture, then compare."),
}


@dataclass(frozen=True, kw_only=True)
class Said:
    """One verdict in words; ``number`` ties it to its box on the picture (0 has none)."""

    result: CheckResult
    words: str
    number: int
    box: tuple[str, ...] | None


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A cell as a page draws it."""

    cell: Cell
    actions: frozenset[str]
    state: str
    label: Any
    name: str

    @property
    def ticked_as(self) -> str:
        """What its tick box sends: the cell and the picture that the person sees in it, with the start of its sum."""
        asset = self.cell.asset
        return f"{self.cell.variant.pk}.{asset.pk}.{asset.sha256[:SUM]}" if asset else ""

    @property
    def tickable(self) -> bool:
        """A finished picture can be compared by everybody, and judged by who may."""
        return self.cell.asset is not None and self.cell.status == "ready"

    @cached_property
    def retry(self) -> again.Button:
        """Its button that tries again."""
        return again.of_cells(_("Retry"), [(self.cell.variant, self.cell.again)])

    @property
    def full_url(self) -> str:
        return picture_url(self.cell.asset.pk, "full") if self.cell.asset else ""

    @property
    def size(self) -> tuple[int, int]:
        """In pixels, of the picture or of the one to come."""
        spec = self.cell.variant.channel_spec
        return self.cell.asset.size if self.cell.asset else (spec["width"], spec["height"])

    @property
    def box(self) -> tuple[int, int]:
        return BOX

    @property
    def message(self) -> str:
        """Why there is no picture, or why it cannot be approved."""
        blocking = self.cell.blocking
        words = self.cell.message or (explain(blocking[0].code, blocking[0].params) if blocking else "")
        return str(Truncator(words).chars(MOST_WORDS))

    @property
    def wish(self) -> str:
        """What somebody wants changed."""
        asked = self.cell.asset.change_asked if self.cell.asset else None
        return str(Truncator(asked.note).chars(MOST_WORDS)) if asked else ""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a cell stands, with its HTML: empty where the filter leaves it out.

    :param etag: four characters of base64url that differ when the HTML does.
    """

    position: int
    shown: Shown
    html: SafeString
    etag: str


def places(found: Sheet, *, show: str = "", ticked: Collection[str] = ()) -> list[Place]:
    """Every cell of a set, in the order of the matrix.

    :param show: a key of :data:`FILTERS`.
    :param ticked: cells that stay ticked on a page that is shown again.
    """
    template = get_template("admin/image_studio/includes/cell.html").template  # type: ignore[attr-defined]
    return [_place(template, number, cell, show, ticked) for number, cell in enumerate(found.cells)]


def _place(template: Any, number: int, cell: Cell, show: str, ticked: Collection[str]) -> Place:
    one = shown(cell)
    if not wanted(cell, show):
        return Place(position=number, shown=one, html=SafeString(""), etag=ABSENT)
    values = {"shown": one, "cell": cell, "ticked": str(cell.variant.pk) in ticked}
    html = template.render(Context(values)).strip()
    etag = base64.urlsafe_b64encode(hashlib.sha256(html.encode()).digest()[:3]).decode()
    return Place(position=number, shown=one, html=SafeString(html), etag=etag)


def context_of(
    policy: Policy,
    found: Sheet,
    *,
    show: str = "",
    ticked: Collection[str] = (),
    say_form: SayForm | None = None,
    words: TextsForm | None = None,
) -> dict[str, Any]:
    """Everything on the page; what a person had typed and ticked is given back to them."""
    variant_set = found.variant_set
    placed = places(found, show=show, ticked=ticked)
    at = {place.shown.cell.variant.pk: place for place in placed}
    rows = [(row, [at[cell.variant.pk] if cell else None for cell in row.cells]) for row in found.rows]
    recompose = "recompose" in found.can
    return {
        **bar_of(found),
        "rows": [(row, cells, not any(place and place.html for place in cells)) for row, cells in rows],
        "drafts": finishing.of_rows(policy, variant_set),
        "nothing": not any(place.html for place in placed),
        "etags": "".join(place.etag for place in placed),
        "takes": max((row.take for row in found.rows), default=0) > 0,
        "filters": list(FILTERS.items()),
        "show": show,
        "tickable": any(place.shown.tickable for place in placed),
        "bulk": frozenset(verb for verb, right in BULK.items() if right in found.can),
        "say_form": say_form or SayForm(auto_id=False),
        "texts_form": words or (texts_form(variant_set) if recompose else None),
        "again_url": _again(policy, variant_set),
    }


def bar_of(found: Sheet) -> dict[str, Any]:
    """What the bar on top says, for the page and for its updates."""
    variant_set = found.variant_set
    spec = routes().get(variant_set.route)
    broken = [cell for cell in found.cells if cell.status in RETRYABLE]
    return {
        "sheet": found,
        "variant_set": variant_set,
        "route_title": spec.title if spec else variant_set.route,
        "ready": found.counts["ready"],
        "total": sum(found.counts.values()),
        "waits": found.counts["waiting"] + found.counts["working"],
        "broken": len(broken),
        "retry": again.of_cells(
            ngettext("Retry {n} cell", "Retry {n} cells", len(broken)).format(n=len(broken)),
            [(cell.variant, cell.again) for cell in found.cells if cell.again or cell.status in RETRYABLE],
        ),
    }


def wanted(cell: Cell, show: str) -> bool:
    """Whether a filter keeps a cell."""
    state = cell.asset.state if cell.asset else ""
    if show == "mine":
        return bool(cell.actions & {"approve", "override", "publish"}) or cell.status in BROKEN
    if show == "failed":
        return cell.status in BROKEN or cell.blocked
    if show == "shortlisted":
        return state == "shortlisted"
    if show == "approved":
        return state in ("approved", "published")
    return True


def shown(cell: Cell) -> Shown:
    """A cell with its state in one word."""
    state, label = _state(cell)
    name = f"{cell.variant.channel_spec['name']}, {cell.variant.locale}"
    if cell.variant.take:
        name = _("{name}, take {n}").format(name=name, n=cell.variant.take + 1)
    return Shown(cell=cell, actions=cell.actions, state=state, label=label, name=name)


def _state(cell: Cell) -> tuple[str, Any]:
    """A finished cell shows what people decided; every other shows how far it is."""
    if cell.status != "ready" or cell.asset is None:
        return cell.status, STATUS[cell.status]
    if cell.publishing:
        return "working", _("Going live")
    if cell.blocked and cell.asset.state == "candidate":
        return "blocked", _("Blocked by a check")
    return cell.asset.state, ASSET.labels[cell.asset.state]


def said(verdicts: Sequence[CheckResult]) -> tuple[Said, ...]:
    """Verdicts in words, the worst first; those with a region are numbered."""
    found, number = [], 0
    for result in sorted(verdicts, key=lambda verdict: ORDER.index(verdict.verdict)):
        box = _box(result)
        number += box is not None
        found.append(
            Said(result=result, words=explain(result.code, result.params), number=number if box else 0, box=box)
        )
    return tuple(found)


def _box(result: CheckResult) -> tuple[str, ...] | None:
    """A region in per cent, for what went wrong only: a passed logo needs no frame.

    As text, because a template would write the numbers as the reader's language does, and SVG reads points only.
    """
    if not result.region or result.verdict not in ("fail", "warn"):
        return None
    return tuple(f"{float(part) * 100:.2f}" for part in result.region)


def _again(policy: Policy, variant_set: VariantSet) -> str:
    """The form for another set from the same start."""
    if not policy.can("generate", variant_set):
        return ""
    query: dict[str, Any] = {}
    if variant_set.source_id:
        query["source"] = variant_set.source_id
    if variant_set.prompt_version is not None:
        query["prompt"] = variant_set.prompt_version.prompt_id
    if query and variant_set.matrix.get("options"):
        query["like"] = variant_set.pk
    return generate_url(**query) if query else ""
