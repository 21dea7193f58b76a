"""The steps of a chain as JSON. Money is integer micro-USD (1 USD = 1,000,000)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from image_studio.api.fields import Body, Choice, Text
from image_studio.api.job_rows import Fault, fault
from image_studio.api.set_rows import MICRO, AgainRow, again_row
from image_studio.api.step_orders import OrderRow, candidate_index, order_row, step_number
from image_studio.models import OUTCOMES, REFERENCE_ROLES, STEP_KINDS, STEP_REASONS, EditStep
from image_studio.states import STEP
from image_studio.workflow.chains import MOST_NOTE, again_of
from image_studio.workflow.tree import Node, Shown, Tree

STATUSES = ("waiting", "working", *(name for name in OUTCOMES if name))
#: Letters of an instruction in a tree: two hundred steps must stay light.
GLANCE = 120
INPUT_ROLES = ("source", "mask", "markup", *REFERENCE_ROLES)


class CandidateRow(serializers.Serializer):
    """A picture of a step, in the tree."""

    index = serializers.IntegerField()
    asset = serializers.UUIDField(allow_null=True, help_text="Null where it is gone, or is not yours to see.")
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    pasted = serializers.BooleanField(
        allow_null=True,
        help_text="Whether the pixels outside the place are the parent's own; null: nothing was to be put back.",
    )
    drift = serializers.FloatField(
        allow_null=True, help_text="Share of the area, outside the place, that is not as it was; null: not measured."
    )
    failed = serializers.IntegerField(help_text="Verdicts that failed.")
    fault = Fault(allow_null=True)


class StepRow(serializers.Serializer):
    """A step in its tree."""

    number = serializers.IntegerField()
    parent = serializers.IntegerField(allow_null=True, help_text="The step that it grew from, always an earlier one.")
    parent_candidate = serializers.IntegerField(allow_null=True)
    kind = serializers.ChoiceField(choices=list(STEP_KINDS.items()))
    instruction = serializers.CharField(help_text=f"Its first {GLANCE} letters.")
    route = serializers.CharField()
    status = serializers.ChoiceField(choices=STATUSES)
    state = serializers.ChoiceField(choices=STEP.choices, help_text="What was decided of it.")
    choice = serializers.IntegerField(allow_null=True, help_text="The chosen candidate.")
    reason = serializers.CharField(help_text="Why it was rejected.")
    error = Fault(allow_null=True)
    micro_usd = serializers.IntegerField(help_text=f"What it cost. {MICRO}")
    most_micro_usd = serializers.IntegerField(help_text=f"What may still come on top. {MICRO}")
    by = serializers.CharField()
    created_at = serializers.DateTimeField()
    candidates = CandidateRow(many=True)
    again = AgainRow(allow_null=True, help_text="What `retry` buys; null where that is free, or cannot be.")
    actions = serializers.ListField(child=serializers.CharField(), help_text="What you may do with it now.")


class Paste(serializers.Serializer):
    """How the parent's own pixels were put back."""

    pasted = serializers.BooleanField()
    reason = Fault(allow_null=True, help_text="Why not.")
    feather = serializers.IntegerField(allow_null=True, help_text="Width of the soft edge in pixels.")


class Drift(serializers.Serializer):
    """How far the rest of the picture is from what it was."""

    share = serializers.FloatField(help_text="Of the area, 0 to 1.")
    mean = serializers.FloatField(help_text="Mean difference of colour (CIEDE2000).")
    worst = serializers.ListField(
        child=serializers.FloatField(), allow_null=True, help_text="The worst tile: left, top, width and height."
    )
    worst_mean = serializers.FloatField(help_text="Mean difference within it.")
    threshold = serializers.FloatField(help_text="From which a pixel counts as changed.")
    masked = serializers.BooleanField(help_text="Whether only what lies outside the place counts.")


class CandidateDetail(CandidateRow):
    """A picture of a step, on its own."""

    chosen = serializers.BooleanField()
    url = serializers.URLField(allow_null=True, help_text="Of its asset.")
    preview = serializers.URLField(allow_null=True)
    raw = serializers.UUIDField(allow_null=True, help_text="The answer itself, before anything was put back.")
    sha256 = serializers.CharField()
    micro_usd = serializers.IntegerField(help_text=MICRO)
    paste = Paste(allow_null=True)
    drifted = Drift(allow_null=True)
    drifted_raw = Drift(allow_null=True, help_text="The same of the answer itself.")
    verdicts = serializers.DictField(child=serializers.IntegerField(), help_text="Verdict -> how many.")


class InputRow(serializers.Serializer):
    """What went along. It stays, whatever becomes of the picture."""

    role = serializers.ChoiceField(choices=INPUT_ROLES)
    asset = serializers.UUIDField(allow_null=True)
    sha256 = serializers.CharField()
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)


class EarlyRow(serializers.Serializer):
    """An early version that can be seen now."""

    index = serializers.IntegerField()
    number = serializers.IntegerField(help_text="Grows with each version.")
    url = serializers.URLField()


class StepDetail(StepRow):
    """A step on its own."""

    chain = serializers.UUIDField()
    url = serializers.URLField()
    instruction = serializers.CharField()
    order = OrderRow()
    inputs = InputRow(many=True)
    note = serializers.CharField()
    children = serializers.ListField(child=serializers.IntegerField())
    is_head = serializers.BooleanField()
    job = serializers.UUIDField(allow_null=True)
    partials = EarlyRow(many=True)
    candidates = CandidateDetail(many=True)


class StepAccepted(serializers.Serializer):
    """A step that was accepted; `Location` is where to look for it."""

    chain = serializers.UUIDField()
    chain_url = serializers.URLField()
    step = serializers.IntegerField()
    url = serializers.URLField()
    job = serializers.UUIDField()


