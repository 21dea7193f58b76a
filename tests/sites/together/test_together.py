"""One site, both CMSs and filer: what is bought once goes out by three doors, and comes back from behind all three."""

from __future__ import annotations

import re

import pytest
from cms.api import add_plugin
from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection
from django.db.models import ProtectedError
from django.urls import reverse
from djangocms_versioning.exceptions import ConditionFailed
from filer.models import Image as FilerImage
from wagtail.images import get_image_model

from image_studio.contrib.filer.filing import file_picture
from image_studio.contrib.filer.models import FiledPicture
from image_studio.contrib.wagtail.promotion import promote
from image_studio.exceptions import InvalidRequest
from image_studio.models import Asset, Channel, LedgerEntry
from image_studio.policy import Policy
from image_studio.workflow import approve, publish, withdraw
from image_studio.workflow.usage import uses_of
from tests import factories
from tests.sites.djangocms import pages
from tests.sites.djangocms.conftest import make_live
from tests.sites.pictures import make_candidate
from tests.sites.wagtail.conftest import make_article, picture_block
from tests.test_tag import Tags

pytestmark = [pytest.mark.sites, pytest.mark.django_db(transaction=True)]
CONTRIBS = ("image_studio_djangocms", "image_studio_filer", "image_studio_wagtail")
FALLBACK = "/static/site/withdrawn.png"
ADMINS = (
    *("/admin/", "/admin/image_studio/asset/", "/admin/cms/pagecontent/", "/admin/filer/folder/"),
    *("/cms/", "/cms/studio/", "/cms/pages/", "/cms/images/", "/cms/images/chooser/"),
)
GENERATED = b"compositeWithTrainedAlgorithmicMedia"


@pytest.fixture
def brand():
    """A brand that puts nothing on a picture, so that no check stands in the way."""
    factories.make_channels("square")
    return factories.make_bare_brand("acme")


def bought(editor, brand):
    """One picture from the provider, ordered by words in Wagtail's panel."""
    order = reverse("image_studio_wagtail:order") + "?place=page"
    given = {"brand": brand.pk, "words": "A tea tin on a table", "channel": Channel.objects.get().pk, "locale": "en"}
    given |= {"route": "fake", "takes": 1, "key": "a" * 32}
    priced = editor.post(order, {**given, "do": "price"}).content.decode()
    digest = re.search(r'name="digest" value="(\w+)"', priced)[1]
    editor.post(order, {**given, "do": "order", "digest": digest})
    return Asset.objects.get(kind="composed")


def fetched(client, url):
    """A file's bytes, as the public gets them."""
    answer = client.get(url)
    assert answer.status_code == 200, url
    return b"".join(answer.streaming_content)


def told(data):
    """The source types that a file names, wherever its format keeps them."""
    return set(re.findall(rb"newscodes/digitalsourcetype/(\w+)", data))


def shown(client, url):
    """The addresses of a page's pictures, those of every width and format."""
    answer = client.get(url)
    assert answer.status_code == 200, url
    tags = Tags(answer.content.decode())
    sets = [tag["srcset"] for kind in ("img", "source") for tag in tags.all(kind) if "srcset" in tag]
    files = [tag["src"] for tag in tags.all("img")] + [one.split()[0] for given in sets for one in given.split(",")]
    return list(dict.fromkeys(files))


class Doors:
    """A page behind each, and the ways for a picture onto them: Wagtail's, django CMS's, filer's."""

    def __init__(self, home, boss):
        self.boss = boss
        self.article = make_article(home, live=False)
        self.placed, self.teasing = pages.make_page(boss, "Offers"), pages.make_page(boss, "Teasers")

    @property
    def urls(self):
        return (self.article.url, pages.address(self.placed), pages.address(self.teasing))

    def open(self, asset):
        image = promote(Policy.operator(), asset)
        self.article.body = [picture_block(asset), ("image", image)]
        self.article.teaser = image
        self.article.save_revision().publish()
        self.article.refresh_from_db()
        pages.put(self.placed, asset)
        # Publishing has filed it.
        filed = FilerImage.objects.get(pk=FiledPicture.objects.get(asset=asset).file_id)
        add_plugin(pages.place(self.teasing), "TeaserPicturePlugin", "en", image=filed)
        for content in (self.placed, self.teasing):
            pages.publish(content, self.boss)

    def try_all(self, asset, public):
        """Each says no, and nothing of the picture is on the other side."""
        with pytest.raises(InvalidRequest):
            promote(Policy.operator(), asset)
        self.article.body = [picture_block(asset)]
        with pytest.raises(ValidationError):
            self.article.save_revision().publish()
        plugin = pages.put(self.placed, asset)
        with pytest.raises(ConditionFailed):
            pages.publish(self.placed, self.boss)
        plugin.delete()
        with pytest.raises(InvalidRequest):
            file_picture(asset)
        call_command("studio_filer")
        assert not get_image_model().objects.exists()
        assert not FilerImage.objects.exists()
        assert [public.get(url).status_code for url in self.urls] == [404] * 3


