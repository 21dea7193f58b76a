"""The switch that stops all spending, and corrections, over REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from image_studio.api.base import StudioView
from image_studio.api.fields import Body, Id, Integer, Text
from image_studio.api.filters import SLUG
from image_studio.api.keyed import answered, answered_before
from image_studio.api.operations import operation, query
from image_studio.models import Brand, Job, Switch
from image_studio.workflow import spending as verbs


class SpendingSwitch(serializers.Serializer):
    """Whether the site's spending, or a brand's, is stopped."""

    brand = serializers.CharField(allow_null=True, help_text="Its slug; null: the whole site.")
    stopped = serializers.BooleanField()
    reason = serializers.CharField(help_text="Why it is stopped.")
    by = serializers.CharField(help_text="Who stopped it.")
    since = serializers.DateTimeField(allow_null=True)
    actions = serializers.ListField(child=serializers.CharField(), help_text="`stop` or `resume`, where you may.")


class SpendingState(serializers.Serializer):
    """What is stopped."""

    site = SpendingSwitch()
    brands = SpendingSwitch(
        many=True, help_text="Your brands that are stopped; the one that `brand` names, whether it is or not."
    )


class StopBody(Body):
    """What is to be stopped, and why."""

    brand = Text(max_length=64, required=False, help_text="Its slug; left out: the whole site.")
    reason = Text(max_length=verbs.MOST_REASON, help_text="Others will wonder.")


class ResumeBody(Body):
    """What may go on."""

    brand = Text(max_length=64, required=False, help_text="Its slug; left out: the whole site.")


class Correction(Body):
    """By how much a brand's spending differs from the provider's bill."""

    brand = Text(max_length=64, help_text="Its slug.")
    micro_usd = Integer(
        min_value=-verbs.MOST, max_value=verbs.MOST, help_text="Added to what is spent; less than 0 takes from it."
    )
    note = Text(max_length=500, help_text="Where that is known from.")
    job = Id(required=False, help_text="The job that it belongs to.")


class Corrected(serializers.Serializer):
    """What was entered."""

    brand = serializers.CharField()
    micro_usd = serializers.IntegerField()
    note = serializers.CharField()
    job = serializers.UUIDField(allow_null=True)


class SpendingView(StudioView):
    """What the addresses of the switch share."""

    tag = "spending"

    def row(self, brand: Brand | None, found: Switch | None) -> dict[str, Any]:
        """:class:`SpendingSwitch` of a switch; None was never thrown, or is open."""
        stopped = bool(found and found.stopped)
        word = "resume" if stopped else "stop"
        return {
            "brand": brand.slug if brand else None,
            "stopped": stopped,
            "reason": found.reason if found and stopped else "",
            "by": found.actor_label if found and stopped else "",
            "since": found.changed_at if found and stopped else None,
            "actions": [word] if verbs.may_stop(self.policy, brand) else [],
        }

    def named(self, said: dict[str, Any]) -> Brand | None:
        """The brand of a body.

        :raises Http404: as :meth:`~image_studio.api.asking.Asking.brand`.
        """
        return self.brand(said["brand"], "stop_spending") if "brand" in said else None


class Spending(SpendingView):
    """What is stopped."""

    @operation(
        "getSpending",
        "See whether spending is stopped",
        answers={200: SpendingState},
        errors=(404,),
        parameters=(query("brand", "A brand's slug.", {"type": "string", "pattern": SLUG}),),
    )
    def get(self, request: Request) -> Response:
        self.only_query("brand")
        thrown = {row.brand_id: row for row in verbs.switches(self.policy)}
        slug = request.query_params.get("brand")
        brands = [row.brand for row in thrown.values() if row.brand]
        if slug is not None:
            one = self.policy.brands().filter(slug=slug).first() if "\x00" not in slug else None
            if one is None:
                raise Http404
            brands = [one]
        brands.sort(key=lambda brand: brand.slug)
        return Response(
            {
                "site": self.row(None, thrown.get(None)),
                "brands": [self.row(brand, thrown.get(brand.pk)) for brand in brands],
            }
        )


class Stop(SpendingView):
    """Stop it all."""

    @operation(
        "stopSpending",
        "Stop spending at once",
        description=(
            "Of a brand (its managers) or of the site (superusers): no order is taken, and nothing that waits is sent. "
            "What is at the provider already comes, and is paid for."
        ),
        body=StopBody,
        answers={200: SpendingSwitch},
        errors=(403, 404),
    )
    def post(self, request: Request) -> Response:
        said = self.body(StopBody)
        brand = self.named(said)
        return Response(self.row(brand, verbs.stop_spending(self.policy, brand, reason=said["reason"])))


class Resume(SpendingView):
    """Let it go on."""

    @operation(
        "resumeSpending",
        "Let money be spent again",
        description="What waited goes on by itself.",
        body=ResumeBody,
        optional=True,
        answers={200: SpendingSwitch},
        errors=(403, 404),
    )
    def post(self, request: Request) -> Response:
        brand = self.named(self.body(ResumeBody, optional=True))
        return Response(self.row(brand, verbs.resume_spending(self.policy, brand)))


class Corrections(SpendingView):
    """What the provider's bill says otherwise."""

    @operation(
        "correctSpending",
        "Correct what a brand has spent",
        description="For superusers: it counts in the site's budgets too. A new entry; the old ones stay.",
        body=Correction,
        answers={201: Corrected},
        errors=(403, 404),
        keyed=True,
    )
    def post(self, request: Request) -> Response:
        said = self.body(Correction)
        before = answered_before(self, status=201)
        if before is not None:
            return before
        brand = self.brand(said["brand"], "edit_budget")
        job = self.found(Job.objects.filter(brand=brand), pk=said["job"]) if "job" in said else None
        return answered(self, self._corrected(brand, said, job), status=201)

    def _corrected(self, brand: Brand, said: dict[str, Any], job: Job | None) -> Callable[[], tuple[str, Any]]:
        def act() -> tuple[str, dict[str, Any]]:
            pk = job.pk if job else None
            verbs.correct(self.policy, brand, said["micro_usd"], note=said["note"], job=pk)
            body = {"brand": brand.slug, "micro_usd": said["micro_usd"], "note": said["note"], "job": pk}
            return f"{self.address('ledger')}?brand={brand.slug}&kind=adjust", body

        return act
