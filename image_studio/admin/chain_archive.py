"""An edit history as a ZIP: out for another site, in from there."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from image_studio.admin import files
from image_studio.admin.base import StudioAdmin, policy_of
from image_studio.exceptions import StudioError
from image_studio.models import Brand
from image_studio.policy import Policy
from image_studio.wording import explain_error
from image_studio.workflow.chain_export import export_chain
from image_studio.workflow.chain_import import ImportedChain, import_chain
from image_studio.workflow.chain_pack import MOST_ARCHIVE


class ImportForm(forms.Form):
    """Where to, and the ZIP of an export."""

    brand = forms.ModelChoiceField(label=gettext_lazy("Brand"), queryset=Brand.objects.none(), empty_label=None)
    archive = forms.FileField(
        label=gettext_lazy("ZIP of an edit history"),
        help_text=gettext_lazy("As an export gave it, on this site or another."),
        allow_empty_file=True,
        error_messages={"required": gettext_lazy("Choose the ZIP that an export gave.")},
    )

    def __init__(self, *args: Any, policy: Policy) -> None:
        super().__init__(*args)
        brands: Any = self.fields["brand"]
        brands.queryset = policy.brands("generate").exclude(revision=None).select_related("revision").order_by("name")

    def clean_archive(self) -> Any:
        upload = self.cleaned_data["archive"]
        if upload.size > MOST_ARCHIVE:
            raise ValidationError(
                _("The file has %(weight)s bytes, and at most %(most)s are taken."),
                params={"weight": upload.size, "most": MOST_ARCHIVE},
            )
        return upload


def urls(page: StudioAdmin) -> list[URLPattern]:
    """The addresses of export and import."""

    def route(where: str, view: Any, name: str, *, cacheable: bool = False) -> Any:
        wrapped = page.admin_site.admin_view(view, cacheable=cacheable)
        return path(where, wrapped, name=f"image_studio_editchain_{name}")

    return [
        route("import/", require_http_methods(["GET", "HEAD", "POST"])(partial(take, page)), "import"),
        route("<uuid:chain_id>/archive/", require_safe(partial(give, page)), "archive", cacheable=True),
    ]


def give(page: StudioAdmin, request: HttpRequest, chain_id: UUID) -> HttpResponseBase:
    """The history as a ZIP; what can't be packed is told on its page."""
    chain = page.found(request, str(chain_id))
    try:
        packed = export_chain(policy_of(request), chain)
    except StudioError as error:
        messages.error(request, explain_error(error))
        return page.back("change", chain.pk)
    return files.download(packed)


def take(page: StudioAdmin, request: HttpRequest) -> HttpResponse:
    """A form with the ZIP; what is wrong with it stands at the field."""
    if not page.has_add_permission(request):
        raise PermissionDenied
    policy = policy_of(request)
    form = ImportForm(request.POST or None, request.FILES or None, policy=policy)
    if request.method == "POST" and form.is_valid():
        try:
            done = import_chain(policy, form.cleaned_data["brand"], form.cleaned_data["archive"].file)
        except StudioError as error:
            form.add_error("archive", explain_error(error))
        else:
            messages.success(request, _told(done))
            return page.back("change", done.chain.pk)
    return page.page(request, "chain_import.html", _("Import an edit history"), crumbs=[page.list_crumb()], form=form)


def _told(done: ImportedChain) -> str:
    if done.again:
        return _("You had imported this archive before. Here it is.")
    words = ngettext("Imported with {n} step. ", "Imported with {n} steps. ", done.chain.length)
    return words.format(n=done.chain.length) + _("Its pictures wait for review; nothing of it was approved.")
