"""Replays: a recipe's results side by side, one row a picture, one column a route."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from image_studio.admin.again import Button, of_step, tried
from image_studio.admin.base import StudioAdmin, policy_of, worker_missing
from image_studio.admin.change_result import LOOKS
from image_studio.admin.replaying import may_replay
from image_studio.conf import routes
from image_studio.exceptions import NotAllowed, StudioError
from image_studio.models import Asset, EditCandidate, EditChain, EditStep, Replay
from image_studio.policy import Policy
from image_studio.states import JOB_ENDED
from image_studio.wording import explain, explain_error
from image_studio.wording.money import most_dollars, spent_words
from image_studio.workflow import chains
from image_studio.workflow.cells import RESENDABLE
from image_studio.workflow.tree import OVER

REFRESH_SECONDS = 4
TABLE = "admin/image_studio/includes/replay_table.html"


@dataclass(frozen=True, kw_only=True)
class Place:
    """One picture on one route.

    :param step: the one that it waits for or failed at, else the last.
    :param done: how many of its pictures are there, of ``total``.
    """

    chain: EditChain
    step: EditStep
    asset: Asset | None
    done: int
    total: int

    @property
    def status(self) -> str:
        return self.step.status

    @property
    def ready(self) -> bool:
        return self.done == self.total

    @property
    def look(self) -> str:
        return LOOKS[self.status][0]

    @property
    def label(self) -> Any:
        return LOOKS[self.status][1]

    @property
    def over(self) -> bool:
        return self.status in OVER

    @property
    def fault(self) -> str:
        code, params = self.step.fault
        return explain(code, params) if code else ""

    @property
    def so_far(self) -> str:
        return "" if self.total == 1 else _("{n} of {total} made").format(n=self.done, total=self.total)

    @cached_property
    def retry(self) -> Button:
        """The button that tries again."""
        return of_step(self.step)

    @property
    def may_retry(self) -> bool:
        job = self.step.job
        return job is not None and job.state in RESENDABLE

    @property
    def url(self) -> str:
        return reverse("admin:image_studio_editchain_change", args=[self.chain.pk])


@dataclass(frozen=True, kw_only=True)
class Table:
    """A replay as it is shown.

    :param rows: (picture before, its places in the order of ``columns``).
    """

    replay: Replay
    columns: Sequence[str]
    rows: Sequence[tuple[Asset | None, Sequence[Place | None]]]
    micro_usd: int
    most: int
    may: bool

    @property
    def places(self) -> list[Place]:
        return [place for _asset, places in self.rows for place in places if place is not None]

    @property
    def active(self) -> bool:
        return any(not place.over for place in self.places)

    @property
    def said(self) -> str:
        """How far it is: ``2 of 3 are ready``."""
        total, ready = len(self.places), sum(place.ready for place in self.places)
        return ngettext("{ready} of {n} is ready", "{ready} of {n} are ready", total).format(ready=ready, n=total)

    @property
    def cost(self) -> str:
        """``$0.108 so far, at most $0.09 to come``."""
        spent = spent_words(self.micro_usd)
        if not self.most:
            return spent
        return _("{spent} so far, at most ${most} to come").format(spent=spent, most=most_dollars(self.most))


def table_of(policy: Policy, replay: Replay) -> Table:
    """Three queries, whatever the replay's size."""
    found = list(replay.chains.select_related("source").defer("source__recipe", "source__words").order_by("id"))
    steps: dict[Any, list[EditStep]] = {}
    for step in EditStep.objects.filter(chain__replay=replay, number__gt=1).select_related("job").order_by("number"):
        steps.setdefault(step.chain_id, []).append(step)
    for chain in found:
        for step in steps.get(chain.pk, ()):
            step.chain = chain
    pictures = _pictures(policy, [rows[-1] for rows in steps.values()])
    order = list(replay.matrix.get("routes", [])) or [""]
    rows: dict[str, dict[str, Place]] = {}
    before: dict[str, Asset | None] = {}
    for chain in found:
        if not steps.get(chain.pk):
            continue
        key = str(chain.source_id or chain.pk)
        before[key] = chain.source if chain.source and policy.can("view", chain.source) else None
        rows.setdefault(key, {})[chain.route] = _place(chain, steps[chain.pk], pictures)
    every = [step for part in steps.values() for step in part]
    return Table(
        replay=replay,
        columns=[_column(name, alone=len(order) == 1) for name in order],
        rows=[(before[key], [places.get(name) for name in order]) for key, places in rows.items()],
        micro_usd=sum(step.job.cost_micro_usd for step in every if step.job),
        most=sum(_most(step) for step in every),
        may=may_replay(policy, replay.recipe),
    )


def _column(name: str, *, alone: bool) -> str:
    if not name:
        return _("After") if alone else _("As in the recipe")
    known = routes().get(name)
    return str(known.title) if known else name


