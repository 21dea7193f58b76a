"""The panel on its own page, without a script: ask, see the price, order, release, take."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import wagtail
from django.core.management import call_command
from django.template.loader import get_template
from django.urls import reverse
from wagtail.images import get_image_model
from wagtail.images.views import chooser

from image_studio.contrib.wagtail import checks
from image_studio.models import Asset, Channel, Job, VariantSet
from tests import factories
from tests.sites.wagtail.conftest import make_live
from tests.sites.wagtail.models import LeadPage
from tests.sites.wagtail.test_doors import grant

pytestmark = [pytest.mark.sites, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("home")]


@pytest.fixture
def bare():
    """A brand that puts nothing on a picture, so that no check stands in the way."""
    factories.make_channels("square", "web-hero")
    return factories.make_bare_brand("acme")


def asked(brand, channel, **more):
    given = {"brand": brand.pk, "words": "A tea tin on a table", "channel": channel, "locale": "en"}
    return {**given, "route": "fake", "takes": 1, "key": "a" * 32, **more}


def channel_pk(slug="square"):
    return Channel.objects.get(slug=slug).pk


def test_from_words_to_an_image(editor, bare):
    order = reverse("image_studio_wagtail:order") + "?place=page"
    priced = editor.post(order, {**asked(bare, channel_pk()), "do": "price"}).content.decode()
    assert "Make 1 picture: about $0.04" in priced
    assert not Job.objects.exists()
    digest = re.search(r'name="digest" value="(\w+)"', priced)[1]
    told = editor.post(order, {**asked(bare, channel_pk()), "do": "order", "digest": digest}).content.decode()
    variant_set = VariantSet.objects.get()
    asset = Asset.objects.get(variants__variant_set=variant_set)
    assert reverse("image_studio_wagtail:picture", args=[asset.pk]) in told
    assert "Approve and publish" in told
    release = reverse("image_studio_wagtail:release", args=[asset.pk]) + "?place=page"
    given = {"set": variant_set.pk, "seen": asset.sha256, "alt_en": "A tin"}
    refused = editor.post(release, given).content.decode()
    assert "help-critical" in refused  # nothing was signed
    assert Asset.objects.get(pk=asset.pk).state == "candidate"
    released = editor.post(release, {**given, "declared": list(factories.DECLARED)}).content.decode()
    assert Asset.objects.get(pk=asset.pk).state == "published"
    assert "Add to the images" in released
    if get_image_model()._meta.label == "wagtailsite.HousePhoto":
        Asset.objects.filter(pk=asset.pk).update(licence="CC BY")
    used = editor.post(reverse("image_studio_wagtail:use", args=[asset.pk]) + "?place=page").content.decode()
    image = get_image_model().objects.get()
    assert reverse("wagtailimages:edit", args=[image.pk]) in used
    assert image.description == "A tin"


def test_an_order_that_was_not_priced_is_not_placed(editor, bare):
    order = reverse("image_studio_wagtail:order") + "?place=page"
    editor.post(order, {**asked(bare, channel_pk()), "do": "order", "digest": ""})
    assert not VariantSet.objects.exists()


def test_twice_sent_is_once_bought(editor, bare):
    order = reverse("image_studio_wagtail:order") + "?place=page"
    priced = editor.post(order, {**asked(bare, channel_pk()), "do": "price"}).content.decode()
    digest = re.search(r'name="digest" value="(\w+)"', priced)[1]
    for _time in range(2):
        editor.post(order, {**asked(bare, channel_pk()), "do": "order", "digest": digest})
    assert VariantSet.objects.count() == 1


def test_what_does_not_hold_is_said_at_its_field(editor, bare):
    order = reverse("image_studio_wagtail:order") + "?place=page"
    told = editor.post(order, {**asked(bare, channel_pk(), words="", takes=9), "do": "price"}).content.decode()
    assert "This field is required." in told
    assert "less than or equal to 4" in told


def test_variants_of_a_picture_by_the_free_route(editor, bare):
    asset = make_live(bare, (1600, 1200), licence="CC BY")
    order = reverse("image_studio_wagtail:order") + f"?place=page&source={asset.pk}"
    given = asked(bare, channel_pk("web-hero"), words="", route="reframe")
    priced = editor.post(order, {**given, "do": "price"}).content.decode()
    digest = re.search(r'name="digest" value="(\w+)"', priced)[1]
    assert "Make 1 picture: free" in priced
    editor.post(order, {**given, "do": "order", "digest": digest})
    assert VariantSet.objects.get().source_id == asset.pk


def test_the_panel_alone_for_its_script(editor, bare):
    whole = editor.get(reverse("image_studio_wagtail:panel")).content.decode()
    alone = editor.get(reverse("image_studio_wagtail:panel"), headers={"X-Studio-Panel": "1"}).content.decode()
    assert "<html" in whole
    assert "<html" not in alone
    assert 'class="studio-order"' in alone


def choices(html, name):
    select = re.search(rf'<select name="{name}".*?</select>', html, re.DOTALL)[0]
    return re.findall(r"<option[^>]*>\s*(.*?)\s*</option>", select)


def narrowed_dialog(editor):
    answer = editor.get(reverse("image_studio_wagtail_chooser:choose") + "?brand=acme&channel=web-hero")
    return answer.json()["html"]


def test_the_form_offers_what_the_field_takes(editor, bare):
    factories.make_bare_brand("other")
    whole = editor.get(reverse("image_studio_wagtail_chooser:choose")).json()["html"]
    assert choices(whole, "brand") == ["Acme", "Other"]
    assert len(choices(whole, "channel")) == 2
    told = narrowed_dialog(editor)
    assert choices(told, "brand") == ["Acme"]
    assert choices(told, "channel") == [Channel.objects.get(slug="web-hero").name]


def test_what_the_field_does_not_take_is_not_ordered_for_it(editor, bare):
    """It would be paid for, and refused by the field."""
    order = re.search(r'action="([^"]*/order/[^"]*)"', narrowed_dialog(editor))[1].replace("&amp;", "&")
    told = editor.post(order, {**asked(bare, channel_pk("square")), "do": "price"}).content.decode()
    assert "Select a valid choice" in told
    assert "Make 1 picture" not in told
    told = editor.post(order, {**asked(bare, channel_pk("web-hero")), "do": "price"}).content.decode()
    assert "Make 1 picture" in told
    assert choices(told, "channel") == [Channel.objects.get(slug="web-hero").name]


@pytest.mark.parametrize("slug", ["square", "web-hero"])
def test_what_the_field_does_not_take_is_not_used_for_it(editor, bare, slug):
    asset = make_live(bare, channel=Channel.objects.get(slug=slug))
    url = reverse("image_studio_wagtail:use", args=[asset.pk])
    told = editor.post(f"{url}?place=asset&brand=acme&channel=web-hero").content.decode()
    assert ("This picture was made for another place." in told) is (slug == "square")
    assert ("data-studio-chosen" in told) is (slug == "web-hero")


def test_who_makes_pictures_of_other_brands_alone_makes_none_for_the_field(client, home, bare):
    creator = factories.make_user("creator", brand=factories.make_bare_brand("other"), is_staff=True)
    bare.memberships.create(user=creator, role="viewer")
    grant(creator)
    client.force_login(creator)
    told = narrowed_dialog(client)
    assert 'class="studio-order"' not in told
    assert "You may look at pictures, not make them." in told


def test_a_foreign_keys_control_opens_its_own_dialog(home):
    fields = LeadPage.get_edit_handler().get_form_class()().fields
    url = reverse("image_studio_wagtail_chooser:choose")
    assert fields["acme"].widget.get_chooser_modal_url() == f"{url}?brand=acme"
    assert fields["picture"].widget.get_chooser_modal_url() == url


def test_who_is_in_no_brand_sees_neither_menu_nor_page(client, home, bare):
    nobody = factories.make_user(is_staff=True)
    grant(nobody)
    client.force_login(nobody)
    assert client.get(reverse("image_studio_wagtail:panel")).status_code == 404
    assert "/cms/studio/" not in client.get("/cms/").content.decode()


def test_who_is_not_in_the_admin_is_sent_away(client, home, bare):
    client.force_login(factories.make_user("manager", brand=bare))
    assert client.get(reverse("image_studio_wagtail:panel")).status_code == 302


def test_the_tab_is_in_wagtails_own_chooser(editor, bare):
    told = editor.get(reverse("wagtailimages_chooser:choose")).json()["html"]
    assert 'id="tab-studio"' in told
    assert told.count('role="tab"') == 3
    assert "data-chooser-modal-choice data-studio-choice" in told


def test_a_template_of_the_sites_own_stays_and_the_check_says_so(editor, bare, monkeypatch):
    theirs = chooser.viewset.choose_view_class.__mro__[2]
    monkeypatch.setattr(theirs, "template_name", "wagtailadmin/generic/chooser/chooser.html")
    told = editor.get(reverse("wagtailimages_chooser:choose")).json()["html"]
    assert 'id="tab-studio"' not in told
    assert [one.id for one in checks.check_wagtail(app_configs=None)] == ["image_studio_wagtail.W001"]


def test_the_templates_that_ours_repeat_are_as_they_were():
    """Wagtail has no hook for a tab: when these change, ours have to follow."""
    folder = Path(wagtail.__file__).parent
    theirs = (folder / "admin/templates/wagtailadmin/generic/chooser/chooser.html").read_text()
    ours = Path(get_template("image_studio_wagtail/chooser.html").origin.name).read_text()
    images = (folder / "images/templates/wagtailimages/chooser/chooser.html").read_text()
    with_images = Path(get_template("image_studio_wagtail/image_chooser.html").origin.name).read_text()
    for part, ours_now in ((theirs, ours), (images, with_images)):
        lines = {line.strip().replace("{% trans ", "{% translate ") for line in part.splitlines() if line.strip()}
        mine = {line.strip() for line in ours_now.splitlines()}
        missing = {line for line in lines - mine if not line.startswith(("{% comment", "{% extends", "{% load"))}
        assert all("creation_form" in line or "creation_tab" in line or "w-tabs__wrapper" in line for line in missing)


def test_checks_and_migrations_hold(editor):
    call_command("check", fail_level="WARNING")
    call_command("makemigrations", check=True, dry_run=True)


@pytest.mark.parametrize(
    "given",
    [{"COLECTIONS": {}}, {"COLLECTIONS": "x"}, {"IMAGE_FIELDS": {"prompt": "x"}}, {"FILL_IMAGE": "tests.nowhere.fill"}],
)
def test_a_setting_that_does_not_hold_is_named(settings, given):
    settings.IMAGE_STUDIO_WAGTAIL = given
    (found,) = checks.check_wagtail(app_configs=None)
    assert found.id == "image_studio_wagtail.E001"
    assert next(iter(given)) in found.msg
