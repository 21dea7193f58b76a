"""What every view of the API shares. Each DRF setting is said here, so that a site's defaults change nothing."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import unquote_to_bytes
from uuid import UUID

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from rest_framework import exceptions as drf
from rest_framework.authentication import SessionAuthentication, TokenAuthentication
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from image_studio.api import pagination, problems
from image_studio.api.fields import Body
from image_studio.api.parsers import MultiPartParser, StrictJSONParser, malformed
from image_studio.api.rendering import OWN, JSONRenderer, Negotiation
from image_studio.api.schema import StudioSchema
from image_studio.api.throttling import Throttle
from image_studio.conf import conf
from image_studio.exceptions import NotAllowed, StudioError
from image_studio.models import Brand
from image_studio.policy import Policy

#: Seconds after which work that was accepted is worth a look.
SOON = "2"
READS = frozenset({"GET", "HEAD", "OPTIONS"})


class SignedIn(BasePermission):
    """Somebody; what they may do is asked of the policy, object by object."""

    def has_permission(self, request: Request, view: Any) -> bool:
        # A site may let nobody be None.
        return bool(request.user is not None and request.user.is_authenticated)


class StudioView(APIView):
    """A view of the API::

        class ChannelList(StudioView):
            tag = "channels"
            filters = ChannelFilter

            @operation("listChannels", "List the channels", listed=ChannelRow)
            def get(self, request):
                return self.listed(request, Channel.objects.all(), channel_row, CHANNEL_FIELDS, order=("slug",))

            @operation("makeChannel", "Make a channel", body=NewChannel, answers={201: ChannelRow}, errors=(403, 409))
            def post(self, request):
                return Response(channel_row(workflow.make(self.policy, **self.body(NewChannel))), status=201)

    :cvar tag: the noun it belongs to, in the OpenAPI document.
    :cvar scopes: method -> throttle scope, where reads are not ``read`` and the rest is not ``write``.
    :cvar filters: a django-filter FilterSet class for :meth:`listed`.
    """

    tag: ClassVar[str] = ""
    scopes: ClassVar[Mapping[str, str]] = {}
    filters: ClassVar[Any] = None

    #: :meth:`get_authenticators` says.
    authentication_classes = ()
    renderer_classes = (JSONRenderer,)
    parser_classes: ClassVar[Sequence[Any]] = (StrictJSONParser,)
    permission_classes: ClassVar[Sequence[Any]] = (SignedIn,)
    throttle_classes = (Throttle,)
    content_negotiation_class = Negotiation
    metadata_class = None
    versioning_class = None
    pagination_class = None
    filter_backends = ()
    settings = OWN
    schema: ClassVar[Any] = StudioSchema()
    http_method_names = ("get", "post", "patch", "head", "options")

    # DRF's hooks ----------------------------------------------------------------------------------------------------

    def get_authenticators(self) -> list[Any]:
        """The site's classes, else tokens where authtoken is installed, and sessions."""
        named = conf().api_authentication
        if named:
            return [import_string(name)() for name in named]
        tokens = [TokenAuthentication()] if apps.is_installed("rest_framework.authtoken") else []
        return [*tokens, SessionAuthentication()]

    def get_authenticate_header(self, request: Request) -> str:
        """Never empty: without it DRF would answer 403 to somebody who has only to sign in."""
        said = (one.authenticate_header(request) for one in self.get_authenticators())
        return next((str(header) for header in said if header), 'Session realm="image_studio"')

    def get_exception_handler(self) -> Callable[..., Any]:
        return problems.handle

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Judge the address before anything reads it."""
        try:
            words = unquote_to_bytes(request.META.get("QUERY_STRING", "")).decode()
        except UnicodeDecodeError:
            raise malformed(_("the query is not UTF-8")) from None
        if "\x00" in words or "\x00" in request.META.get("HTTP_AUTHORIZATION", ""):
            raise malformed(_("the query or a header has a NUL character"))
        twice = next((name for name, values in request.query_params.lists() if len(values) > 1), None)
        if twice is not None:
            raise malformed(_("%(name)s is said twice") % {"name": twice[:60]})
        super().initial(request, *args, **kwargs)

    def permission_denied(self, request: Request, message: Any = None, code: Any = None) -> None:
        if request.successful_authenticator:
            raise drf.PermissionDenied(detail=message, code=code)
        raise drf.NotAuthenticated

    def perform_authentication(self, request: Request) -> None:
        """:raises NotAllowed: ``auth.csrf``, where DRF has only a sentence."""
        try:
            request.user  # noqa: B018
        except drf.PermissionDenied as error:
            if str(error.detail).startswith("CSRF"):
                raise NotAllowed("auth.csrf") from None
            raise

    def options(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The methods, in the header Allow; what they do stands in the OpenAPI document."""
        return Response(status=204)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        response.setdefault("X-Content-Type-Options", "nosniff")
        if "Cache-Control" not in response:
            response["Cache-Control"] = "private, no-store"
            patch_vary_headers(response, ("Authorization", "Cookie"))
        return response

    # Ours -----------------------------------------------------------------------------------------------------------

    @property
    def scope(self) -> str:
        """The throttle scope of this request."""
        method = self.request.method or "GET"
        return self.scopes.get(method, "read" if method in READS else "write")

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
        if self.filters is None:
            self.only_query(*known)
            return rows
        asked = self.filters(self.request.query_params, queryset=rows, request=self.request)
        self.only_query(*known, *asked.filters)
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
    ) -> Response:
        """A page of rows that the caller has already narrowed to what may be seen (``policy.visible``).

        :param make: makes an answer's row of a row of ``values(*fields)``.
        :param known: parameters beside ``cursor``, ``limit`` and those of :attr:`filters`.
        """
        rows = self.filtered(rows, "cursor", "limit", *known)
        url = request.build_absolute_uri()
        return Response(pagination.page(url, request.query_params, rows, make, fields, order))


class OpenView(StudioView):
    """A view that everybody may read, and that never asks who does."""

    permission_classes: ClassVar[Sequence[Any]] = (AllowAny,)
    scopes: ClassVar[Mapping[str, str]] = {"GET": "published", "HEAD": "published"}

    def get_authenticators(self) -> list[Any]:
        return []


class UploadView(StudioView):
    """A view whose POST takes a file in a form."""

    parser_classes: ClassVar[Sequence[Any]] = (StrictJSONParser, MultiPartParser)
    scopes: ClassVar[Mapping[str, str]] = {"POST": "upload"}


class NoSuchAddress(StudioError, LookupError):
    """No view stands here."""

    http_status = 404


class Missing(StudioView):
    """Any other address: a problem as JSON, not the site's page."""

    permission_classes: ClassVar[Sequence[Any]] = (AllowAny,)
    schema: ClassVar[Any] = None

    def get_authenticators(self) -> list[Any]:
        return []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NoSuchAddress("not_found" if request.path.endswith("/") else "not_found.slash")


def as_uuid(text: str) -> UUID | None:
    """An id out of a query; None for what is none."""
    try:
        return UUID(text)
    except ValueError:
        return None
