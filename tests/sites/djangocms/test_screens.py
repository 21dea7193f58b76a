"""The pages that people see, at two widths, in the light and in the dark: nothing runs over, axe finds nothing of ours.

With IMAGE_STUDIO_SHOTS set to a folder, the documentation's pictures are kept there.
"""

from __future__ import annotations

import io
import os
import sys
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from cms.api import add_plugin
from PIL import Image

from image_studio.contrib.filer.models import FiledPicture
from tests import factories
from tests.browser.chromium import axe, overflow
from tests.sites.djangocms import pages
from tests.sites.djangocms.conftest import make_live
from tests.sites.pictures import make_candidate

pytestmark = [
    pytest.mark.sites,
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]
SHOTS = os.environ.get("IMAGE_STUDIO_SHOTS", "")
LOOKS = [(1280, "light"), (1280, "dark"), (400, "light"), (400, "dark")]
WORDS = "<p>The first flush of the year has arrived. We brew it at eighty degrees, for three minutes.</p>"


@cache
def drawn():
    """The demo's tea tin for the documentation, which takes seconds to draw; else a plain picture."""
    if not SHOTS:
        return factories.draw_photo((1280, 720))
    sys.path.insert(0, str(Path(__file__).parents[3] / "example_project"))
    try:
        return import_module("demo.draw").picture((1280, 720))
    finally:
        sys.path.pop(0)


def keep(page, name):
    """A picture for the documentation, as small as it stays readable."""
    if not SHOTS:
        return
    with Image.open(io.BytesIO(page.screenshot())) as shot:
        shot.convert("RGB").save(Path(SHOTS) / f"{name}.webp", quality=82, method=6)


def photo(brand, make=make_live, **fields):
    image = drawn().convert("RGB")
    data = factories.encoded(image, "jpeg", quality=92)
    return make(brand, image=image, data=data, **fields)


@pytest.fixture
def content(boss, brand):
    """A draft with a text and two pictures, one of them not out."""
    factories.make_channels()
    found = pages.make_page(boss, "Spring tea")
    pages.put(found, photo(brand, title="Tea tin in window light"))
    add_plugin(pages.place(found), "TextPlugin", "en", body=WORDS)
    pages.put(found, photo(brand, make_candidate, title="The tin, evening light"))
    return found


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_the_draft_with_what_waits(open_page, boss, content, width, scheme):
    editor = open_page(boss, width=width, scheme=scheme)
    editor.visit(pages.edit_url(content))
    note = editor.page.locator(".studio-picture-note")
    assert "Not published: To review" in note.inner_text()
    assert axe(editor.page, ".studio-picture-note") == []
    assert editor.page.locator("main").evaluate("one => one.scrollWidth - one.clientWidth") <= 0
    if (width, scheme) == (1280, "light"):
        editor.page.get_by_text("Image studio (1 not published)").click()
        editor.page.wait_for_timeout(300)
        keep(editor.page, "djangocms-draft")


def test_structure_mode(open_page, boss, content):
    editor = open_page(boss)
    editor.visit(pages.structure_url(content))
    small = editor.page.locator("img.studio-structure")
    assert small.count() == 2
    for image in small.all():
        assert image.evaluate("one => one.decode().then(() => one.naturalWidth > 0)")
    keep(editor.page, "djangocms-structure")


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_the_picker(open_page, boss, content, width, scheme):
    editor = open_page(boss, width=width, scheme=scheme)
    if width == 1280:
        editor.visit(pages.structure_url(content))
        frame = editor.add_picture()
    else:
        editor.page.goto(editor.address + editor.add_url(pages.place(content)))
        frame = editor.page
        assert overflow(editor.page) <= 0
    frame.locator(".studio-picker [data-do=open]").click()
    cards = frame.locator("dialog.studio-pick[open] li")
    cards.first.wait_for()
    assert cards.count() == 2
    for image in cards.locator("img").all():
        assert image.evaluate("one => one.decode().then(() => one.naturalWidth > 0)")
    if width == 1280:
        keep(editor.page, "djangocms-picker" if scheme == "light" else "djangocms-picker-dark")
    elif SHOTS and scheme == "dark":
        keep(editor.page, "djangocms-picker-phone")


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_filers_folder(open_page, boss, brand, content, width, scheme):
    image = FiledPicture.objects.get(place=0).image
    editor = open_page(boss, width=width, scheme=scheme)
    editor.page.goto(f"{editor.address}/admin/filer/folder/{image.folder_id}/list/")
    box = editor.page.locator(f"input.action-select[value='file-{image.pk}']")
    box.wait_for(state="attached")
    box.check(force=True)
    editor.page.locator(".js-actions-menu .nav-button-dots").click()
    action = editor.page.locator(".js-actions-menu").get_by_text("Generate brand-safe variants")
    action.wait_for()
    if (width, scheme) == (1280, "light"):
        keep(editor.page, "filer-folder")


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_the_choice_of_a_brand(open_page, boss, brand, content, width, scheme):
    factories.make_brand("northwind")
    image = FiledPicture.objects.get(place=0).image
    image.folder = None
    image.save()
    copied = type(image)(name="Shelf", original_filename="shelf.jpg", is_public=True)
    copied.file.save("shelf.jpg", io.BytesIO(factories.encoded(factories.draw_photo((400, 300)), "jpeg")), save=False)
    copied.save()
    editor = open_page(boss, width=width, scheme=scheme)
    editor.page.goto(f"{editor.address}/admin/filer/folder/unfiled_images/")
    editor.page.locator(f"input.action-select[value='file-{copied.pk}']").check(force=True)
    editor.page.locator(".js-actions-menu .nav-button-dots").click()
    with editor.page.expect_navigation():
        editor.page.locator(".js-actions-menu").get_by_text("Generate brand-safe variants").click()
    editor.page.get_by_label("Brand", exact=True).wait_for()
    assert axe(editor.page, "#content") == []
    assert overflow(editor.page) <= 0
    if (width, scheme) == (1280, "light"):
        keep(editor.page, "filer-brand")
