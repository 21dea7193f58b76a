"""The plugin *Studio picture*."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from cms.plugin_base import CMSPluginBase
from cms.plugin_pool import plugin_pool
from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from image_studio.contrib.djangocms.drafts import looked_at_as_draft, takes_drafts
from image_studio.contrib.djangocms.forms import PluginAssetField, StudioPictureForm
from image_studio.contrib.djangocms.keeping import kept_until, watch_aliases
from image_studio.contrib.djangocms.linking import PageList, PageSelect, linkable
from image_studio.contrib.djangocms.models import StudioPicture
from image_studio.contrib.djangocms.picking import pick
from image_studio.policy import Policy
from image_studio.templatetags.image_studio import studio_picture
from image_studio.workflow.showing import is_live, is_over

#: A frame with a hill and a sun, drawn in the editor's own colour.
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" fill="currentColor" viewBox="0 0 16 16">'
    '<path d="M1 2h14v12H1zm1 1v7l3.5-3.5 3 3L11 7l3 3V3zm8 1.2a1.3 1.3 0 1 1 0 2.6 1.3 1.3 0 0 1 0-2.6z"/></svg>'
)


@plugin_pool.register_plugin
class StudioPicturePlugin(CMSPluginBase):
    """An approved picture on a page, or in a text."""

    model = StudioPicture
    name = _("Studio picture")
    module = _("Image studio")
    form = StudioPictureForm
    render_template = "image_studio_djangocms/picture.html"
    text_enabled = True
    text_icon = ICON
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("channel", "picture", ("use", "alignment"))}),
        (_("Words"), {"fields": ("alt", "decorative")}),
        (_("Link"), {"fields": ("link_page", "link_url")}),
    )

    def get_plugin_urls(self) -> list[URLPattern]:
        return [
            path("pick/", admin.site.admin_view(pick), name="image_studio_djangocms_pick"),
            path("pages/", admin.site.admin_view(PageList.as_view()), name="image_studio_djangocms_pages"),
        ]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form for the place where the plugin stands, or is to stand."""
        first: dict[str, Any] = self._cms_initial_attributes
        place = obj.placeholder if obj else first.get("placeholder")
        self._drafts = takes_drafts(place)
        self._linked = obj.link_page_id if obj else None
        made = super().get_form(request, obj, change, **kwargs)
        made.place = place
        made.language = str(obj.language if obj else first.get("language") or "")
        return made

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "picture":
            kwargs |= {"form_class": PluginAssetField, "policy": Policy(request.user), "drafts": self._drafts}
        elif db_field.name == "link_page":
            kwargs |= {"queryset": linkable(request, self._linked), "widget": PageSelect()}
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def render(self, context: Any, instance: StudioPicture, placeholder: Any) -> Any:
        """A live picture, in a draft also one that is not out; else what the site chose in its place, or nothing."""
        context = super().render(context, instance, placeholder)
        request = context.get("request")
        draft = looked_at_as_draft(request, instance.placeholder)
        options = {} if instance.own_alt is None else {"alt": instance.own_alt}
        # Without a request the tag shows what the public sees, whoever looks: a page that is out has no previews.
        seen_by = {"request": request if draft else None}
        context["picture"] = studio_picture(seen_by, instance.picture, instance.use_now, **options)
        over = is_over(instance.picture)
        context["over"] = draft and over
        context["waits"] = draft and not over and not is_live(instance.picture)
        return context

    def get_cache_expiration(self, request: Any, instance: StudioPicture, placeholder: Any) -> datetime | None:
        """No page that django CMS keeps outlives the rights of its pictures."""
        return kept_until(request, [instance], placeholder)

    def icon_alt(self, instance: StudioPicture) -> str:
        return f"{self.name}: {instance.picture}"


# Here and not in ready(): django CMS reads the modules of plugins when everything else is there.
if apps.is_installed("djangocms_alias"):
    watch_aliases()
