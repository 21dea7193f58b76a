"""Everything that a picture's page shows: what may be said now, how it was made, its family, its history."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.urls import NoReverseMatch, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from image_studio import storage
from image_studio.admin.base import chip, worker_missing
from image_studio.admin.changing import change_url
from image_studio.admin.contact_sheet import said
from image_studio.admin.generating import generate_url
from image_studio.admin.languages import language
from image_studio.admin.library import SOURCE_WORDS, rights
from image_studio.admin.replacing import replace_url
from image_studio.admin.reviewing import alts, declared, offered, publishing
from image_studio.conf import routes
from image_studio.exceptions import StorageFailed
from image_studio.models import DECLARATION, REJECT_REASONS, Asset, Attempt, Event, Job, JobOutput, Review
from image_studio.policy import Policy
from image_studio.states import ASSET
from image_studio.wording import explain
from image_studio.workflow.queue import UNDECIDED
from image_studio.workflow.review import is_judged, moderated
from image_studio.workflow.usage import uses_of

#: A tree is looked at, not searched: this many generations up and down, and this many pictures in all.
GENERATIONS, MOST_KIN = 4, 40
MOST_HISTORY = 60
EVENTS = {
    "asset.ingested": gettext_lazy("Added to the library"),
    "asset.described": gettext_lazy("Words or rights changed"),
    "asset.shortlisted": gettext_lazy("Put on the shortlist"),
    "asset.unshortlisted": gettext_lazy("Taken off the shortlist"),
    "asset.publish_requested": gettext_lazy("Asked to go live"),
    "asset.published": gettext_lazy("Went live"),
    "asset.withdrawn": gettext_lazy("Withdrawn"),
    "asset.replaced": gettext_lazy("Gave its places to another picture"),
    "asset.took_over": gettext_lazy("Took the places of another picture"),
}
LABELS = {
    "label_ai": gettext_lazy("made by AI"),
    "label_composite": gettext_lazy("AI and real parts"),
    "label_placeholder": gettext_lazy("placeholder"),
}
#: The place of a change in per cent of the picture.
REGION = {
    "region_left": gettext_lazy("From the left, %"),
    "region_top": gettext_lazy("From the top, %"),
    "region_width": gettext_lazy("Width, %"),
    "region_height": gettext_lazy("Height, %"),
}
#: These stand among the reviews, with their notes.
TOLD_BY_REVIEWS = ("asset.approved", "asset.rejected", "asset.change_asked")
FIELDS = {
    "title": gettext_lazy("title"),
    "alt": gettext_lazy("alt text"),
    "tags": gettext_lazy("tags"),
    "focal_x": gettext_lazy("focal point"),
    "focal_y": gettext_lazy("focal point"),
    "rights_owner": gettext_lazy("rights owner"),
    "licence": gettext_lazy("licence"),
    "territory": gettext_lazy("territory"),
    "expires_at": gettext_lazy("end of rights"),
}


def story(policy: Policy, asset: Asset, sent: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What the template is given beside the form.

    :param sent: what somebody just said and was refused: it stands in the fields again.
    """
    verdicts = list(asset.verdicts.select_related("revision"))
    waits = publishing(asset)
    job = asset.publish_job
    actions = offered(policy, asset, verdicts)
    return {
        "asset": asset,
        "state_chip": chip(asset.state, ASSET.labels[asset.state]),
        "source": SOURCE_WORDS.get(asset.source_type, asset.source_type),
        "rights_words": rights(asset),
        "verdicts": said(verdicts),
        "judged": is_judged(verdicts),
        "moderated": moderated(verdicts),
        "actions_now": actions,
        "decision": decision(asset, actions, verdicts, sent or {}),
        "publishing": waits,
        "publish_error": explain(job.error_code, job.error_params) if job and job.error_code else "",
        "worker_missing": waits and worker_missing(),
        "change": _change(asset),
        "focal": _point(asset),
        "recipe": recipe(policy, asset),
        "family": family(policy, asset),
        "renditions": _renditions(asset),
        "uses": uses_of([asset]).get(asset.pk, []),
        "sheets": _sheets(policy, asset),
        "history": history(asset),
        "may_review": policy.can("review", asset) and asset.state in UNDECIDED,
        "may_original": policy.can("original", asset),
        "change_url": change_url(policy, asset),
        "replace_url": replace_url(policy, asset),
        "generate_url": generate_url(source=asset.pk) if policy.can("generate", asset) else "",
        "published_url": _published_url(asset),
    }


