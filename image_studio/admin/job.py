"""Jobs: what was asked of whom, what came of it and what it cost. Read only: verbs are said on the contact sheet."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from image_studio.admin.base import StudioAdmin, chip
from image_studio.admin.files import partial
from image_studio.models import Job
from image_studio.states import JOB
from image_studio.wording import explain
from image_studio.wording.money import dollars


@admin.register(Job)
class JobAdmin(StudioAdmin):
    verbs = {"view": "view"}
    list_display = ("created_at", "kind", "state_chip", "of_set", "model", "n", "cost", "why", "actor_label")
    list_filter = ("state", "kind")
    list_select_related = ("variant_set",)
    search_fields = ("id__exact", "variant_set__title", "actor_label")
    fields = (
        ("kind", "state_chip"),
        "why",
        ("brand", "revision", "of_set"),
        ("route", "provider", "model", "n"),
        ("estimate", "cost"),
        ("actor_label", "created_at", "ended_at"),
        "attempts_table",
    )
    readonly_fields = (
        *("kind", "state_chip", "why", "brand", "revision", "of_set", "route", "provider", "model", "n"),
        *("estimate", "cost", "actor_label", "created_at", "ended_at", "attempts_table"),
    )
    actions = None
    waits = True
    change_list_template = "admin/image_studio/list.html"

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(partial, cacheable=True)
        return [
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

    @admin.display(description=gettext_lazy("estimate"))
    def estimate(self, job: Job) -> str:
        return f"${dollars(job.estimate_micro_usd)}" if job.estimate_micro_usd else _("free")

    @admin.display(description=gettext_lazy("cost"), ordering="cost_micro_usd")
    def cost(self, job: Job) -> str:
        """What it cost so far: nothing charged yet is not free, and nobody knows what an unknown outcome cost."""
        if not job.cost_micro_usd and job.estimate_micro_usd:
            return _("maybe charged") if job.state == "unknown" else "-"
        return f"${dollars(job.cost_micro_usd)}" if job.cost_micro_usd else _("free")

    @admin.display(description=gettext_lazy("why"))
    def why(self, job: Job) -> str:
        return explain(job.error_code, job.error_params) if job.error_code else "-"

    @admin.display(description=gettext_lazy("attempts"))
    def attempts_table(self, job: Job) -> SafeString | str:
        rows = format_html_join(
            "",
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            (
                (a.number, a.get_state_display(), a.started_at, a.ended_at or "-", a.request_id or "-")
                for a in job.attempts.all()
            ),
        )
        if not rows:
            return "-"
        heads = (_("attempt"), _("state"), _("started"), _("ended"), _("request id"))
        head = format_html_join("", "<th>{}</th>", ((word,) for word in heads))
        return format_html(
            '<table class="studio-plain"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>', head, rows
        )
