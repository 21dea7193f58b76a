"""The way from a list or a page to *Generate brand-safe variants*."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from image_studio.admin.base import StudioAdmin, policy_of

TITLE = gettext_lazy("Generate brand-safe variants")
MOST_SOURCES = 20


def generate_url(**query: Any) -> str:
    """The form for some ``source`` pictures or one ``prompt``."""
    return f"{reverse('admin:image_studio_variantset_generate')}?{urlencode(query, doseq=True)}"


@admin.action(description=TITLE, permissions=["view"])
def generate(modeladmin: StudioAdmin, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
    """Open the form for what is selected; nothing is asked for yet."""
    kind = "prompt" if modeladmin.opts.model_name == "prompt" else "source"
    most = 1 if kind == "prompt" else MOST_SOURCES
    chosen = list(queryset[: most + 1])
    if len(chosen) > most:
        word = _("Choose one prompt at a time.") if kind == "prompt" else _("Choose at most {n} pictures at a time.")
        messages.warning(request, word.format(n=most))
        return None
    if not all(policy_of(request).can("generate", row) for row in chosen):
        messages.error(request, _("You may look at these, but not generate from them."))
        return None
    return HttpResponseRedirect(generate_url(**{kind: [row.pk for row in chosen]}))


# Django 6.1 can offer an action on the change page too; older versions have a button there instead.
_location = getattr(admin, "ActionLocation", None)
if _location is not None:
    generate.locations = [_location.CHANGE_LIST, _location.CHANGE_FORM]  # type: ignore[attr-defined]
