"""What a view of the API asks: who may see what, what the body and the query say; and pages of rows."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _
from rest_framework import exceptions as drf
from rest_framework.request import Request
from rest_framework.response import Response

from image_studio.api import pagination
from image_studio.api.fields import Body
from image_studio.api.parsers import malformed
from image_studio.models import Brand
from image_studio.policy import Policy

#: Seconds after which work that was accepted is worth a look.
SOON = "2"


class Asking:
    """The part of :class:`~image_studio.api.base.StudioView` that DRF knows nothing of.

    :cvar filters: a django-filter FilterSet class for :meth:`listed`.
    """

    filters: ClassVar[Any] = None
    request: Any

    @property
    def policy(self) -> Policy:
        """The rights of who asks, read once a request."""
        found: Policy | None = getattr(self, "_policy", None)
        if found is None:
            found = self._policy = Policy(self.request.user)
        return found

    def found(self, rows: QuerySet[Any], **lookup: Any) -> Any:
        """The one row that this person may see.

        :raises Http404: for what is not there, and for what they may not know of.
        """
        try:
            row = self.policy.visible(rows).filter(**lookup).first()
        except (ValidationError, ValueError):
            row = None
        if row is None:
            raise Http404
        return row

    def address(self, name: str, *args: Any) -> str:
        """The absolute address of a view of this API, wherever and under whatever namespace the site has it."""
        match = self.request.resolver_match
        space = match.namespace if match else "image_studio:v1"
        return str(self.request.build_absolute_uri(reverse(f"{space}:{name}", args=args)))

    def brand(self, slug: str, verb: str) -> Brand:
        """A brand named by a body.

        :raises Http404: as :meth:`found`.
        :raises NotAllowed: where the role does not reach for ``verb``.
        """
        brand = self.policy.brands().select_related("revision").filter(slug=slug).first()
        if brand is None:
            raise Http404
        self.policy.require(verb, brand)
        return brand

    def accepted(self, name: str, pk: Any, data: Any) -> Response:
        """202 for work that goes on: where to look, and in how many seconds."""
        return Response(data, status=202, headers={"Location": self.address(name, pk), "Retry-After": SOON})

    def content(self, *, optional: bool = False) -> Any:
        """The body as it was sent.

        :raises Malformed: where there is none and one is needed.
        """
        data = self.request.data
        if not data and not optional and self.request.stream is None:
            raise malformed(_("the body is empty, and a JSON object is needed"))
        return data

    def body(self, serializer: type[Body], *, partial: bool = False, optional: bool = False) -> dict[str, Any]:
        """The request's body, judged.

        :param partial: fields may be missing.
        :param optional: the whole body may be missing.
        :raises ValidationError: naming each field that is wrong.
        """
        judged = serializer(data=self.content(optional=optional), partial=partial, context={"view": self})
        judged.is_valid(raise_exception=True)
        found: dict[str, Any] = judged.validated_data
        return found

    def only_query(self, *known: str) -> None:
        """:raises ValidationError: for a parameter that this address does not take: a typing error must not
        look like an answer.
        """
        wrong = {}
        for name in self.request.query_params:
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                hint = _("Did you mean %(close)s?") % {"close": close[0]} if close else ""
                wrong[name] = [f"{_('There is no such parameter.')} {hint}".strip()]
        if wrong:
            raise drf.ValidationError(wrong)

    def filtered(self, rows: QuerySet[Any], *known: str) -> QuerySet[Any]:
        """The rows that the query asks for.

        :raises ValidationError: for a parameter that is unknown or does not hold.
        """
        there = self.filters.base_filters if self.filters else {}
        self.only_query(*known, *there)
        if not any(name in there for name in self.request.query_params):
            return rows  # a FilterSet copies itself for a request: half of what a list costs otherwise
        asked = self.filters(self.request.query_params, queryset=rows, request=self.request)
        if not asked.is_valid():
            raise drf.ValidationError({name: [str(e) for e in errors] for name, errors in asked.errors.items()})
        found: QuerySet[Any] = asked.qs
        return found

    def listed(
        self,
        request: Request,
        rows: QuerySet[Any],
        make: Callable[[dict[str, Any]], Any],
        fields: Sequence[str],
        *,
        order: Sequence[str] = ("-id",),
        known: Sequence[str] = (),
        apart: bool = False,
        made: Mapping[str, Any] = pagination.NOTHING,
    ) -> Response:
        """A page of rows that the caller has already narrowed to what may be seen (``policy.visible``).

        :param apart: the rows are not narrowed yet: do it brand by brand, where the library is large. A single brand
            that the query names needs no parts.
        :param make: makes an answer's row of a row of ``values(*fields, **made)``.
        :param known: parameters beside ``cursor``, ``limit`` and those of :attr:`filters`.
        """
        rows = self.filtered(rows, "cursor", "limit", *known)
        parts = None
        if apart and "brand" in request.query_params:
            rows = self.policy.visible(rows)
        elif apart:
            parts = self.policy.apart
        url = request.build_absolute_uri()
        return Response(pagination.page(url, request.query_params, rows, make, fields, order, made, parts))


def as_uuid(text: str) -> UUID | None:
    """An id out of a query; None for what is none."""
    try:
        return UUID(text)
    except ValueError:
        return None
