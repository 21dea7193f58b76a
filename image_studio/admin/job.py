"""Jobs: what was asked of whom, what came of it and what it cost. What nobody knows the outcome of is settled here; all
other verbs are said on the contact sheet and in the edit history."""

from __future__ import annotations

import functools
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from image_studio.admin import unknown
from image_studio.admin.base import StudioAdmin, chip
from image_studio.admin.files import partial
from image_studio.admin.money import cost_words, usd
from image_studio.models import Job
from image_studio.policy import Policy
from image_studio.states import JOB
from image_studio.wording import explain
from image_studio.wording.money import most_dollars, spent_words
from image_studio.workflow.costs import cost_of


@admin.register(Job)
class JobAdmin(StudioAdmin):
    verbs = {"view": "view"}
    list_display = ("created_at", "kind", "state_chip", "of_set", "model", "pictures", "cost", "why", "asked_by")
    list_filter = ("state", "kind")
    list_select_related = ("variant_set",)
    search_fields = ("id__exact", "variant_set__title", "actor_label")
    fields = (
        ("kind", "state_chip"),
        "why",
        ("brand", "revision", "of_set"),
        ("route", "provider", "model", "pictures"),
        "decide",
        ("estimate", "cost"),
        "costs",
        ("asked_by", "created_at", "ended_at"),
        "attempts_table",
    )
    readonly_fields = (
        *("kind", "state_chip", "why", "brand", "revision", "of_set", "route", "provider", "model", "pictures"),
        *("estimate", "cost", "asked_by", "created_at", "ended_at", "attempts_table"),
        *("decide", "costs"),
    )
    actions = None
    waits = True
    change_list_template = "admin/image_studio/list.html"

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        view = wrap(partial, cacheable=True)
        listed = require_safe(functools.partial(unknown.respond, self))
        settled = require_http_methods(["GET", "HEAD", "POST"])(functools.partial(unknown.settle, self))
        return [
            path("unknown/", wrap(listed), name="image_studio_job_unknown"),
            path("<uuid:job_id>/unknown/", wrap(settled), name="image_studio_job_settle"),
            path("<uuid:job_id>/partial/<int:index>/", view, name="image_studio_job_partial"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("attempts")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def state_chip(self, job: Job) -> SafeString:
        return chip(f"job-{job.state}", JOB.labels[job.state])

    @admin.display(description=gettext_lazy("variant set"))
    def of_set(self, job: Job) -> SafeString | str:
        if job.variant_set is None:
            return "-"
        url = reverse("admin:image_studio_variantset_change", args=[job.variant_set_id])
        return format_html('<a href="{}">{}</a>', url, job.variant_set)

    @admin.display(description=gettext_lazy("pictures"), ordering="n")
    def pictures(self, job: Job) -> int:
        return job.n

    @admin.display(description=gettext_lazy("asked by"), ordering="actor_label")
    def asked_by(self, job: Job) -> str:
        return job.actor_label or "-"

    @admin.display(description=gettext_lazy("may cost"))
    def estimate(self, job: Job) -> str:
        if not job.estimate_micro_usd:
            return _("free")
        return _("at most ${most}").format(most=most_dollars(job.estimate_micro_usd))

    @admin.display(description=gettext_lazy("cost"), ordering="cost_micro_usd")
    def cost(self, job: Job) -> str:
        """What it cost so far: nothing charged yet is not free, and nobody knows what an unknown outcome cost."""
        if not job.cost_micro_usd and job.estimate_micro_usd:
            return _("maybe charged") if job.state == "unknown" else "-"
        return spent_words(job.cost_micro_usd)

    @admin.display(description=gettext_lazy("to decide"))
    def decide(self, job: Job) -> SafeString | str:
        """The way to the three verbs, where a call of it is in doubt."""
        calls = [call for call in job.attempts.all() if call.state == "unknown"]
        if not calls:
            return "-"
        held = sum(call.hold_micro_usd for call in calls)
        words = _("Adopt, send again or write off")
        told = _("{sum} is held").format(sum=usd(held)) if held else _("nothing is held: its price was not known")
        url = unknown.settle_url(job.pk)
        return format_html('<a href="{}">{}</a> <span class="studio-quiet">{}</span>', url, words, told)

    @admin.display(description=gettext_lazy("by the ledger"))
    def costs(self, job: Job) -> SafeString:
        """Spent, held, and what an approved picture came to."""
        rows = cost_words(cost_of(Policy.operator(), job=job.pk))
        return format_html_join(" ", '<span class="studio-fact">{}: {}</span>', rows)

    @admin.display(description=gettext_lazy("why"))
    def why(self, job: Job) -> str:
        return explain(job.error_code, job.error_params) if job.error_code else "-"

    @admin.display(description=gettext_lazy("attempts"))
    def attempts_table(self, job: Job) -> SafeString | str:
        rows = format_html_join(
            "",
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            (
                (a.number, a.get_state_display(), _moment(a.started_at), _moment(a.ended_at), a.request_id or "-")
                for a in job.attempts.all()
            ),
        )
        if not rows:
            return "-"
        heads = (_("attempt"), _("state"), _("started"), _("ended"), _("request id"))
        head = format_html_join("", "<th>{}</th>", ((word,) for word in heads))
        return format_html(
            '<div class="studio-scroll" tabindex="0"><table class="studio-plain"><thead><tr>{}</tr></thead>'
            "<tbody>{}</tbody></table></div>",
            head,
            rows,
        )


def _moment(at: datetime | None) -> str:
    """To the second: attempts of one job lie close together."""
    return date_format(localtime(at), "Y-m-d H:i:s") if at else "-"
