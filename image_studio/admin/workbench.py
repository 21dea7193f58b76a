"""The workbench of one edit history: tree, picture and form on one page, and what keeps it up to date."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from image_studio.admin.base import StudioAdmin, policy_of, worker_missing
from image_studio.admin.money import cost_words, left_words
from image_studio.admin.workbench_form import AskForm, fresh_key
from image_studio.admin.workbench_quote import Quote, quote
from image_studio.admin.workbench_stage import Stage, stage_of
from image_studio.admin.workbench_tree import drawn
from image_studio.models import STEP_REASONS, EditChain, EditRecipe
from image_studio.policy import Policy
from image_studio.workflow.allowance import stops
from image_studio.workflow.chains import draft_of
from image_studio.workflow.costs import cost_of
from image_studio.workflow.offers import usual_seconds
from image_studio.workflow.steps import step_offers
from image_studio.workflow.tree import Tree, tree

STAGE = "admin/image_studio/workbench_stage.html"
#: Seconds after which a page without scripts looks again while something is made.
REFRESH_SECONDS = 5
LAST, RECIPES = 6, 20
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="[^"]*"')
#: Fields of a draft that the form takes back; strokes are the script's own.
KEPT = (
    *("kind", "instruction", "ratio", "anchor", "left", "top", "width", "height", "feather", "paste"),
    *("route", "candidates", "detail", "early"),
)
#: In this order: who listens to the others' events stands before them.
SCRIPTS = ("workbench.js", "workbench_live.js", "workbench_view.js", "workbench_paint.js")
SCRIPT_WORDS: dict[str, Any] = {
    "ended": gettext_lazy("Your session has ended. Sign in again, then come back here."),
    "sign_in": gettext_lazy("Sign in"),
    "unreached": gettext_lazy("The server can't be reached right now. What you typed and painted is kept here."),
    "kept": gettext_lazy("Draft saved"),
    "keeping": gettext_lazy("Saving the draft ..."),
    "not_kept": gettext_lazy("The draft could not be saved yet. It is tried again."),
    "anywhere": gettext_lazy("Anywhere in the picture"),
    "marked": gettext_lazy("{n} % of the picture is marked: only that may change"),
    "drawn": gettext_lazy("A drawing goes along: it shows what to change"),
    "both": gettext_lazy("A marked part and a drawing can't go along together. Clear one of them."),
    "sending": gettext_lazy("Asking ..."),
    "other_price": gettext_lazy("The price is another now: {price}. Press again if that is fine."),
    "counting": gettext_lazy("Something changed: wait for the new price, then press again."),
    "head_moved": gettext_lazy("Somebody moved the head to step {n}. The tree shows it; what you typed is kept."),
    "arrived": gettext_lazy("Step {n}: {state}."),
    "gone": gettext_lazy("This history is no longer yours to see."),
    "full": gettext_lazy("More pictures don't fit."),
}


def show(
    page: StudioAdmin,
    request: HttpRequest,
    chain: EditChain,
    *,
    posted: AskForm | None = None,
    status: int = 200,
    conflict: str = "",
) -> HttpResponse:
    """The page.

    :param posted: a form that comes back to who sent it, with its errors.
    :param conflict: what happened meanwhile, said on top.
    """
    context = context_of(page, request, chain, posted=posted)
    title = chain.title
    response = page.page(request, "workbench.html", title, crumbs=[page.list_crumb()], conflict=conflict, **context)
    response.status_code = status
    return response


def context_of(
    page: StudioAdmin, request: HttpRequest, chain: EditChain, *, posted: AskForm | None = None
) -> dict[str, Any]:
    """Everything on the page. The number of queries hangs on nothing that grows."""
    policy = policy_of(request)
    found, stage = looked_at(page, request, chain)
    may = page.has_change_permission(request, chain)
    draft = draft_of(policy, chain) if may else {}
    active = found.active
    middle = stage_html(request, chain, stage)
    context = {
        "chain": chain,
        "tree": drawn(found, stage.number),
        "stage": stage,
        "middle": middle,
        "stage_mark": stage_mark(middle),
        "draft_json": json.dumps(draft),
        "active": active,
        "refresh": REFRESH_SECONDS if active and request.method == "GET" else 0,
        "worker_missing": active and worker_missing(),
        "total": found.micro_usd,
        "costs": cost_words(cost_of(policy, chain=chain.pk)),
        "stops": stops(policy, [chain.brand_id]),
        "may": may and chain.state == "open",
        "may_verbs": may,
        "may_save": bool(may and stage.parent and stage.asset),
        "is_nav_sidebar_enabled": False,
        **_links(page, policy, chain),
    }
    return {**context, **_asking(policy, chain, found, stage, draft, request, posted)}


def looked_at(page: StudioAdmin, request: HttpRequest, chain: EditChain) -> tuple[Tree, Stage]:
    """The tree, and the step that the address names: the head where it names none."""
    policy = policy_of(request)
    found = tree(policy, chain)
    nodes = {node.step.number: node for node in found.nodes}
    number = _number(request.GET.get("step"))
    number = number if number in nodes else chain.head if chain.head in nodes else min(nodes)
    may = page.has_change_permission(request, chain)
    stage = stage_of(policy, chain, nodes, number, _number(request.GET.get("candidate")), may=may)
    return found, stage


def _number(text: Any) -> int | None:
    return int(text) if text and str(text).isdecimal() and len(str(text)) < 7 else None


def stage_html(request: HttpRequest, chain: EditChain, stage: Stage) -> SafeString:
    """The middle as HTML, for the page's script."""
    context = {"stage": stage, "chain": chain, "reasons": list(STEP_REASONS.items())}
    return render_to_string(STAGE, context, request)


