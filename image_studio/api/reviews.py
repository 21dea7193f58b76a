"""A person decides: reviews, publishing, withdrawing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from image_studio import workflow
from image_studio.api import asset_rows as rows
from image_studio.api.assets import AssetView
from image_studio.api.fields import Body, Choice, Flag, Nothing, Number, Text, misfit
from image_studio.api.operations import operation
from image_studio.models import DECISIONS, DECLARATION, REJECT_REASONS, Job, Review
from image_studio.models.job import JOB_KINDS
from image_studio.states import JOB


class ReviewRow(serializers.Serializer):
    """What a person decided, bound to the bytes that were seen."""

    id = serializers.UUIDField()
    decision = serializers.ChoiceField(choices=list(DECISIONS.items()))
    reason = serializers.CharField()
    note = serializers.CharField()
    region = serializers.ListField(child=serializers.FloatField(), allow_null=True)
    declaration = serializers.ListField(child=serializers.CharField())
    override = serializers.BooleanField()
    reviewer = serializers.CharField()
    seen = serializers.CharField(help_text="The SHA-256 of the picture that was decided on.")
    created_at = serializers.DateTimeField()


class WorkRow(serializers.Serializer):
    """Work that was accepted; `Location` is where to look for it."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=list(JOB_KINDS.items()))
    state = serializers.ChoiceField(choices=JOB.choices)
    asset = serializers.UUIDField()


def _seen() -> Text:
    return Text(max_length=64, required=False, allow_blank=True, help_text="The `sha256` of the picture you saw.")


def _note(**more: Any) -> Text:
    return Text(max_length=5000, **{"required": False, "allow_blank": True, **more})


