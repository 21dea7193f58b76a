"""The site that browser tests meet: the test site, a public page, and the strictest policy that pages live under."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template import Context, Template
from django.urls import path

from tests.testapp.models import Article
from tests.urls import urlpatterns as studio

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
PAGE = Template(
    '{% load image_studio %}<!DOCTYPE html><html lang="en"><head><title>{{ article }}</title>'
    '<meta name="viewport" content="width=device-width"></head>'
    "<body><main><h1>{{ article }}</h1>{% studio_picture article.picture %}</main></body></html>"
)


def strictly(answer: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: this site's addresses, and its policy on every answer."""

    def answered(request: HttpRequest) -> HttpResponse:
        request.urlconf = __name__
        response = answer(request)
        response.headers["Content-Security-Policy"] = POLICY
        return response

    return answered


def article(_request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Article.objects.select_related("picture"), pk=pk)
    return HttpResponse(PAGE.render(Context({"article": found})))


urlpatterns = [*studio, path("articles/<int:pk>/", article)]