def stage_mark(html: str) -> str:
    """A mark that differs when the middle does; the token in its forms is another each time."""
    return _mark(TOKEN.sub("", html))


def _mark(html: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(html.encode()).digest()[:6]).decode()


def _links(page: StudioAdmin, policy: Policy, chain: EditChain) -> dict[str, Any]:
    rows = policy.visible(EditRecipe.objects.filter(brand=chain.brand_id, made_of__chain=str(chain.pk)))
    cell = chain.cell
    return {
        "live_url": page.url("live", chain.pk),
        "offers_url": page.url("offers", chain.pk),
        "draft_url": page.url("draft", chain.pk),
        "file_url": page.url("files", chain.pk),
        "pick_url": page.url("pick", chain.pk),
        "export_url": _maybe("admin:image_studio_editchain_archive", chain.pk),
        "recipes": [(row, _maybe("admin:image_studio_editrecipe_replay", row.pk)) for row in rows[:RECIPES]],
        "sheet_url": reverse("admin:image_studio_variantset_change", args=[cell.variant_set_id]) if cell else "",
        "scripts": [static(f"image_studio/{name}") for name in SCRIPTS],
        "script_words": list(SCRIPT_WORDS.items()),
    }


def _maybe(name: str, *args: Any) -> str:
    """An address that a site may not have."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


# The right side ----------------------------------------------------------------------------------------------------


def _asking(
    policy: Policy,
    chain: EditChain,
    found: Tree,
    stage: Stage,
    draft: Mapping[str, Any],
    request: HttpRequest,
    posted: AskForm | None,
) -> dict[str, Any]:
    if "ask" not in stage.can and posted is None:
        title, words = _no_form(policy, chain, stage)
        return {"form": None, "ask_title": title, "ask_words": words}
    form = posted or fresh_form(policy, chain, found, stage, draft, like=_number(request.GET.get("like")))
    kit = chain.brand.kit
    return {
        "form": form,
        "quote": quoted(policy, chain, form),
        "from_words": _from(stage),
        "last": _last(found),
        "guidance": kit.guidance,
        "voice": kit.voice,
    }


def _no_form(policy: Policy, chain: EditChain, stage: Stage) -> tuple[str, str]:
    if not policy.can("generate", chain):
        return _("You may look"), _("Asking for a change needs the role Creator in this brand.")
    if chain.state != "open":
        return _("This history is closed"), _("Open it again under “This history” to ask for more.")
    if stage.busy:
        return _("Its picture is on the way"), _(
            "A change grows from a picture, so wait for this step, or choose another one in the tree and ask there."
        )
    return _("There is no picture to change"), _("Choose a step with a picture in the tree, and ask from there.")


def _from(stage: Stage) -> str:
    if stage.node.step.state == "rejected":
        return _("from step {n}, which was rejected").format(n=stage.number)
    if len(stage.candidates) > 1 and stage.index is not None:
        return _("from step {n}, {name}").format(n=stage.number, name=stage.candidates[stage.index].name)
    return _("from step {n}").format(n=stage.number)


def _last(found: Tree) -> list[str]:
    said = [node.step.instruction for node in reversed(found.nodes) if node.step.instruction]
    return list(dict.fromkeys(said))[:LAST]


def fresh_form(
    policy: Policy,
    chain: EditChain,
    found: Tree,
    stage: Stage,
    draft: Mapping[str, Any],
    *,
    like: int | None = None,
) -> AskForm:
    """The form as it begins: with the draft, or like an earlier step."""
    usual = {"kind": "edit", "candidates": 1, "paste": True, "early": True, "detail": "standard", "anchor": "center"}
    route = next((node.step.route for node in reversed(found.nodes) if node.step.route), "")
    before = next((node.step.order for node in found.nodes if node.step.number == like), None)
    told = _as_fields(before) if before is not None else _sound(draft)
    refs = before.get("references", ()) if before is not None else draft.get("refs", ())
    place = {"parent": stage.number, "candidate": stage.index or 0, "key": fresh_key()}
    return AskForm(policy=policy, chain=chain, refs=refs, initial={**usual, "route": route, **told, **place})


def _sound(draft: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a draft that a form can show: it came from a browser, whatever that was."""
    return {name: draft[name] for name in KEPT if isinstance(draft.get(name), (str, int, float, bool))}


def _as_fields(order: Mapping[str, Any]) -> dict[str, Any]:
    """A step's order as the form's values; a mask belongs to its picture and stays behind."""
    told = {name: order[name] for name in KEPT if name in order}
    if told.get("kind") in ("inpaint", "markup"):
        told["kind"] = "edit"
    if order.get("region"):
        told.update(zip(("left", "top", "width", "height"), order["region"], strict=True))
    return told


def quoted(policy: Policy, chain: EditChain, form: AskForm) -> Quote:
    """The form priced for its chain."""
    found = quote(form, lambda order: step_offers(policy, chain, order), seconds=usual_seconds())
    most = found.preview.price.most if found.ready and found.preview else 0
    return replace(found, left=left_words(policy, chain.brand, most))