class Approval(Body):
    """Release a picture for publishing."""

    decision = Choice(choices=["approve"])
    declaration = serializers.ListField(
        child=Choice(choices=list(DECLARATION)),
        required=False,
        max_length=len(DECLARATION),
        help_text="What the approver signs; all of it while nothing has judged the picture's content.",
    )
    note = _note()
    override = Flag(required=False, help_text="A brand manager approves over a failed check; the note says why.")
    seen = _seen()
    publish = Flag(required=False, help_text="Approve and publish at once.")
    alt = rows.Alt(required=False, help_text="With `publish`: alt texts that are added to the picture's own.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """:raises ValidationError: for alt texts that nothing would be done with."""
        if not attrs.get("publish") and attrs.pop("alt", None):
            raise misfit({"alt": [str(_("It belongs to publish: true."))]})
        return attrs


class Rejection(Body):
    """Turn a picture down."""

    decision = Choice(choices=["reject"])
    reason = Choice(choices=list(REJECT_REASONS))
    note = _note()
    seen = _seen()


class ChangeWish(Body):
    """Ask for a change."""

    decision = Choice(choices=["change"])
    note = _note(required=True, allow_blank=False, help_text="The next edit's instruction.")
    region = serializers.ListField(
        child=Number(min_value=0, max_value=1),
        min_length=4,
        max_length=4,
        required=False,
        allow_null=True,
        help_text="Where it is wanted: left, top, width and height, as fractions.",
    )
    seen = _seen()


class Shortlisting(Body):
    """Put a picture on the shortlist, or take it off."""

    decision = Choice(choices=["shortlist", "unshortlist"])


#: What may be said to a picture; the first three are kept as reviews.
SAYINGS: dict[str, type[Body]] = {
    "approve": Approval,
    "reject": Rejection,
    "change": ChangeWish,
    "shortlist": Shortlisting,
    "unshortlist": Shortlisting,
}
NEW_REVIEW = PolymorphicProxySerializer(
    component_name="NewReview",
    serializers={name: one for name, one in SAYINGS.items() if name != "unshortlist"},
    resource_type_field_name="decision",
)


class Saying(serializers.Serializer):
    """Only which decision it is."""

    decision = Choice(choices=list(SAYINGS))


class Withdrawal(Body):
    """Why it is taken off."""

    note = Text(max_length=5000, required=False, allow_blank=True)


REVIEW_FIELDS = (
    *("id", "decision", "reason", "note", "region", "declaration", "override"),
    *("reviewer_label", "sha256", "created_at"),
)


def review_row(row: dict[str, Any]) -> dict[str, Any]:
    """:class:`ReviewRow` of ``values(*REVIEW_FIELDS)``."""
    reviewer, seen = row.pop("reviewer_label"), row.pop("sha256")
    return {**row, "reviewer": reviewer, "seen": seen}


def work_row(job: Job) -> dict[str, Any]:
    """:class:`WorkRow` of a job."""
    return {"id": job.pk, "kind": job.kind, "state": job.state, "asset": job.asset_id}


class Reviews(AssetView):
    """What people said of a picture."""

    @operation("listReviews", "List what people said of a picture", listed=ReviewRow)
    def get(self, request: Request, asset_id: UUID) -> Response:
        found = self.asset(asset_id).reviews.all()
        return self.listed(request, found, review_row, REVIEW_FIELDS)

    @operation(
        "reviewAsset",
        "Approve, reject, ask for a change, or shortlist",
        description=(
            "`approve`, `reject` and `change` answer 201 with the review; with `publish` an approval answers 202 with "
            "the job that makes the public files; `shortlist` and `unshortlist` answer 200 with the picture."
        ),
        body=NEW_REVIEW,
        answers={200: rows.AssetDetail, 201: ReviewRow, 202: WorkRow},
        errors=(403, 409),
    )
    def post(self, request: Request, asset_id: UUID) -> Response:
        asset = self.asset(asset_id)
        which = Saying(data=self.content())
        which.is_valid(raise_exception=True)
        said = self.body(SAYINGS[which.validated_data["decision"]])
        decision, publish = said.pop("decision"), said.pop("publish", False)
        if decision in ("shortlist", "unshortlist"):
            workflow.shortlist(self.policy, asset, on=decision == "shortlist")
            return Response(self.detail(asset))
        if publish:
            job = workflow.approve_and_publish(self.policy, asset, **said)
            return self.accepted("job-detail", job.pk, work_row(job))
        review = self._decide(decision, asset, said)
        row = {name: getattr(review, name) for name in REVIEW_FIELDS}
        return Response(review_row(row), status=201, headers={"Location": self.address("asset-reviews", asset.pk)})

    def _decide(self, decision: str, asset: Any, said: dict[str, Any]) -> Review:
        if decision == "approve":
            return workflow.approve(self.policy, asset, **said)
        if decision == "reject":
            return workflow.reject(self.policy, asset, **said)
        return workflow.change_this(self.policy, asset, **said)


class Publish(AssetView):
    """Make an approved picture public."""

    @operation(
        "publishAsset",
        "Publish an approved picture",
        description="It is live when its job is done. Asking twice gives the same job.",
        answers={202: WorkRow},
        errors=(403, 409, 422),
    )
    def post(self, request: Request, asset_id: UUID) -> Response:
        asset = self.asset(asset_id)
        self.body(Nothing, optional=True)
        job = workflow.publish(self.policy, asset)
        return self.accepted("job-detail", job.pk, work_row(job))


class Withdraw(AssetView):
    """Take a picture off the public side."""

    @operation(
        "withdrawAsset",
        "Withdraw a published picture",
        description="Its public files are deleted; caches may show it for as long as they were told that they may.",
        body=Withdrawal,
        optional=True,
        answers={200: rows.AssetDetail},
        errors=(403, 409),
    )
    def post(self, request: Request, asset_id: UUID) -> Response:
        asset = self.asset(asset_id)
        said = self.body(Withdrawal, optional=True)
        workflow.withdraw(self.policy, asset, **said)
        return Response(self.detail(self.asset(asset_id)))
