"""What every view of the API shares. Each DRF setting is said here, so that a site's defaults change nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import unquote_to_bytes

from django.apps import apps
from django.utils.cache import patch_vary_headers
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from rest_framework import exceptions as drf
from rest_framework.authentication import SessionAuthentication, TokenAuthentication
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from image_studio.api import problems
from image_studio.api.asking import SOON, Asking, as_uuid
from image_studio.api.parsers import MultiPartParser, StrictJSONParser, malformed
from image_studio.api.rendering import OWN, JSONRenderer, Negotiation
from image_studio.api.schema import StudioSchema
from image_studio.api.throttling import Throttle
from image_studio.conf import conf
from image_studio.exceptions import NotAllowed, StudioError

__all__ = ["SOON", "Missing", "OpenView", "StudioView", "UploadView", "as_uuid"]

READS = frozenset({"GET", "HEAD", "OPTIONS"})


class SignedIn(BasePermission):
    """Somebody; what they may do is asked of the policy, object by object."""

    def has_permission(self, request: Request, view: Any) -> bool:
        # A site may let nobody be None.
        return bool(request.user is not None and request.user.is_authenticated)


class StudioView(Asking, APIView):
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
    """

    tag: ClassVar[str] = ""
    scopes: ClassVar[Mapping[str, str]] = {}

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
    http_method_names: tuple[str, ...] = ("get", "post", "patch", "head", "options")

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
        method = str(request.method).lower()
        if method in ("post", "patch") and hasattr(self, method):
            # What changes something says all of it in its body: half of it, read, would mean something larger.
            self.only_query()

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

    @property
    def scope(self) -> str:
        """The throttle scope of this request."""
        method = self.request.method or "GET"
        return self.scopes.get(method, "read" if method in READS else "write")


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

    @property
    def default_response_headers(self) -> dict[str, str]:
        """No method is allowed where nothing stands."""
        return {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NoSuchAddress("not_found" if request.path.endswith("/") else "not_found.slash")