def _most(step: EditStep) -> int:
    """What a step may still cost."""
    if step.job is None:
        return int(step.plan.get("most", 0)) if step.status == "planned" else 0
    open_ended = step.job.state not in JOB_ENDED or step.job.state == "unknown"
    return step.job.estimate_micro_usd if open_ended else 0


def _place(chain: EditChain, steps: Sequence[EditStep], pictures: Mapping[Any, Asset]) -> Place:
    done = [step for step in steps if step.status == "ready"]
    waits = next((step for step in steps if step.status != "ready"), steps[-1])
    asset = pictures.get(steps[-1].pk)
    return Place(chain=chain, step=waits, asset=asset, done=len(done), total=len(steps))


def _pictures(policy: Policy, steps: Sequence[EditStep]) -> dict[Any, Asset]:
    """The picture of each step: the chosen one, else the first that came."""
    rows = EditCandidate.objects.filter(step__in=[step.pk for step in steps], asset__isnull=False)
    rows = rows.select_related("asset").defer("asset__recipe", "asset__words").order_by("index")
    choice = {step.pk: step.choice for step in steps}
    found: dict[Any, Asset] = {}
    for row in rows:
        better = row.step_id not in found or choice[row.step_id] == row.index
        if better and row.asset and policy.can("view", row.asset):
            found[row.step_id] = row.asset
    return found


@admin.register(Replay)
class ReplayAdmin(StudioAdmin):
    verbs: ClassVar[Mapping[str, str]] = {"view": "view", "change": "generate"}
    list_display = ("name", "size", "brand", "asked")
    list_title = gettext_lazy("Replays")
    list_display_links = ("name",)
    list_filter = (("brand", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("brand", "recipe")
    list_per_page = 30
    search_fields = ("title",)
    ordering = ("-id",)
    actions = None
    waits = True
    change_list_template = "admin/image_studio/replay_list.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        # A replay begins on its recipe's page.
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("brand", "recipe")

    def get_urls(self) -> list[Any]:
        live = self.admin_site.admin_view(require_safe(self.live_view))
        return [path("<uuid:replay_id>/live/", live, name="image_studio_replay_live"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        """The results side by side; a post tries one again."""
        replay = self.found(request, object_id)
        if request.method == "POST":
            return self._retried(request, replay)
        table = table_of(policy_of(request), replay)
        return self.page(
            request,
            "replay.html",
            replay.title,
            crumbs=[self.list_crumb()],
            table=table,
            replay=replay,
            live_url=self.url("live", replay.pk) if table.active else "",
            refresh_seconds=REFRESH_SECONDS,
            worker_missing=table.active and worker_missing(),
        )

    def live_view(self, request: HttpRequest, replay_id: UUID) -> JsonResponse:
        """The table as it is now, for an open page."""
        table = table_of(policy_of(request), self.found(request, str(replay_id)))
        html = render_to_string(TABLE, {"table": table}, request)
        answer = {"ok": True, "active": table.active, "html": html, "said": table.said}
        return JsonResponse(answer, headers={"Cache-Control": "private, no-store"})

    def _retried(self, request: HttpRequest, replay: Replay) -> HttpResponse:
        policy = policy_of(request)
        if request.POST.get("do") != "retry" or not may_replay(policy, replay.recipe):
            raise PermissionDenied
        step = _step(replay, str(request.POST.get("step", "")))
        try:
            key = str(request.POST.get("key", ""))
            tried(policy, key, f"step {step.pk}", partial(chains.retry_step, policy, step))
        except NotAllowed as error:
            raise PermissionDenied(explain_error(error)) from error
        except StudioError as error:
            messages.error(request, explain_error(error))
        else:
            messages.success(request, _("Tried again."))
        return HttpResponseRedirect(self.url("change", replay.pk))

    @admin.display(description=gettext_lazy("replay"), ordering="title")
    def name(self, replay: Replay) -> str:
        return replay.title

    @admin.display(description=gettext_lazy("pictures"))
    def size(self, replay: Replay) -> str:
        pictures, ways = len(replay.matrix.get("assets", [])), len(replay.matrix.get("routes", []))
        words = ngettext("{n} picture", "{n} pictures", pictures).format(n=pictures)
        return words if ways < 2 else _("{pictures}, {n} routes").format(pictures=words, n=ways)

    @admin.display(description=gettext_lazy("asked for"), ordering="id")
    def asked(self, replay: Replay) -> SafeString:
        return format_html(
            "{}<br><span class='studio-quiet'>{}</span>",
            date_format(localtime(replay.created_at), "SHORT_DATETIME_FORMAT"),
            replay.actor_label,
        )


def _step(replay: Replay, text: str) -> EditStep:
    """:raises Http404: for a step of another replay."""
    try:
        row = EditStep.objects.select_related("job", "chain").filter(pk=UUID(text), chain__replay=replay).first()
    except ValueError:
        row = None
    if row is None:
        raise Http404
    return row
