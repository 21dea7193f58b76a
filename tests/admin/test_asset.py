"""The library and a picture's page: uploads, words, rights, and what a reviewer says."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from image_studio.models import Asset, CheckResult
from tests import factories
from tests.admin.browser import Page
from tests.corpus import corpus

pytestmark = pytest.mark.django_db
ADD = "admin:image_studio_asset_add"
LIST = "admin:image_studio_asset_changelist"


@pytest.fixture
def asset(brand):
    return factories.make_asset(brand, (400, 300))


def url_of(asset):
    return reverse("admin:image_studio_asset_change", args=[asset.pk])


def edit(client, asset, **changes):
    data = Page.of(client.get(url_of(asset))).data(**changes)
    return client.post(url_of(asset), {**data, "_continue": "1"})


def errors_of(response):
    return response.context["adminform"].form.errors


def upload(client, brand, *files, **data):
    return client.post(reverse(ADD), {"brand": brand.pk, "pictures": list(files), **data}, follow=True)


def picture(name="my_holiday-photo.png", size=(120, 80), hue=0):
    return SimpleUploadedFile(name, factories.encoded(factories.draw_photo(size, hue=hue)), "image/png")


# Uploads -----------------------------------------------------------------------------------------------------------


def test_an_upload_goes_to_its_page(boss, brand):
    response = upload(boss, brand, picture())
    added = Asset.objects.get()
    assert response.redirect_chain[-1][0] == url_of(added)
    assert (added.title, added.brand, added.created_by) == ("my holiday photo", brand, boss.user)
    assert "Added:" in Page.of(response).text


def test_each_file_has_its_own_outcome(boss, brand):
    svg = SimpleUploadedFile("drawing.svg", b"<svg onload=alert(1)>")
    empty = SimpleUploadedFile("empty.png", b"")
    response = upload(boss, brand, picture("one.png"), svg, picture("two.png", hue=40), empty)
    assert response.status_code == 200
    errors = response.context["form"].errors["pictures"]
    assert [error.split(":")[0] for error in errors] == ["drawing.svg", "empty.png"]
    assert sorted(Asset.objects.values_list("title", flat=True)) == ["one", "two"]


def test_the_same_bytes_are_not_added_twice(boss, brand):
    upload(boss, brand, picture())
    response = upload(boss, brand, picture("other name.png"))
    assert "Already here:" in Page.of(response).text
    assert Asset.objects.count() == 1


def test_a_hostile_name_stays_text(boss, brand):
    response = upload(
        boss, brand, picture('"><img src=x onerror=alert(1)>.png'), SimpleUploadedFile("<b>x</b>.png", b"no")
    )
    page = Page.of(response)
    assert page.inline == []
    assert "<b>x</b>" not in page.html


def test_too_heavy_is_said_before_it_is_read(boss, brand, settings):
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "MAX_UPLOAD_BYTES": 100}
    response = upload(boss, brand, picture())
    assert "100" in str(response.context["form"].errors["pictures"])
    assert not Asset.objects.exists()


def test_nothing_chosen_is_said(boss, brand):
    response = boss.post(reverse(ADD), {"brand": brand.pk})
    assert response.context["form"].errors["pictures"]


def test_uploads_go_to_brands_where_one_may(as_role, brand):
    creator = as_role("creator")
    other = factories.make_brand()
    response = upload(creator, other, picture())
    assert response.context["form"].errors["brand"]
    assert not Asset.objects.exists()
    assert as_role("viewer").get(reverse(ADD)).status_code == 403


@pytest.mark.parametrize("name", ["valid_odd/ori__Landscape_6.jpg", "valid_odd/ori__Landscape_8.jpg"])
def test_a_turned_photo_stands_upright(boss, brand, name):
    path = corpus(name)
    upload(boss, brand, SimpleUploadedFile(path.name, path.read_bytes(), "image/jpeg"))
    added = Asset.objects.get()
    assert added.width > added.height


# Words and rights --------------------------------------------------------------------------------------------------


def test_words_rights_and_focal_point_are_kept(boss, asset):
    response = edit(
        boss,
        asset,
        title="Red bottle",
        alt_ar="زجاجة",
        focal_x="62.5",
        focal_y="40",
        licence="CC BY",
        expires_at_0="2030-01-31",
        expires_at_1="12:00:00",
    )
    assert response.status_code == 302
    asset.refresh_from_db()
    assert (asset.title, asset.licence, asset.focal) == ("Red bottle", "CC BY", (0.625, 0.4))
    assert asset.alt == {"en": "A red bottle on a table", "ar": "زجاجة"}
    assert asset.expires_at.year == 2030
    edit(boss, asset, focal_x="", focal_y="", expires_at_0="", expires_at_1="", alt_en="")
    asset.refresh_from_db()
    assert (asset.focal, asset.expires_at, asset.alt) == (None, None, {"ar": "زجاجة"})


def test_languages_that_the_brand_no_longer_has_keep_their_words(boss, asset):
    Asset.objects.filter(pk=asset.pk).update(alt={"en": "A", "fr": "Une bouteille"})
    edit(boss, asset, title="New")
    asset.refresh_from_db()
    assert asset.alt["fr"] == "Une bouteille"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"focal_x": "50", "focal_y": ""}, "focal_y"),
        ({"focal_x": "120", "focal_y": "50"}, "focal_x"),
        ({"focal_x": "left", "focal_y": "50"}, "focal_x"),
        ({"title": "x" * 300}, "title"),
        ({"expires_at_0": "someday"}, "expires_at"),
    ],
)
def test_what_does_not_hold_is_said_at_its_field(boss, asset, changes, field):
    response = edit(boss, asset, **changes)
    assert response.status_code == 200
    assert field in errors_of(response)
    asset.refresh_from_db()
    assert asset.title == "A bottle"


def test_state_and_provenance_are_not_the_forms_to_write(boss, asset):
    edit(boss, asset, state="published", origin="provider", created_by="1", source_type="trainedAlgorithmicMedia")
    before = asset
    asset = Asset.objects.get(pk=asset.pk)
    for name in ("state", "origin", "created_by", "source_type", "sha256"):
        assert getattr(asset, name) == getattr(before, name)


def test_a_reviewer_of_another_brand_cannot_write(as_role, asset):
    stranger = as_role("manager", of=factories.make_brand())
    assert stranger.post(url_of(asset), {"title": "Hacked"}).status_code == 404


# Review ------------------------------------------------------------------------------------------------------------


def say(client, asset, verb, **data):
    url = reverse("admin:image_studio_asset_say", args=[asset.pk])
    return client.post(url, {"do": verb, "declaration": factories.DECLARED, **data}, follow=True)


def test_approve_then_publish_then_withdraw(boss, asset, django_capture_on_commit_callbacks):
    assert "Waits for a reviewer" in Page.of(boss.get(url_of(asset))).text
    say(boss, asset, "approve")
    assert "Approved, not live yet" in Page.of(boss.get(url_of(asset))).text
    with django_capture_on_commit_callbacks(execute=True):
        say(boss, asset, "publish")
    assert "Live since" in Page.of(boss.get(url_of(asset))).text
    with django_capture_on_commit_callbacks(execute=True):
        say(boss, asset, "withdraw")
    asset.refresh_from_db()
    assert asset.state == "withdrawn"


def test_a_placeholder_is_never_offered_for_release(boss, brand):
    standin = factories.make_asset(brand, (200, 200), publishable=False)
    page = Page.of(boss.get(url_of(standin)))
    assert {value for name, value, _form in page.buttons if name == "do"} == {"reject"}
    response = say(boss, standin, "approve")
    assert [message.level_tag for message in response.context["messages"]] == ["error"]
    standin.refresh_from_db()
    assert standin.state == "candidate"


def test_a_picture_that_waits_for_a_worker_says_so(boss, asset, settings):
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "DOORBELL": "poll"}
    say(boss, asset, "approve_publish")
    text = Page.of(boss.get(url_of(asset))).text
    assert "Its public files are being made" in text
    assert "studio_worker" in text


def test_a_failed_check_is_shown_with_its_box(boss, asset):
    CheckResult.objects.create(
        asset=asset,
        check_name="contrast",
        kind="measured",
        verdict="fail",
        blocks=True,
        code="contrast.low",
        region=[0, 0, 0.5, 0.5],
    )
    html = boss.get(url_of(asset)).content.decode()
    assert 'width="50.00%" height="50.00%"' in html
    assert "Approve over the failed check" in html


@pytest.mark.parametrize("verb", ["", "delete", "describe"])
def test_words_that_are_no_verb_are_refused(boss, asset, verb):
    assert say(boss, asset, verb).status_code == 403


@pytest.mark.parametrize(
    ("role", "state"), [("viewer", "candidate"), ("creator", "candidate"), ("reviewer", "approved")]
)
def test_roles_decide_what_may_be_said(as_role, asset, role, state):
    say(as_role(role), asset, "approve")
    asset.refresh_from_db()
    assert asset.state == state


# The list ----------------------------------------------------------------------------------------------------------


def test_the_library_keeps_true_ratios_and_costs_the_same_for_any_size(boss, brand, django_assert_max_num_queries):
    for i in range(8):
        factories.make_asset(brand, (90, 160), title=f"Shot {i}")
    with django_assert_max_num_queries(12):
        html = boss.get(reverse(LIST)).content.decode()
    assert 'width="90" height="156"' not in html  # that would be another shape
    assert 'width="88" height="156"' in html  # 90 x 160 within 170 x 156


def test_an_empty_library_teaches(boss):
    assert "Your pictures live here" in Page.of(boss.get(reverse(LIST))).text


def test_a_searched_library_finds_by_title(boss, brand):
    factories.make_asset(brand, (60, 60), title="Blue vase")
    factories.make_asset(brand, (60, 60), title="Red cup")
    text = Page.of(boss.get(reverse(LIST) + "?q=vase")).text
    assert "Blue vase" in text
    assert "Red cup" not in text
    assert "No picture matches" in Page.of(boss.get(reverse(LIST) + "?q=nothing")).text
