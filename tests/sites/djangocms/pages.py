"""CMS pages for tests, made and published as the CMS itself does it."""

from __future__ import annotations

from cms.api import add_plugin, create_page
from cms.models import Placeholder
from cms.toolbar.utils import get_object_edit_url, get_object_preview_url, get_object_structure_url
from djangocms_versioning.models import Version


def make_page(user, title="Spring tea"):
    """A draft. Returns its content."""
    page = create_page(title, "page.html", "en", created_by=user)
    return page.pagecontent_set(manager="admin_manager").latest_content().get()


def place(content, slot="content"):
    """The place of a page's plugins, made where the page was never shown."""
    found, _made = Placeholder.objects.get_for_obj(content).get_or_create(slot=slot, defaults={"source": content})
    return found


def put(content, asset, **fields):
    """A picture on a page, past every form."""
    return add_plugin(place(content), "StudioPicturePlugin", "en", picture=asset, **fields)


def version_of(content):
    return Version.objects.get_for_content(content)


def publish(content, user):
    version = version_of(content)
    version.publish(user)
    return version


def address(content):
    return content.page.get_absolute_url("en") or f"/{content.slug}/"


edit_url, preview_url, structure_url = get_object_edit_url, get_object_preview_url, get_object_structure_url
