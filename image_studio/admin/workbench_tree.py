"""The tree of an edit history as nested lists: every list is one line of work, drawn without a template's recursion."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.template import Context
from django.template.loader import get_template
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from image_studio.admin.base import picture_url
from image_studio.models import STEP_KINDS, STEP_REASONS, Asset
from image_studio.states import STEP
from image_studio.wording import explain
from image_studio.workflow.tree import Node, Tree

#: Letters of an instruction, and of a reason, that a node shows; two hundred of them share a page.
LETTERS, WHY = 64, 90
ETAG = 4
BUSY = ("planned", "waiting", "working")
STATUS: dict[str, Any] = {
    "planned": gettext_lazy("Planned"),
    "waiting": gettext_lazy("Waiting"),
    "working": gettext_lazy("Working"),
    "ready": gettext_lazy("Ready"),
    "failed": gettext_lazy("Failed"),
    "blocked": gettext_lazy("Blocked"),
    "cancelled": gettext_lazy("Cancelled"),
    "unknown": gettext_lazy("Outcome unknown, may have been charged"),
}


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A step as the tree draws it.

    :param look: its state for the style sheet; ``chip`` and ``label`` are shown where they say more than the picture.
    """

    number: int
    words: str
    look: str
    chip: str
    label: Any
    why: str
    asset: Asset | None
    picture: str
    head: bool
    current: bool

    @property
    def busy(self) -> bool:
        return self.look in BUSY

    @property
    def ghost(self) -> bool:
        return self.asset is None


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """The tree as HTML.

    :param etags: four characters a step, in the order of the numbers.
    :param shape: changes with every step that is added and whenever the line of work that leads to the head does.
    """

    html: SafeString
    nodes: Mapping[int, SafeString] = field(default_factory=dict)
    etags: str = ""
    shape: str = ""


def drawn(found: Tree, current: int) -> Drawn:
    """Draw the tree with one step marked as the one that is looked at."""
    template = get_template("admin/image_studio/workbench_node.html").template  # type: ignore[attr-defined]
    nodes = {node.step.number: node for node in found.nodes}
    html = {number: template.render(Context({"one": shown(node, current)})).strip() for number, node in nodes.items()}
    lines = _lines(nodes, found.chain.head)
    etags = "".join(_mark(html[number].replace(' aria-current="step"', "")) for number in sorted(html))
    return Drawn(
        html=mark_safe("".join(_listed(lines, html))),  # noqa: S308  nodes are rendered by a template, escaped there
        nodes=html,
        etags=etags,
        shape=_mark("".join(_listed(lines, {number: str(number) for number in html}))),
    )


def shown(node: Node, current: int) -> Shown:
    """A step with its state in one word, if any is needed."""
    step = node.step
    look, chip, label = look_of(node)
    words = step.instruction or str(STEP_KINDS[step.kind])
    return Shown(
        number=step.number,
        words=Truncator(words).chars(LETTERS),
        look=look,
        chip=chip,
        label=label if look != "chosen" else "",
        why=Truncator(why(node)).chars(WHY),
        asset=node.picture,
        picture=picture_url(node.picture.pk) if node.picture else "",
        head=node.is_head,
        current=step.number == current,
    )


def look_of(node: Node) -> tuple[str, str, Any]:
    """Look, chip and words: how far it is while it is no picture, then what people decided."""
    step = node.step
    if node.cancelling:
        return node.status, "cancelled", _("Cancelling")
    if step.state == "rejected":
        return "rejected", "rejected", STEP.labels["rejected"]
    if node.status != "ready":
        chip = "waiting" if node.status == "planned" else node.status
        return node.status, chip, STATUS[node.status]
    if step.kind == "start" or step.state == "chosen":
        return "chosen", "approved", STEP.labels["chosen"] if step.kind != "start" else _("Start")
    return "open", "candidate", STEP.labels["open"]


def why(node: Node) -> str:
    """Why it was turned down, or why it brought nothing."""
    step = node.step
    if step.state == "rejected":
        reason = str(STEP_REASONS.get(step.reason, step.reason))
        return f"{reason}: {step.note}" if step.note else reason
    return explain(node.code, node.params) if node.code and node.status not in (*BUSY, "ready") else ""


Lines = list[tuple[int, list[Any]]]


def _lines(nodes: Mapping[int, Node], head: int) -> Lines:
    """The steps of a line in order, each with the lines that begin at it.

    A line goes on with the step that leads to the head, else with the first that was asked for.
    """
    children: dict[int | None, list[int]] = {}
    for number in sorted(nodes):
        children.setdefault(nodes[number].step.parent_number, []).append(number)
    spine = set()
    at: int | None = head if head in nodes else None
    while at is not None:
        spine.add(at)
        at = nodes[at].step.parent_number if at in nodes else None
    root: Lines = []
    todo: list[tuple[int, Lines]] = [(number, root) for number in children.get(None, [])]
    while todo:
        number, line = todo.pop()
        branches: list[Any] = []
        line.append((number, branches))
        below = sorted(children.get(number, []), key=lambda one: (one not in spine, one))
        for other in reversed(below[1:]):
            branch: Lines = []
            branches.insert(0, branch)
            todo.append((other, branch))
        if below:
            todo.append((below[0], line))
    return root


def _listed(line: Lines, html: Mapping[int, str]) -> Iterable[str]:
    """HTML of a line; the stack is our own, because a tree may be as deep as it is long."""
    stack: list[Any] = ["</ol>", *reversed(line), '<ol class="wb-tree">']
    while stack:
        part = stack.pop()
        if isinstance(part, str):
            yield part
            continue
        number, branches = part
        yield f"<li>{html[number]}"
        stack.append("</li>")
        for branch in reversed(branches):
            stack.extend(["</ol>", *reversed(branch), "<ol>"])


def _mark(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:3]).decode()