class Choosing(Body):
    """Which picture to go on with."""

    candidate = candidate_index()
    head = step_number("The head that you saw: where it moved meanwhile, 409.", required=False)


class Rejecting(Body):
    """Why none of them will do."""

    reason = Choice(choices=list(STEP_REASONS.items()))
    note = Text(max_length=MOST_NOTE, required=False, allow_blank=True)


class Picking(Body):
    """Which picture."""

    candidate = candidate_index("The chosen one by itself, or the only one.", required=False, allow_null=True)


class Naming(Body):
    """Under which name."""

    name = Text(max_length=200)


def step_row(tree: Tree, node: Node, may: dict[str, bool]) -> dict[str, Any]:
    """:class:`StepRow` of a node.

    :param may: verb -> whether this person may say it in the chain.
    """
    step = node.step
    return {
        "number": step.number,
        "parent": step.parent_number,
        "parent_candidate": step.parent_candidate,
        "kind": step.kind,
        "instruction": step.instruction[:GLANCE],
        "route": step.route,
        "status": node.status,
        "state": step.state,
        "choice": step.choice,
        "reason": step.reason,
        "error": fault(node.code, dict(node.params)),
        "micro_usd": node.micro_usd,
        "most_micro_usd": node.most,
        "by": step.actor_label,
        "created_at": step.created_at,
        "candidates": [_candidate(one) for one in node.shown],
        "again": again_row(again_of(node.step)),
        "actions": actions_of(tree, node, may),
    }


def actions_of(tree: Tree, node: Node, may: dict[str, bool]) -> list[str]:
    """What may be said to a step now."""
    start, ready = node.step.parent_number is None, node.status == "ready" and node.picture is not None
    rows = {
        "cancel": node.may_cancel and may["cancel"],
        "choose": ready and tree.may,
        "edit": ready and tree.may,
        "fork": ready and may["generate"],
        "recipe": not start and may["generate"],
        "reject": not start and node.over and tree.may and node.step.state != "rejected",
        "retry": node.may_retry and may["retry"] and tree.chain.state == "open",
        "take": ready and not start and bool(tree.chain.cell_id) and may["generate"],
        "undecide": node.step.state != "open" and node.step.kind != "start" and tree.may,
    }
    return [verb for verb, allowed in rows.items() if allowed]


def _candidate(shown: Shown) -> dict[str, Any]:
    row = shown.candidate
    return {
        "index": row.index,
        "asset": shown.asset.pk if shown.asset else None,
        "width": row.width,
        "height": row.height,
        "pasted": bool(row.paste.get("pasted")) if row.paste else None,
        "drift": row.drift.get("share"),
        "failed": shown.counts.get("fail", 0),
        "fault": fault(row.fault_code, row.fault_params),
    }


def step_detail(tree: Tree, node: Node, may: dict[str, bool], urls: dict[str, str]) -> dict[str, Any]:
    """:class:`StepDetail` of a node.

    :param urls: addresses of the lists of ``assets`` and ``jobs``, and of this ``step``.
    """
    step = node.step
    job = f"{urls['jobs']}{step.job_id}/"
    early = [
        {"index": index, "number": int(row.get("number") or 0) + 1, "url": f"{job}partials/{index}/"}
        for index, row in sorted(node.early.items())
    ]
    return {
        **step_row(tree, node, may),
        "chain": tree.chain.pk,
        "url": urls["step"],
        "instruction": step.instruction,
        "order": order_row(step.order),
        "inputs": [_input(row) for row in step.inputs],
        "note": step.note,
        "children": list(node.children),
        "is_head": node.is_head,
        "job": step.job_id,
        "partials": early,
        "candidates": [_whole(one, urls["assets"]) for one in node.shown],
    }


def _whole(shown: Shown, assets: str) -> dict[str, Any]:
    row, url = shown.candidate, f"{assets}{shown.asset.pk}/" if shown.asset else None
    return {
        **_candidate(shown),
        "chosen": shown.chosen,
        "url": url,
        "preview": f"{url}content/?which=preview" if url else None,
        "raw": row.raw_id if shown.asset else None,
        # Of a picture that is gone it stays; of one that is somebody else's nothing is told.
        "sha256": row.sha256 if shown.asset or row.asset_id is None else "",
        "micro_usd": row.micro_usd,
        "paste": _paste(row.paste) if row.paste else None,
        "drifted": _drift(row.drift),
        "drifted_raw": _drift(row.drift.get("raw") or {}),
        "verdicts": dict(shown.counts),
    }


def _paste(row: dict[str, Any]) -> dict[str, Any]:
    why = fault(row.get("code") or "", row.get("params") or {})
    return {"pasted": bool(row.get("pasted")), "reason": why, "feather": row.get("feather")}


def _drift(row: dict[str, Any]) -> dict[str, Any] | None:
    names = ("share", "mean", "worst", "worst_mean", "threshold", "masked")
    return {name: row.get(name) for name in names} if "share" in row else None


def _input(row: dict[str, Any]) -> dict[str, Any]:
    size = row.get("size") or (None, None)
    role = row.get("as") if row.get("role") == "reference" else row.get("role")
    return {
        "role": role or "other",
        "asset": row.get("asset"),
        "sha256": row.get("sha256", ""),
        "width": size[0],
        "height": size[1],
    }


def accepted(step: EditStep, chain_url: str) -> dict[str, Any]:
    """:class:`StepAccepted` of a step that was just asked for."""
    url = f"{chain_url}steps/{step.number}/"
    return {"chain": step.chain_id, "chain_url": chain_url, "step": step.number, "url": url, "job": step.job_id}
