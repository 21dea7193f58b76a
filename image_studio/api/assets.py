"""The library: look, upload, describe."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils.http import parse_etags
from rest_framework.request import Request
from rest_framework.response import Response

from image_studio.api import asset_rows as rows
from image_studio.api.base import StudioView, UploadView
from image_studio.api.filters import WORDS, Filter, Locale, OneOf, Slug, StudioFilters, When, yes_no
from image_studio.api.operations import operation
from image_studio.api.problems import Stale, TooLarge
from image_studio.conf import conf
from image_studio.imaging.metadata import SOURCE_TYPES
from image_studio.models import Asset
from image_studio.models.asset import KINDS, ORIGINS
from image_studio.states import ASSET, JOB_ENDED
from image_studio.workflow import describe, ingest
from image_studio.workflow.browse import search
from image_studio.workflow.sheet import review_actions

#: What a detail shows beside its own row.
BESIDE = ("brand__revision", "channel", "parent", "publish_job")
ORDERS = {"new": ("-id",), "used": ("-used_at", "-id"), "price": ("-micro_usd", "-id")}


class AssetFilters(StudioFilters):
    """The library's filters."""

    brand = Slug("brand__slug", about="A brand's slug.")
    state = OneOf("state", words=ASSET.labels, about="Where it stands in review.")
    kind = OneOf("kind", words=KINDS, about="What came in or was bought, or what was composed of it.")
    origin = OneOf("origin", words=ORIGINS, about="Where it came from.")
    channel = Slug("channel__slug", about="A channel's slug.")
    locale = Locale("locale", about="A composed picture's language.")
    source_type = OneOf("source_type", words=SOURCE_TYPES, about="IPTC digital source type.")
    q = Filter(method="by_words", about="Words of its title, alt texts, tags or prompt.", shape=WORDS)
    published = yes_no("Whether it is public.", method="by_publication")
    expires_before = When("expires_at", "lt", about="Its rights end before this moment.")
    created_after = When("created_at", "gt", about="It came after this moment.")
    sort = OneOf(words=ORDERS, about="Newest, last used or dearest first.", method="as_it_is")

    def by_words(self, found: QuerySet[Asset], _name: str, value: str) -> QuerySet[Asset]:
        return search(found, value)

    def by_publication(self, found: QuerySet[Asset], _name: str, value: str) -> QuerySet[Asset]:
        return found.filter(state="published") if value == "true" else found.exclude(state="published")

    def as_it_is(self, found: QuerySet[Asset], _name: str, _value: str) -> QuerySet[Asset]:
        return found


class AssetView(StudioView):
    """What the addresses of one picture share."""

    tag = "assets"

    def asset(self, pk: UUID, *, lock: bool = False) -> Asset:
        """The picture, with what its detail shows beside it.

        :raises Http404: as :meth:`~image_studio.api.base.StudioView.found`.
        """
        if lock:
            self.found(Asset.objects.select_for_update(), pk=pk)
        found: Asset = self.found(Asset.objects.select_related(*BESIDE), pk=pk)
        return found

    def detail(self, asset: Asset) -> dict[str, Any]:
        """The picture as JSON, with what this person may do."""
        job = asset.publish_job
        publishing = bool(asset.state == "approved" and job and job.state not in JOB_ENDED)
        actions = review_actions(self.policy, asset, asset.verdicts.all(), publishing=publishing)
        if self.policy.can("describe", asset):
            actions |= {"describe"}
        return rows.detail_of(asset, self.address("asset-list"), actions)


class AssetList(AssetView, UploadView):
    """The library."""

    filters: ClassVar[Any] = AssetFilters

    @operation(
        "listAssets",
        "List pictures",
        description="Of all brands that you are in, newest first.",
        listed=rows.AssetRow,
        parameters=AssetFilters.parameters(),
    )
    def get(self, request: Request) -> Response:
        order = ORDERS.get(request.query_params.get("sort", "new"), ("-id",))
        make = rows.stored_row_maker(self.address("asset-list"))
        found = Asset.objects.all()
        return self.listed(request, found, make, rows.STORED_FIELDS, made=rows.STORED, order=order, apart=True)

    @operation(
        "uploadAsset",
        "Upload a picture",
        description=(
            "PNG, JPEG or WebP, judged by its content. The original is kept byte for byte. The same bytes again "
            "answer 200 with the picture that is there already."
        ),
        body={"multipart/form-data": rows.NewAsset},
        answers={200: rows.Uploaded, 201: rows.Uploaded},
        errors=(403, 404, 503),
    )
    def post(self, request: Request) -> Response:
        said = self.body(rows.NewAsset)
        brand = self.brand(said["brand"], "ingest")
        file, most = said["file"], conf().max_upload_bytes
        if file.size > most:
            raise TooLarge("request.too_large", most=f"{most / 1_000_000:g} MB")
        words = {"title": said.get("title", ""), "alt": said.get("alt")}
        made = ingest(self.policy, brand, file.read(), name=file.name, **words)
        asset = self.asset(made.asset.pk)
        body = {**self.detail(asset), "duplicate": made.duplicate}
        headers = {"Location": body["url"], "ETag": rows.etag_of(asset)}
        return Response(body, status=200 if made.duplicate else 201, headers=headers)


class AssetDetail(AssetView):
    """One picture."""

    @operation("getAsset", "Look at a picture", answers={200: rows.AssetDetail})
    def get(self, request: Request, asset_id: UUID) -> Response:
        asset = self.asset(asset_id)
        return Response(self.detail(asset), headers={"ETag": rows.etag_of(asset)})

    @operation(
        "changeAsset",
        "Describe a picture",
        description=(
            "Words, rights and the focal point. Send the `ETag` that you read as `If-Match`, and a change that "
            "somebody else made in between is not overwritten."
        ),
        body=rows.AssetChange,
        answers={200: rows.AssetDetail},
        errors=(403, 412),
    )
    def patch(self, request: Request, asset_id: UUID) -> Response:
        said = self.body(rows.AssetChange, partial=True)
        with transaction.atomic():
            asset = self.asset(asset_id, lock=True)
            wanted = parse_etags(request.headers.get("If-Match", ""))
            if wanted and "*" not in wanted and rows.etag_of(asset) not in wanted:
                raise Stale("request.precondition")
            describe(self.policy, asset, **_described(said))
        return Response(self.detail(asset), headers={"ETag": rows.etag_of(asset)})


def _described(said: dict[str, Any]) -> dict[str, Any]:
    """What :func:`~image_studio.workflow.describe` takes: null empties, what is left out stays."""
    cleared = frozenset(name for name in ("focal", "expires_at") if name in said and said[name] is None)
    values = {name: value for name, value in said.items() if value is not None}
    if "focal" in values:
        values["focal"] = (values["focal"]["x"], values["focal"]["y"])
    return {**values, "clear": cleared}