@pytest.fixture
def doors(home, boss):
    return Doors(home, boss)


# The main job -----------------------------------------------------------------------------------------------------


def test_bought_once_out_by_three_doors_and_back_from_all(editor, brand, boss, doors, public):
    asset = bought(editor, brand)
    assert (asset.state, asset.source_type) == ("candidate", GENERATED.decode())
    assert LedgerEntry.objects.filter(kind="settle").count() == 1
    doors.try_all(asset, public)
    approve(Policy(boss), asset, declaration=factories.DECLARED)
    doors.try_all(Asset.objects.get(pk=asset.pk), public)

    publish(Policy(boss), Asset.objects.get(pk=asset.pk), alt={"en": "A tin", "ar": "علبة"})
    asset = Asset.objects.get(pk=asset.pk)
    assert asset.state == "published"
    doors.open(asset)
    out = {url: shown(public, url) for url in doors.urls}
    for page, files in out.items():
        assert files
        assert FALLBACK not in files
        assert {file: told(fetched(public, file)) for file in files} == {file: {GENERATED} for file in files}, page
        assert "A tin" in public.get(page).content.decode()
    assert [public.get(url).content.count(b"<picture>") for url in doors.urls] == [2, 1, 0]
    labels = {use.label.partition(":")[0] for use in uses_of([asset])[asset.pk]}
    assert labels >= {"Filed picture", "Studio picture", "Wagtail content", "Wagtail image"}
    with pytest.raises(ProtectedError):
        asset.delete()

    withdraw(Policy(boss), asset)
    for page, files in out.items():
        assert {file: public.get(file).status_code for file in files} == dict.fromkeys(files, 404), page
        now = shown(public, page)
        assert now
        assert not any(told(fetched(public, file)) for file in now if file != FALLBACK), page
        assert "A tin" not in public.get(page).content.decode()
    assert FALLBACK in shown(public, doors.urls[0])
    assert shown(public, doors.urls[1]) == [FALLBACK]


@pytest.mark.parametrize("state", ["shortlisted", "rejected"])
def test_what_is_not_out_gets_out_by_no_door(brand, doors, public, state):
    asset = make_candidate(brand)
    Asset.objects.filter(pk=asset.pk).update(state=state)
    asset.refresh_from_db()
    doors.try_all(asset, public)


# The site ---------------------------------------------------------------------------------------------------------


def test_every_admin_opens_and_may_stand_in_its_own_frames(editor, home, brand):
    for address in ADMINS:
        answer = editor.get(address, follow=True)
        assert answer.status_code == 200, address
        assert answer.headers["X-Frame-Options"] == "SAMEORIGIN", address


def test_each_editor_offers_the_studio_alone_in_its_own_way(editor, brand, doors):
    """Neither puts its own parts onto the other's pages."""
    wagtails = editor.get(reverse("wagtailadmin_pages:edit", args=[doors.article.pk])).content.decode()
    assert "Studio picture" in wagtails
    assert "cms-toolbar" not in wagtails
    assert "Generate" in editor.get("/cms/images/chooser/").json()["html"]
    theirs = editor.get(pages.edit_url(doors.placed)).content.decode()
    assert "StudioPicturePlugin" in theirs
    assert "wagtail-userbar" not in theirs


def test_each_contrib_migrates_back_and_forward_again(brand, doors, public):
    """With rows in its tables; what it leaves behind does not stop what comes after."""
    asset = make_live(brand)
    doors.open(asset)
    try:
        for label in CONTRIBS:
            call_command("migrate", label, "zero", verbosity=0)
        assert not tables()
    finally:
        call_command("migrate", verbosity=0)
    assert tables() == {model._meta.db_table for label in CONTRIBS for model in apps.get_app_config(label).get_models()}
    assert {public.get(url).status_code for url in doors.urls} == {200}
    call_command("studio_filer")
    call_command("studio_wagtail_uses")
    labels = {use.label.partition(":")[0] for use in uses_of([asset])[asset.pk]}
    assert labels >= {"Filed picture", "Wagtail content"}


def tables():
    return {name for name in connection.introspection.table_names() if name.startswith(CONTRIBS)}
