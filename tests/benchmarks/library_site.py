"""The studio beside its peers: the same rows and fields by DRF's own ModelSerializer and paginations."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import include, path
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication, TokenAuthentication
from rest_framework.generics import ListAPIView
from rest_framework.pagination import CursorPagination, PageNumberPagination
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer

from image_studio.api.asset_rows import PLAIN
from image_studio.models import Asset, BrandMembership

SIZE = 50


class PeerRow(serializers.ModelSerializer):
    """What DRF's documentation shows, with all that our list answers; the second address without a ``reverse``."""

    url = serializers.HyperlinkedIdentityField(view_name="peer-detail")
    preview = serializers.SerializerMethodField()
    brand = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    channel = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    focal = serializers.SerializerMethodField()

    class Meta:
        model = Asset
        fields = (*PLAIN, "url", "preview", "brand", "channel", "focal", "parent", "change_asked")

    def get_preview(self, asset: Asset) -> str:
        return f"http://testserver/peer/{asset.pk}/content/?which=preview"

    def get_focal(self, asset: Asset) -> dict[str, float] | None:
        return {"x": asset.focal[0], "y": asset.focal[1]} if asset.focal else None


class ByCursor(CursorPagination):
    page_size = SIZE
    ordering = "-id"


class ByNumber(PageNumberPagination):
    page_size = SIZE


class PeerList(ListAPIView):
    """Only JSON and two ways to sign in, as ours; the fields joined, as anybody would after a first look."""

    serializer_class = PeerRow
    authentication_classes = (TokenAuthentication, SessionAuthentication)
    permission_classes = (IsAuthenticated,)
    renderer_classes = (JSONRenderer,)

    def get_queryset(self) -> QuerySet[Any]:
        rows = Asset.objects.select_related("brand", "channel")
        if self.request.user.is_superuser:
            return rows
        mine = BrandMembership.objects.filter(user=self.request.user).values_list("brand_id", flat=True)
        return rows.filter(brand_id__in=list(mine))


urlpatterns = [
    path("", include("tests.urls")),
    path("peer/cursor/", PeerList.as_view(pagination_class=ByCursor)),
    path("peer/number/", PeerList.as_view(pagination_class=ByNumber)),
    path("peer/<uuid:pk>/", PeerList.as_view(), name="peer-detail"),
]
