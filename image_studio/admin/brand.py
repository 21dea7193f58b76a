"""The brand page: an editor's form over the current kit, its revisions, and ``brand.zip`` in and out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.urls import path
from django.utils.html import format_html
from django.utils.http import parse_etags
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from image_studio import storage
from image_studio.admin.base import StudioAdmin, policy_of, told
from image_studio.admin.fields import bytes_of
from image_studio.admin.files import file_response, secured
from image_studio.admin.kit_archive import MAX_ARCHIVE, export_archive, import_archive
from image_studio.admin.kit_editor import STARTER, KitEditor
from image_studio.admin.layouts import faults, picture
from image_studio.admin.members import member_rows, save_members
from image_studio.brand.checks import load
from image_studio.brand.toml import dump
from image_studio.conf import conf
from image_studio.exceptions import StudioError
from image_studio.imaging.decode import MIMES, sniff
from image_studio.models import Brand, BrandRevision, Channel
from image_studio.wording import explain_error
from image_studio.workflow import kits


class ImportForm(forms.Form):
    """A ``brand.zip`` or ``brand.toml``."""

    archive = forms.FileField(
        label=gettext_lazy("brand.zip or brand.toml"),
        help_text=gettext_lazy(
            "A zip of the folder that an export gave, or a brand.toml alone where it names no files."
        ),
        allow_empty_file=True,
    )

    def clean_archive(self) -> bytes:
        return bytes_of(self.cleaned_data["archive"], MAX_ARCHIVE)


class SaveForm(forms.Form):
    """What goes with a save: why, and over which revision."""

    note = forms.CharField(label=gettext_lazy("What changed"), max_length=200, required=False)
    over = forms.IntegerField(required=False, widget=forms.HiddenInput)


@admin.register(Brand)
class BrandAdmin(StudioAdmin):
    verbs: ClassVar[Mapping[str, str]] = {"view": "view", "change": "edit_kit"}
    list_display = ("name", "slug", "palette", "languages", "revision_words", "members")
    search_fields = ("name", "slug")
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # Not the base's: a brand is not in a brand.
        return policy_of(request).brands().select_related("revision").prefetch_related("memberships")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and policy_of(request).passes

    @admin.display(description=gettext_lazy("palette"))
    def palette(self, brand: Brand) -> SafeString:
        patches = (swatch.hex for swatch in brand.kit.palette[:8])
        inner = [
            format_html('<rect x="{}" width="18" height="18" fill="{}"/>', i * 18, c) for i, c in enumerate(patches)
        ]
        return format_html(
            '<svg class="studio-swatch" width="{}" height="18" aria-hidden="true">{}</svg>',
            max(1, len(inner)) * 18,
            SafeString("".join(inner)),
        )

    @admin.display(description=gettext_lazy("languages"))
    def languages(self, brand: Brand) -> str:
        return ", ".join(brand.kit.locales)

    @admin.display(description=gettext_lazy("kit"))
    def revision_words(self, brand: Brand) -> str:
        return _("revision {number}").format(number=brand.revision.number) if brand.revision else _("no kit yet")

    @admin.display(description=gettext_lazy("members"))
    def members(self, brand: Brand) -> int:
        return len(brand.memberships.all())

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        name = "image_studio_brand"
        return [
            path("import/", wrap(self.import_view), name=f"{name}_import"),
            path("<uuid:brand_id>/export/", wrap(require_safe(self.export_view)), name=f"{name}_export"),
            path("<uuid:brand_id>/revision/<int:number>/", wrap(self.revision_view), name=f"{name}_revision"),
            path(
                "<uuid:brand_id>/file/<str:sha256>/",
                wrap(require_safe(self.file_view), cacheable=True),
                name=f"{name}_file",
            ),
            path(
                "<uuid:brand_id>/layout/<slug:channel>/<str:locale>/",
                wrap(require_safe(self.layout_view), cacheable=True),
                name=f"{name}_layout",
            ),
            *super().get_urls(),
        ]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Add and change: one page over the kit; saving makes a revision."""
        brand = self.found(request, object_id) if object_id else None
        may_change = self.has_change_permission(request, brand) if brand else self.has_add_permission(request)
        if brand is None and not may_change:
            raise PermissionDenied
        if request.method == "POST":
            if not may_change:
                raise PermissionDenied
            return self._save(request, brand)
        return self._page(request, brand, self._editor(brand), member_rows(brand), SaveForm(initial=_over(brand)))

    def _editor(self, brand: Brand | None, request: HttpRequest | None = None) -> KitEditor:
        return KitEditor(
            brand.kit if brand else STARTER,
            channels=list(Channel.objects.filter(active=True)),
            checks=load(conf().brand_checks),
            new=brand is None,
            data=request.POST if request else None,
            files=request.FILES if request else None,
        )

    def _page(
        self, request: HttpRequest, brand: Brand | None, editor: KitEditor, members: Any, save: SaveForm
    ) -> HttpResponse:
        may_change = self.has_change_permission(request, brand) if brand else True
        return self.page(
            request,
            "brand.html",
            str(brand) if brand else _("Add a brand"),
            crumbs=[self.list_crumb()],
            brand=brand,
            original=brand,
            editor=editor,
            members=members,
            save=save,
            may_change=may_change,
            channels=list(Channel.objects.filter(active=True)) if brand and brand.revision else [],
            revisions=brand.revisions.defer("content") if brand else [],
            error_count=editor.error_count + members.total_error_count() if request.method == "POST" else 0,
        )

    def _save(self, request: HttpRequest, brand: Brand | None) -> HttpResponse:
        editor = self._editor(brand, request)
        members, save = member_rows(brand, request.POST), SaveForm(request.POST)
        valid = [editor.is_valid(), members.is_valid(), save.is_valid(), self._unmoved(brand, editor, save)]
        if all(valid):
            try:
                revision = kits.save_kit(
                    policy_of(request), brand, editor.kit, editor.new_files, note=save.cleaned_data["note"]
                )
                save_members(policy_of(request), revision.brand, members)
            except StudioError as error:
                editor.refuse_error(error)
            else:
                return self._saved(request, revision)
        return self._page(request, brand, editor, members, save)

    def _unmoved(self, brand: Brand | None, editor: KitEditor, save: SaveForm) -> bool:
        """Whether nobody saved in between; if so, say it once, and let a second save through."""
        revision = brand.revision if brand else None
        if revision is None or save.data.get("over") == str(revision.number):
            return True
        editor.basics.full_clean()
        editor.refuse("kit.revised_meanwhile", {"who": revision.actor_label, "number": revision.number})
        again: Any = save.data.copy()  # type: ignore[attr-defined]
        again["over"] = str(revision.number)
        save.data = again
        return False

    def _saved(self, request: HttpRequest, revision: BrandRevision) -> HttpResponse:
        messages.success(request, _("Saved. The kit is at revision {number}.").format(number=revision.number))
        self._tell_faults(request, revision)
        return self.back("change", revision.brand_id)

    def _tell_faults(self, request: HttpRequest, revision: BrandRevision) -> None:
        """What the new kit cannot lay out, said where it was made and not first when somebody generates."""
        try:
            found = faults(revision.kit, revision.load_files(), Channel.objects.filter(active=True))
        except StudioError as error:
            messages.warning(request, explain_error(error))
            return
        for fault in found[:8]:
            messages.warning(request, f"{fault.channel} ({fault.locale}): {fault.words}")
        if len(found) > 8:
            more = len(found) - 8
            messages.warning(request, ngettext("{n} more like it.", "{n} more like these.", more).format(n=more))

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """A kit from a file: a new revision of the brand that it names, or a new brand for a superuser."""
        if not super().has_change_permission(request):
            raise PermissionDenied
        form = ImportForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            try:
                revision = import_archive(policy_of(request), form.cleaned_data["archive"])
            except StudioError as error:
                form.add_error("archive", explain_error(error))
            else:
                return self._saved(request, revision)
        return self.page(request, "brand_import.html", _("Import a brand kit"), crumbs=[self.list_crumb()], form=form)

    def export_view(self, request: HttpRequest, brand_id: UUID) -> HttpResponse:
        brand = self.found(request, str(brand_id))
        try:
            data = export_archive(policy_of(request), brand)
        except StudioError as error:
            messages.error(request, explain_error(error))
            return self.back("change", brand.pk)
        return secured(file_response(data, "application/zip", f"{brand.slug}-brand.zip", attachment=True))

    def revision_view(self, request: HttpRequest, brand_id: UUID, number: int) -> HttpResponse:
        """A revision as it was; posting makes it the newest again."""
        brand = self.found(request, str(brand_id))
        revision = brand.revisions.filter(number=number).first()
        if revision is None:
            raise Http404
        if request.method == "POST":
            if not self.has_change_permission(request, brand):
                raise PermissionDenied
            note = _("Restored revision {number}").format(number=number)
            with told(request, note + "."):
                kits.save_kit(policy_of(request), brand, revision.kit, note=note)
            return self.back("change", brand.pk)
        return self.page(
            request,
            "brand_revision.html",
            _("{brand}, revision {number}").format(brand=brand, number=number),
            crumbs=[self.list_crumb(), (str(brand), self.url("change", brand.pk))],
            brand=brand,
            revision=revision,
            kit=revision.kit,
            toml=dump(revision.kit),
            may_change=self.has_change_permission(request, brand),
        )

    def file_view(self, request: HttpRequest, brand_id: UUID, sha256: str) -> HttpResponse:
        """A logo of any of the brand's revisions; other files as attachments."""
        brand = self.found(request, str(brand_id))
        revisions = brand.revisions.values_list("files", flat=True)
        name = next((files[sha256] for files in revisions if sha256 in files), None)
        if name is None:
            raise Http404
        try:
            data = storage.read(storage.private(), name, sha256)
        except StudioError as error:
            raise Http404 from error
        mime = MIMES.get(sniff(data), "application/octet-stream")
        return secured(
            file_response(data, mime, f"{sha256[:12]}", attachment=mime not in MIMES.values()), f'"{sha256}"'
        )

    def layout_view(self, request: HttpRequest, brand_id: UUID, channel: str, locale: str) -> HttpResponse:
        """The current kit on one channel, small; 404 where it cannot be laid out (the page says why)."""
        brand = self.found(request, str(brand_id))
        row = Channel.objects.filter(slug=channel).first()
        if row is None or brand.revision is None or locale not in brand.kit.locales:
            raise Http404
        as_asked = hashlib.sha256(f"{row.spec} {locale}".encode()).hexdigest()[:16]
        etag = f'W/"{brand.revision.digest[:32]}-{as_asked}"'
        if etag in parse_etags(request.headers.get("If-None-Match", "")):
            return secured(HttpResponseNotModified(), etag)
        try:
            made = picture(brand.kit, brand.revision.load_files(), row, locale)
        except StudioError as error:
            raise Http404 from error
        return secured(file_response(made.data, made.mime, f"{brand.slug}-{channel}-{locale}.webp"), etag)


def _over(brand: Brand | None) -> dict[str, Any]:
    return {"over": brand.revision.number if brand and brand.revision else None}
