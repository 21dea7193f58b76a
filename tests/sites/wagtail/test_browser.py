"""An editor in Chromium: has a picture made on the page, has it approved, publishes it, and sees it withdrawn."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from PIL import Image
from wagtail.images import get_image_model

from image_studio.contrib.wagtail.models import StudioImage
from image_studio.contrib.wagtail.promotion import promote
from image_studio.imaging.metadata import SOURCE_TYPE_URI
from image_studio.models import Asset, Channel
from image_studio.policy import Policy
from image_studio.workflow import withdraw
from tests import factories
from tests.browser.chromium import axe, overflow
from tests.exiftool import source_type
from tests.sites.pictures import apart
from tests.sites.wagtail.conftest import make_article, make_live
from tests.sites.wagtail.test_derivatives import TERM, files_of

pytestmark = [pytest.mark.sites, pytest.mark.browser, pytest.mark.django_db(transaction=True)]
#: Where the documentation's pictures go; empty makes none.
SHOTS = os.environ.get("IMAGE_STUDIO_SHOTS", "")


@pytest.fixture
def bare():
    """A brand that puts nothing on a picture, so that no check stands in the way."""
    factories.make_channels("square", "web-hero")
    return factories.make_brand(kit=factories.Kit(name="Acme", slug="acme", locales=("en",)))


def shot(editor, name):
    if SHOTS:
        editor.page.wait_for_timeout(400)
        with Image.open(io.BytesIO(editor.page.screenshot())) as picture:
            picture.convert("RGB").save(Path(SHOTS) / f"{name}.webp", quality=82, method=6)


def look(editor, name, within="[data-studio]"):
    """Nothing that a person with other senses misses, and nothing beside the window."""
    shot(editor, name)
    assert axe(editor.page, within) == []
    assert overflow(editor.page) <= 0


def test_made_approved_and_published_without_leaving_the_page(open_page, home, bare, boss, public, folder):
    article = make_article(home)
    editor = open_page(boss)
    editor.edit(article)
    editor.insert()
    editor.open_pictures()
    panel = editor.generate_tab()
    editor.ask(panel, "A tea tin on a table", channel=str(Channel.objects.get(slug="square")))
    look(editor, "wagtail-generate")
    editor.order(panel)
    panel.get_by_role("button", name="Approve and publish").wait_for()
    look(editor, "wagtail-release")
    editor.release(panel, "A tea tin")
    panel.get_by_role("button", name="Use this picture").wait_for()
    editor.take(panel)
    shot(editor, "wagtail-block")
    editor.publish()
    asset = Asset.objects.get(state="published")
    told_page = public.get(article.url).content.decode()
    assert "<picture><source" in told_page
    assert 'alt="A tea tin"' in told_page
    files = files_of(public, article)
    assert len(files) >= 3
    # Generated, with the brand's own label set on it.
    assert asset.source_type == "compositeWithTrainedAlgorithmicMedia"
    terms = {source_type(data, folder) for data in files.values()}
    assert terms == {SOURCE_TYPE_URI + asset.source_type}
    withdraw(Policy.operator(), asset)
    editor.visit(article.url)
    assert editor.page.locator("[data-block=picture] img").get_attribute("src") == "/static/site/withdrawn.png"
    for url in files:
        assert public.get(url).status_code == 404
    shot(editor, "wagtail-withdrawn")


def test_a_published_picture_into_wagtails_own_image_field(open_page, home, bare, boss, public, folder):
    apart(make_live, bare, (1600, 1200), title="Tea on a tray")
    article = make_article(home)
    editor = open_page(boss)
    editor.edit(article)
    editor.open_images()
    panel = editor.generate_tab()
    look(editor, "wagtail-tab")
    editor.take(panel)
    editor.publish()
    image = get_image_model().objects.get()
    assert (image.title, StudioImage.objects.get().image_id) == ("Tea on a tray", str(image.pk))
    (url,) = files_of(public, article)
    assert source_type(public.get(url).getvalue(), folder) == TERM
    withdraw(Policy.operator(), Asset.objects.get())
    assert public.get(url).status_code == 404
    (after,) = files_of(public, article)
    assert after != url
    assert source_type(public.get(after).getvalue(), folder) == ""


def test_searching_in_the_dialog(open_page, home, bare, boss):
    apart(make_live, bare, title="Tea on a tray")
    apart(make_live, bare, title="Coffee")
    editor = open_page(boss)
    editor.edit(make_article(home))
    editor.insert()
    editor.open_pictures()
    results = editor.page.locator(".modal-body #search-results")
    assert results.locator("[data-chooser-modal-choice]").count() == 2
    look(editor, "wagtail-pictures", ".modal-body")
    editor.page.locator(".modal-body #id_q").fill("coffee")
    results.get_by_text("1 match").wait_for()
    results.get_by_role("link", name="Coffee").click()
    editor.page.locator(".modal-body").wait_for(state="detached")
    assert "Coffee" in editor.page.locator(".chooser__title").first.inner_text()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (400, "dark"), (400, "light"), (1280, "dark")])
def test_the_page_in_the_menu(open_page, home, bare, boss, width, scheme):
    for title in ("Tea on a tray", "A tea tin on a very long table in the afternoon", "Coffee"):
        apart(make_live, bare, (1600, 1200), title=title)
    editor = open_page(boss, width=width, scheme=scheme)
    editor.visit("/cms/studio/")
    look(editor, f"wagtail-page-{width}-{scheme}")
    editor.page.get_by_role("button", name="Add to the images").first.click()
    editor.page.get_by_role("link", name="Open the image").wait_for()
    assert get_image_model().objects.count() == 1


def test_make_variants_of_ticked_images(open_page, home, bare, boss):
    image = promote(Policy.operator(), apart(make_live, bare, (1600, 1200)))
    editor = open_page(boss)
    editor.visit("/cms/images/")
    editor.page.locator(f"[data-object-id='{image.pk}']").check()
    editor.page.get_by_role("link", name="Make variants").click()
    editor.page.get_by_role("heading", name="Make variants").wait_for()
    look(editor, "wagtail-variants", "main")
    editor.page.get_by_role("button", name="Go on").click()
    editor.page.get_by_role("heading", name="Variants of this picture").wait_for()
    look(editor, "wagtail-sources")
