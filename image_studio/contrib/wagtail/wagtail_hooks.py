"""What the studio hangs into Wagtail's admin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import include, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from wagtail import hooks
from wagtail.admin import messages
from wagtail.admin.menu import MenuItem

from image_studio.contrib.wagtail import editing, judging, urls
from image_studio.contrib.wagtail.choosing import PictureChooserViewSet, picture_chooser
from image_studio.contrib.wagtail.panel import PREFIX
from image_studio.contrib.wagtail.promotion import withdrawn_images
from image_studio.contrib.wagtail.variants import MakeVariants
from image_studio.policy import Policy


@hooks.register("register_admin_urls")
def admin_urls() -> list[Any]:
    return [path("studio/", include((urls.urlpatterns, urls.app_name), namespace=PREFIX))]


@hooks.register("register_admin_viewset")
def admin_viewset() -> PictureChooserViewSet:
    return picture_chooser


class StudioMenuItem(MenuItem):
    """Shown to members of a brand."""

    def is_shown(self, request: HttpRequest) -> bool:
        return Policy(request.user).somewhere("view")


@hooks.register("register_admin_menu_item")
def menu_item() -> MenuItem:
    return StudioMenuItem(_("Studio"), reverse(f"{PREFIX}:panel"), name="studio", icon_name="image", order=310)


@hooks.register("insert_global_admin_css")
def css() -> str:
    return format_html('<link rel="stylesheet" href="{}">', static("image_studio_wagtail/panel.css"))


@hooks.register("insert_global_admin_js")
def script() -> str:
    return format_html('<script type="module" src="{}"></script>', static("image_studio_wagtail/panel.js"))


@hooks.register("construct_image_chooser_queryset")
def without_withdrawn(images: Any, request: HttpRequest) -> Any:
    """An image that shows a fallback is chosen by nobody."""
    return images.exclude(pk__in=withdrawn_images())


@hooks.register("before_edit_page")
@hooks.register("before_edit_snippet")
def edited(request: HttpRequest, instance: Any) -> None:
    """Blocks and controls of the form ask whose it is."""
    editing.begin(request.user, instance)


@hooks.register("before_create_page")
@hooks.register("before_create_snippet")
def created(request: HttpRequest, *_more: Any) -> None:
    editing.begin(request.user)


@hooks.register("before_bulk_action")
def judge_bulk_publish(request: HttpRequest, action_type: str, objects: Any, action: Any) -> HttpResponse | None:
    """Say it before pages go live that may not: what publishes many asks no form."""
    if action_type != "publish":
        return None
    for one in _due(request.user, objects, action):
        draft = one.get_latest_revision_as_object() if hasattr(one, "get_latest_revision_as_object") else one
        try:
            judging.judge_publishing(getattr(draft, "specific", draft))
        except ValidationError as error:
            messages.error(request, f"{draft}: {' '.join(error.messages)}")
            return redirect(action.next_url)
    return None


def _due(user: Any, objects: Any, action: Any) -> Iterator[Any]:
    """What a bulk action publishes: what was ticked and, where that was asked, the drafts below it."""
    below = action.get_execution_context().get("include_descendants")
    for one in objects:
        yield one
        for page in one.get_descendants().not_live().specific() if below else ():
            if page.permissions_for_user(user).can_publish():
                yield page


hooks.register("register_bulk_action", MakeVariants)
