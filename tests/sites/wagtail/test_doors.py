"""Every door by which a picture that nobody approved could reach a page or become an image: each is tried."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.urls import reverse
from wagtail.images import get_image_model
from wagtail.models import Page, Revision

from image_studio.contrib.wagtail.models import StudioImage
from image_studio.contrib.wagtail.promotion import promote
from image_studio.models import Asset
from image_studio.policy import Policy
from image_studio.workflow import withdraw
from tests import factories
from tests.sites.pictures import make_candidate
from tests.sites.wagtail.conftest import make_article, make_live, picture_block
from tests.sites.wagtail.models import ArticlePage

pytestmark = [pytest.mark.sites, pytest.mark.django_db(transaction=True)]
NOT_OUT = ["candidate", "shortlisted", "approved", "rejected"]


def in_state(brand, state):
    asset = make_candidate(brand)
    Asset.objects.filter(pk=asset.pk).update(state=state)
    asset.refresh_from_db()
    return asset


def form(page, key, *, publish=True, kind="picture"):
    """What the page editor sends."""
    data = {
        "title": page.title,
        "slug": page.slug,
        "body-count": "1",
        "body-0-deleted": "",
        "body-0-order": "0",
        "body-0-type": kind,
        "body-0-id": "",
        "body-0-value-picture": str(key),
        "body-0-value-alt": "",
        "teaser": "",
        "comments-TOTAL_FORMS": "0",
        "comments-INITIAL_FORMS": "0",
        "comments-MIN_NUM_FORMS": "0",
        "comments-MAX_NUM_FORMS": "",
    }
    return {**data, "action-publish": "1"} if publish else data


def send(editor, page, key, **more):
    return editor.post(reverse("wagtailadmin_pages:edit", args=[page.pk]), form(page, key, **more))


def on_page(page):
    """The pictures of the live page."""
    return [block.value["picture"] for block in ArticlePage.objects.get(pk=page.pk).body]


def test_the_editor_takes_a_live_picture(home, brand, editor):
    page, asset = make_article(home), make_live(brand)
    answer = send(editor, page, asset.pk)
    assert answer.status_code == 302
    assert on_page(page) == [asset]


@pytest.mark.parametrize("publish", [True, False])
@pytest.mark.parametrize("state", NOT_OUT)
def test_the_editor_refuses_what_is_not_out(home, brand, editor, state, publish):
    page = make_article(home)
    answer = send(editor, page, in_state(brand, state).pk, publish=publish)
    assert answer.status_code == 200
    assert "This picture is not published yet." in answer.content.decode()
    assert on_page(page) == []
    assert page.revisions.count() == 1


@pytest.mark.parametrize("key", ["", "nonsense", "0190d3a4-0000-7000-8000-000000000000"])
def test_the_editor_refuses_what_is_no_picture(home, brand, editor, key):
    page = make_article(home)
    assert send(editor, page, key).status_code == 200
    assert on_page(page) == []


def test_a_draft_may_wait_for_its_picture(home, brand, editor):
    page = make_article(home)
    assert send(editor, page, "", publish=False).status_code == 302
    assert on_page(page) == []


def test_a_block_of_one_brand_refuses_the_others(home, brand, editor):
    page = make_article(home)
    answer = send(editor, page, make_live(factories.make_brand("other")).pk, kind="acme")
    assert "This picture belongs to another brand." in answer.content.decode()
    assert on_page(page) == []


def test_a_withdrawn_picture_is_chosen_by_nobody_but_may_stay(home, brand, editor):
    asset = make_live(brand)
    holder, other = make_article(home, picture_block(asset)), make_article(home, title="Other")
    withdraw(Policy.operator(), Asset.objects.get(pk=asset.pk))
    assert send(editor, holder, asset.pk).status_code == 302
    asset_of_nobody = make_live(brand)
    withdraw(Policy.operator(), Asset.objects.get(pk=asset_of_nobody.pk))
    assert send(editor, other, asset_of_nobody.pk).status_code == 200
    assert on_page(other) == []


@pytest.mark.parametrize("state", NOT_OUT)
def test_a_draft_from_a_script_goes_live_by_no_button(home, brand, editor, state):
    asset = in_state(brand, state)
    page = make_article(home, picture_block(asset), live=False)
    with pytest.raises(ValidationError, match="can't be published"):
        page.get_latest_revision().publish()
    # Wagtail's bulk action asks no form.
    url = reverse("wagtail_bulk_action", args=["wagtailcore", "page", "publish"])
    answer = editor.post(f"{url}?id={page.pk}&next=/cms/pages/{home.pk}/", {"include_descendants": ""}, follow=True)
    assert "can&#x27;t be published" in answer.content.decode()
    assert not Page.objects.get(pk=page.pk).live
    # Nor does a save.
    page.live = True
    with pytest.raises(ValidationError, match="can't be published"):
        page.save()
    assert not Page.objects.get(pk=page.pk).live


def test_a_copied_page_copies_no_more_than_it_shows(home, brand, editor):
    asset = make_live(brand)
    page = make_article(home, picture_block(asset))
    copied = page.copy(update_attrs={"slug": "copy", "title": "Copy"})
    assert on_page(copied) == [asset]
    assert Revision.objects.for_instance(copied).exists()


@pytest.mark.parametrize("state", [*NOT_OUT, "withdrawn"])
def test_the_chooser_offers_and_answers_only_what_is_out(home, brand, editor, state):
    hidden, shown = in_state(brand, state), make_live(brand, title="The live one")
    listed = editor.get(reverse("image_studio_wagtail_chooser:choose_results")).content.decode()
    assert str(shown.pk) in listed
    assert str(hidden.pk) not in listed
    chosen = editor.get(reverse("image_studio_wagtail_chooser:chosen", args=[hidden.pk]))
    assert chosen.status_code == 404
    answer = editor.get(reverse("image_studio_wagtail_chooser:chosen", args=[shown.pk]))
    assert json.loads(answer.content)["result"]["id"] == str(shown.pk)
    several = editor.get(reverse("image_studio_wagtail_chooser:chosen_multiple"), {"id": [hidden.pk, shown.pk]})
    assert [one["id"] for one in json.loads(several.content)["result"]] == [str(shown.pk)]


def test_the_chooser_shows_nobody_another_brands_pictures(home, brand, client):
    make_live(brand)
    stranger = factories.make_user("viewer", brand=factories.make_brand("other"), is_staff=True)
    grant(stranger)
    client.force_login(stranger)
    asset = Asset.objects.get()
    assert str(asset.pk) not in client.get(reverse("image_studio_wagtail_chooser:choose_results")).content.decode()
    assert client.get(reverse("image_studio_wagtail_chooser:chosen", args=[asset.pk])).status_code == 404
    for name in ("use", "picture", "release"):
        url = reverse(f"image_studio_wagtail:{name}", args=[asset.pk])
        assert (client.get(url) if name == "picture" else client.post(url)).status_code == 404


@pytest.mark.parametrize("state", [*NOT_OUT, "withdrawn"])
@pytest.mark.parametrize("place", ["image", "asset", "page"])
def test_the_panel_takes_only_what_is_out(home, brand, editor, state, place):
    asset = in_state(brand, state)
    answer = editor.post(reverse("image_studio_wagtail:use", args=[asset.pk]) + f"?place={place}")
    told = answer.content.decode()
    assert "data-studio-chosen" not in told
    assert "help-critical" in told
    assert not get_image_model().objects.exists()


def test_who_may_not_release_releases_nothing_in_the_panel(home, brand, client):
    creator = factories.make_user("creator", brand=brand, is_staff=True)
    grant(creator)
    client.force_login(creator)
    asset = make_candidate(brand)
    (kept,) = [factories.make_set(brand, locales=("en",), takes=1, requested_by=creator)]
    url = reverse("image_studio_wagtail:release", args=[asset.pk]) + "?place=page"
    client.post(url, {"set": kept.pk, "declared": list(factories.DECLARED), "seen": asset.sha256})
    assert Asset.objects.get(pk=asset.pk).state == "candidate"


def test_an_image_whose_picture_was_withdrawn_is_chosen_by_nobody(home, brand, editor):
    asset = make_live(brand, licence="CC BY")
    image = promote(Policy.operator(), asset)
    listed = reverse("wagtailimages_chooser:choose_results")
    assert f"/chooser/chosen/{image.pk}/" in editor.get(listed).content.decode()
    withdraw(Policy.operator(), Asset.objects.get(pk=asset.pk))
    assert f"/chooser/chosen/{image.pk}/" not in editor.get(listed).content.decode()
    assert editor.get(reverse("wagtailimages_chooser:chosen", args=[image.pk])).status_code in (302, 403)
    assert editor.get(reverse("wagtailimages_chooser:select_format", args=[image.pk])).status_code in (302, 403)
    several = editor.get(reverse("wagtailimages_chooser:chosen_multiple"), {"id": [image.pk]})
    assert json.loads(several.content)["result"] == []


def test_making_variants_publishes_nothing(home, brand, editor):
    data = factories.encoded(factories.draw_photo((400, 300)), "jpeg")
    image = get_image_model()(title="Own photo", file=ContentFile(data, name="own.jpg"), description="Our own")
    image.save()
    url = reverse("wagtail_bulk_action", args=[*get_image_model()._meta.label_lower.split("."), "studio_variants"])
    assert "Own photo" in editor.get(f"{url}?id={image.pk}").content.decode()
    answer = editor.post(f"{url}?id={image.pk}", {"brand": brand.pk})
    asset = Asset.objects.get()
    assert (asset.state, asset.origin, asset.title, asset.alt) == (
        "candidate",
        "import",
        "Own photo",
        {"en": "Our own"},
    )
    assert answer.url == f"/cms/studio/?source={asset.pk}"
    assert "Variants of this picture" in editor.get(answer.url).content.decode()
    editor.post(f"{url}?id={image.pk}", {"brand": brand.pk})
    assert Asset.objects.count() == 1
    assert not StudioImage.objects.exists()


def test_an_image_of_the_studio_is_its_own_source(home, brand, editor):
    asset = make_live(brand, licence="CC BY")
    image = promote(Policy.operator(), asset)
    url = reverse("wagtail_bulk_action", args=[*get_image_model()._meta.label_lower.split("."), "studio_variants"])
    assert editor.post(f"{url}?id={image.pk}", {"brand": brand.pk}).url == f"/cms/studio/?source={asset.pk}"
    assert Asset.objects.count() == 1


def grant(user):
    """The right to be in Wagtail's admin, and no more."""
    user.user_permissions.add(Permission.objects.get(codename="access_admin"))