# What may be said --------------------------------------------------------------------------------------------------


def decision(asset: Asset, actions: Iterable[str], verdicts: Sequence[Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the decision box, filled with what was sent before."""
    typed = alts(sent)
    missing = asset.alt_missing if {"publish", "approve_publish", "override"} & set(actions) else ()
    signed = declared(sent)
    return {
        "open": sent.get("do", ""),
        "note": sent.get("note", ""),
        "region": [(name, words, sent.get(name, "")) for name, words in REGION.items()],
        "reasons": [(key, words, key == sent.get("reason")) for key, words in REJECT_REASONS.items()],
        "declaration": [(key, words, key in signed) for key, words in DECLARATION.items()],
        "alts": [(f"alt_{locale}", locale, language(locale), typed.get(locale, "")) for locale in missing],
        "missing": ", ".join(language(locale) for locale in missing),
        "blocking": [explain(v.code, v.params) for v in verdicts if v.verdict == "fail" and v.blocks],
    }


def _change(asset: Asset) -> dict[str, Any] | None:
    """The change that nobody has answered yet, with its place on the picture in per cent."""
    review = asset.change_asked
    if review is None:
        return None
    box = [f"{float(part) * 100:.2f}" for part in review.region] if review.region else None
    return {"review": review, "box": box}


def _point(asset: Asset) -> list[str] | None:
    """As text: a template would write the numbers as the reader's language does, and SVG reads points only."""
    return [f"{part * 100:.2f}" for part in asset.focal] if asset.focal else None


# How it was made ---------------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Recipe:
    """How a picture was made, for people."""

    facts: list[tuple[Any, str]] = field(default_factory=list)
    prompt: str = ""
    prompt_url: str = ""
    prompt_name: str = ""
    inputs: list[Asset] = field(default_factory=list)
    hidden: int = 0
    lines: list[tuple[str, str]] = field(default_factory=list)
    label: Any = ""
    bought: Asset | None = None
    priced: bool = False
    unwanted: bool = False


def recipe(policy: Policy, asset: Asset) -> Recipe:
    """How it was made; a composed picture tells how the bought one below it was, and what was set on it."""
    below = asset.parent if asset.kind == "composed" and asset.parent is not None else asset
    own, told = _mapping(asset.recipe), _mapping(below.recipe)
    request = _mapping(told.get("request"))
    found = Recipe(
        prompt=str(request.get("prompt") or ""), priced=bool(told.get("provider")), unwanted=bool(told.get("unwanted"))
    )
    if below is not asset and policy.can("view", below):
        found.bought = below
    if asset.kind == "composed":
        found.lines = [(str(key), str(words)) for key, words in _mapping(own.get("texts")).items()]
        found.label = LABELS.get(str(own.get("label")), "")
    job = _job(policy, told.get("job"))
    _prompt(found, job)
    _inputs(policy, found, request.get("inputs") or ())
    spec = routes().get(str(told.get("route", "")))
    size = request.get("size")
    effective = _mapping(told.get("effective"))
    rows = [
        (_("Origin"), str(below.get_origin_display())),
        (_("Route"), str(spec.title) if spec else told.get("route")),
        (_("Model"), " ".join(str(told[key]) for key in ("provider", "model") if told.get(key))),
        (_("Quality"), effective.get("quality") or request.get("quality") or told.get("quality")),
        (_("Asked for"), " × ".join(str(part) for part in size) if isinstance(size, (list, tuple)) else ""),
        (_("Time"), _time(job)),
        (_("Request id"), told.get("request_id")),
        (_("Asked by"), job.actor_label if job else ""),
    ]
    found.facts = [(label, str(value)[:300]) for label, value in rows if value not in ("", None)]
    return found


def _mapping(value: Any) -> Mapping[str, Any]:
    """Recipes are kept as they came: an old or odd one must not break the page."""
    return value if isinstance(value, Mapping) else {}


def _job(policy: Policy, text: Any) -> Job | None:
    try:
        rows = Job.objects.filter(pk=UUID(str(text))).select_related("variant_set__prompt_version__prompt")
    except ValueError:
        return None
    return policy.visible(rows).first()


def _prompt(found: Recipe, job: Job | None) -> None:
    version = job.variant_set.prompt_version if job and job.variant_set else None
    if version is not None:
        found.prompt_url = reverse("admin:image_studio_prompt_change", args=[version.prompt_id])
        found.prompt_name = _("{name}, version {n}").format(name=version.prompt.name, n=version.number)


def _inputs(policy: Policy, found: Recipe, inputs: Sequence[Any]) -> None:
    """The pictures that went in, as far as this person may see them."""
    ids = []
    for given in inputs if isinstance(inputs, (list, tuple)) else ():
        try:
            ids.append(UUID(str(given["asset"])))
        except (KeyError, TypeError, ValueError):
            continue
    if ids:
        found.inputs = list(policy.visible(Asset.objects.filter(pk__in=ids)))
        found.hidden = len(set(ids)) - len(found.inputs)


def _time(job: Job | None) -> str:
    """How long the answered call took: ``12 s``."""
    call = job and Attempt.objects.filter(job=job, state="answered").order_by("-number").first()
    if not call or call.ended_at is None:
        return ""
    seconds = (call.ended_at - call.started_at).total_seconds()
    return _("{n} s").format(n=f"{seconds:.1f}" if seconds < 10 else round(seconds))


# Family ------------------------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Kin:
    """A picture in the family tree."""

    asset: Asset
    current: bool = False
    children: list[Kin] = field(default_factory=list)

    @property
    def label(self) -> str:
        asset = self.asset
        if asset.kind == "composed":
            return ", ".join(part for part in (asset.channel.name if asset.channel else "", asset.locale) if part)
        return str(asset.get_origin_display())

    @property
    def state(self) -> Any:
        return ASSET.labels[self.asset.state]


def family(policy: Policy, asset: Asset) -> Kin | None:
    """From the first ancestor over the picture's siblings down to what was made of it; None without any kin."""
    visible = policy.visible(Asset.objects.select_related("channel", "brand").defer("words", "recipe"))
    me = Kin(asset=asset, current=True)
    left = MOST_KIN - _grow(visible, [me], MOST_KIN)
    top = me
    for _generation in range(GENERATIONS):
        parent = _parent(visible, top.asset)
        if parent is None:
            break
        children = [top]
        if top is me and left > 0:
            others = [row for row, _made_of in _made_of_these(visible, [parent.pk], left) if row.pk != asset.pk]
            children = sorted([me, *(Kin(asset=other) for other in others)], key=lambda kin: kin.asset.pk)
        top = Kin(asset=parent, children=children)
    return top if top.children else None


def _parent(visible: Any, asset: Asset) -> Asset | None:
    """What it was composed on, or the source of the set that it was bought for, where the person may see that."""
    pk = asset.parent_id
    if pk is None:
        pk = JobOutput.objects.filter(asset=asset).values_list("job__variant_set__source", flat=True).first()
    found: Asset | None = visible.filter(pk=pk).first() if pk else None
    return found


def _made_of_these(visible: Any, pks: Collection[UUID], most: int) -> list[tuple[Asset, UUID]]:
    """The pictures that were composed on these or bought from them, each with the one that it was made of."""
    outputs = JobOutput.objects.filter(job__variant_set__source__in=pks, asset__isnull=False).order_by("-pk")
    bought = dict(outputs.values_list("asset", "job__variant_set__source")[:most])
    rows = visible.filter(Q(parent__in=pks) | Q(pk__in=bought)).order_by("pk")[:most]
    return [(row, row.parent_id if row.parent_id in pks else bought[row.pk]) for row in rows]


def _grow(visible: Any, level: list[Kin], most: int) -> int:
    """Hang what was made of these pictures below them, generation by generation; returns how many were found."""
    found = 0
    for _generation in range(GENERATIONS):
        by_pk = {kin.asset.pk: kin for kin in level}
        if not by_pk or found >= most:
            break
        level = []
        for row, made_of in _made_of_these(visible, list(by_pk), most - found):
            level.append(Kin(asset=row))
            by_pk[made_of].children.append(level[-1])
        found += len(level)
    return found


def _sheets(policy: Policy, asset: Asset) -> list[Any]:
    cells = asset.variants.select_related("variant_set", "channel").order_by("-pk")[:24]
    return [cell for cell in cells if policy.can("view", cell.variant_set)]


# Files and history -------------------------------------------------------------------------------------------------


def _renditions(asset: Asset) -> list[tuple[Any, str]]:
    """Each derived file with its public address, where it has one."""
    return [(row, _address(row.file) if row.public else "") for row in asset.renditions.all()]


def _address(name: str) -> str:
    try:
        return str(storage.public().url(name))
    except (StorageFailed, NotImplementedError, ValueError, OSError):
        return ""


def _published_url(asset: Asset) -> str:
    """Where a frontend finds it, on sites that include the API."""
    try:
        return reverse("image_studio:v1:published-detail", args=[asset.pk]) if asset.state == "published" else ""
    except NoReverseMatch:
        return ""


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A line of the history."""

    at: datetime
    who: str
    what: str
    state: str = ""
    note: str = ""
    details: tuple[str, ...] = ()


def history(asset: Asset) -> list[Moment]:
    """Reviews with what was signed, and everything else that happened, newest first."""
    events = Event.objects.filter(object_type="asset", object_id=str(asset.pk)).exclude(verb__in=TOLD_BY_REVIEWS)
    moments = [_of_event(event) for event in events[:MOST_HISTORY]]
    moments += [_of_review(review) for review in asset.reviews.all()[:MOST_HISTORY]]
    if asset.origin in ("provider", "compose"):
        moments.append(Moment(at=asset.created_at, who=str(asset.created_by or ""), what=_("Made")))
    return sorted(moments, key=lambda moment: moment.at, reverse=True)[:MOST_HISTORY]


def _of_event(event: Event) -> Moment:
    words = EVENTS.get(event.verb) or capfirst(event.verb.partition(".")[2].replace("_", " "))
    names = list(dict.fromkeys(str(FIELDS.get(name, name)) for name in event.data.get("fields", ()) if name != "words"))
    return Moment(
        at=event.at,
        who=event.actor_label or _("the studio"),
        what=f"{words}: {', '.join(names)}" if names else str(words),
        note=str(event.data.get("note") or ""),
    )


def _of_review(review: Review) -> Moment:
    details = [str(DECLARATION[key]) for key in review.declaration if key in DECLARATION]
    what = str(review.get_decision_display())
    if review.reason:
        what += f": {review.get_reason_display()}"
    if review.override:
        what += ", " + _("over a failed check")
    return Moment(
        at=review.created_at,
        who=review.reviewer_label,
        what=what,
        state={"approve": "approved", "reject": "rejected", "change": "waiting"}[review.decision],
        note=review.note,
        details=tuple(details),
    )
