"""A picture's page and the upload form: words, rights, what a reviewer says, and what the page tells."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from image_studio.models import Asset, CheckResult, Event, JobOutput
from tests import factories
from tests.admin.browser import Page
from tests.corpus import corpus

pytestmark = pytest.mark.django_db
ADD = "admin:image_studio_asset_add"
DATA = {"HTTP_ACCEPT": "application/json"}


@pytest.fixture
def asset(brand):
    return factories.make_asset(brand, (400, 300))


def url_of(asset):
    return reverse("admin:image_studio_asset_change", args=[asset.pk])


def edit(client, asset, **changes):
    data = Page.of(client.get(url_of(asset))).data(**changes)
    return client.post(url_of(asset), data)


def errors_of(response):
    return response.context["form"].errors


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
        expires_at="2030-01-31T12:00",
        tags="Tea, spring , tea",
    )
    assert response.status_code == 302
    asset.refresh_from_db()
    assert (asset.title, asset.licence, asset.focal) == ("Red bottle", "CC BY", (0.625, 0.4))
    assert asset.alt == {"en": "A red bottle on a table", "ar": "زجاجة"}
    assert asset.expires_at.year == 2030
    assert asset.tags == ["tea", "spring"]
    assert "spring" in asset.words
    edit(boss, asset, focal_x="", focal_y="", expires_at="", alt_en="")
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
        ({"expires_at": "someday"}, "expires_at"),
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
    assert {value for name, value, _form in page.buttons if name == "do"} == {
        "shortlist",
        "change",
        "reject",
    }
    response = say(boss, standin, "approve")
    assert [message.level_tag for message in response.context["messages"]] == ["error"]
    standin.refresh_from_db()
    assert standin.state == "candidate"


def test_a_picture_that_waits_for_a_worker_says_so(boss, asset, settings):
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "DOORBELL": "poll"}
    say(boss, asset, "approve_publish")
    text = Page.of(boss.get(url_of(asset))).text
    assert "its public files are being made" in text
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
    response = say(boss, asset, verb)
    assert response.status_code == 200
    assert "nothing that can be said" in str(next(iter(response.context["messages"])))
    asset.refresh_from_db()
    assert asset.state == "candidate"


@pytest.mark.parametrize(
    ("role", "state"), [("viewer", "candidate"), ("creator", "candidate"), ("reviewer", "approved")]
)
def test_roles_decide_what_may_be_said(as_role, asset, role, state):
    say(as_role(role), asset, "approve")
    asset.refresh_from_db()
    assert asset.state == state


def answer(client, asset, verb, **data):
    url = reverse("admin:image_studio_asset_say", args=[asset.pk])
    return client.post(url, {"do": verb, "declaration": factories.DECLARED, **data}, **DATA)


def test_a_script_is_told_the_new_state(boss, asset):
    told = answer(boss, asset, "approve", seen=asset.sha256).json()
    assert (told["ok"], told["state"], told["label"]) == (True, "approved", "Approved")
    assert told["message"]


def test_saying_it_twice_is_one_decision_and_one_message(boss, asset):
    answer(boss, asset, "approve")
    again = answer(boss, asset, "approve")
    assert (again.status_code, again.json()["code"]) == (409, "asset.wrong_state")
    assert asset.reviews.count() == 1


def test_a_form_about_other_bytes_is_refused(boss, asset):
    for verb in ("approve", "reject", "change"):
        refused = answer(boss, asset, verb, seen="0" * 64, reason="other", note="warmer")
        assert (refused.status_code, refused.json()["code"]) == (409, "object.changed"), verb
    page = Page.of(say(boss, asset, "reject", seen="0" * 64, reason="other"))
    assert "Somebody else changed this" in page.text
    assert not asset.reviews.exists()


def test_another_brands_picture_is_not_there(as_role, asset):
    stranger = as_role("manager", of=factories.make_bare_brand())
    refused = answer(stranger, asset, "approve")
    assert (refused.status_code, refused.json()["code"]) == (404, "asset.unknown")
    assert say(stranger, asset, "approve").status_code == 404
    assert not asset.reviews.exists()


def test_a_session_that_ended_is_told_as_data(asset):
    refused = answer(Client(), asset, "approve")
    assert (refused.status_code, refused.json()["code"]) == (403, "session.ended")


def test_a_member_without_djangos_permission_may_say_nothing(brand, asset):
    client = Client()
    user = factories.make_user("manager", brand=brand, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_asset"))
    client.force_login(user)
    refused = answer(client, asset, "approve")
    assert (refused.status_code, refused.json()["code"]) == (403, "policy.not_allowed")
    assert client.post(url_of(asset), {"title": "Mine"}).status_code == 403


def test_publishing_without_alt_names_the_language_and_asks_for_it(boss, asset, django_capture_on_commit_callbacks):
    Asset.objects.filter(pk=asset.pk).update(alt={"en": "A red bottle"})
    page = Page.of(boss.get(url_of(asset)))
    assert "alt_ar" in {
        field.name for field in page.fields if field.form and field.form.get("action", "").endswith("say/")
    }
    assert "Going live needs alt text in" in page.text
    refused = answer(boss, asset, "approve_publish")
    assert refused.json()["code"] == "asset.alt_missing"
    assert "ar" in refused.json()["message"]
    answer(boss, asset, "approve")
    assert answer(boss, asset, "publish").json()["code"] == "asset.alt_missing"
    with django_capture_on_commit_callbacks(execute=True):
        assert answer(boss, asset, "publish", alt_ar="زجاجة").json()["ok"]
    asset.refresh_from_db()
    assert (asset.state, asset.alt["ar"]) == ("published", "زجاجة")


def test_alt_text_beside_the_button_is_kept_only_with_the_release(boss, asset):
    Asset.objects.filter(pk=asset.pk).update(alt={"en": "A red bottle"})
    refused = answer(boss, asset, "approve_publish", alt_ar="زجاجة", declaration=[])
    assert refused.json()["code"] == "review.declaration_missing"
    asset.refresh_from_db()
    assert asset.alt == {"en": "A red bottle"}


def test_what_was_written_stands_there_again_after_a_refusal(boss, asset):
    page = Page.of(say(boss, asset, "approve", note="Looks right to me", declaration=["people"]))
    form = next(form for form in page.forms if form.get("action", "").endswith("say/"))
    sent = page.data(form)
    assert sent["note"] == ["Looks right to me"]
    assert sent["declaration"] == ["people"]
    assert "confirm every point" in page.text
    page = Page.of(say(boss, asset, "change", note="", region_left="12.5", region_top="x"))
    assert "12.5" in [field.value for field in page.fields]
    page = Page.of(say(boss, asset, "reject", note="Too dark", reason=""))
    assert "Too dark" in [field.value for field in page.fields]


def test_a_long_note_is_kept_whole(boss, asset):
    assert answer(boss, asset, "reject", reason="other", note="a" * 1999 + "z").json()["ok"]
    assert asset.reviews.get().note == "a" * 1999 + "z"


def test_nul_in_a_note_is_left_out(boss, asset):
    assert answer(boss, asset, "reject", reason="other", note="Too\x00 dark").json()["ok"]
    assert asset.reviews.get().note == "Too dark"


@pytest.mark.parametrize(
    ("given", "to"),
    [
        ("/admin/?a=1", "/admin/?a=1"),
        ("https://evil.example/", None),
        ("//evil.example/", None),
        ("javascript:alert(1)", None),
    ],
)
def test_a_form_may_name_where_to_go_on_this_site(boss, asset, given, to):
    response = boss.post(reverse("admin:image_studio_asset_say", args=[asset.pk]), {"do": "shortlist", "next": given})
    assert response["Location"] == (to or url_of(asset))


def test_a_change_is_shown_with_its_place(boss, asset):
    answer(boss, asset, "change", note="Warmer here", region="0.1,0.2,0.3,0.4")
    page = Page.of(boss.get(url_of(asset)))
    assert "Change asked" in page.text
    assert "Warmer here" in page.text
    assert 'x="10.00%" y="20.00%" width="30.00%" height="40.00%"' in page.html
    answer(boss, asset, "approve")
    assert "The place is marked" not in Page.of(boss.get(url_of(asset))).text


# Words of two at once ----------------------------------------------------------------------------------------------


def test_words_are_kept_when_they_are_refused(boss, asset):
    response = edit(boss, asset, title="New title", alt_en="A miracle in a bottle")
    assert response.status_code == 200
    assert "miracle" in str(errors_of(response)["alt_en"])
    page = Page.of(response)
    assert page.data()["title"] == ["New title"]
    assert page.data()["alt_en"] == ["A miracle in a bottle"]
    asset.refresh_from_db()
    assert asset.title == "A bottle"


def test_alt_text_of_a_live_picture_cannot_be_emptied(boss, asset):
    Asset.objects.filter(pk=asset.pk).update(state="published")
    response = edit(boss, asset, alt_ar="")
    assert "alt_ar" in errors_of(response)


def test_words_from_a_stale_page_are_told_and_then_put_on_top(boss, asset):
    stale = Page.of(boss.get(url_of(asset))).data(title="Mine")
    edit(boss, asset, title="Theirs")
    response = boss.post(url_of(asset), stale)
    page = Page.of(response)
    assert "Somebody else saved other words" in page.text
    assert page.data()["title"] == ["Mine"]
    asset.refresh_from_db()
    assert asset.title == "Theirs"
    assert boss.post(url_of(asset), page.data()).status_code == 302
    asset.refresh_from_db()
    assert asset.title == "Mine"


def test_saving_the_same_twice_is_one_change(boss, asset):
    sent = Page.of(boss.get(url_of(asset))).data(title="Mine")
    assert boss.post(url_of(asset), sent).status_code == 302
    again = edit(boss, asset, title="Mine")
    assert again.status_code == 302
    assert Event.objects.filter(verb="asset.described").count() == 1


def test_a_viewer_reads_the_words_and_cannot_send_them(as_role, asset):
    viewer = as_role("viewer")
    page = Page.of(viewer.get(url_of(asset)))
    assert "A bottle" in page.html
    assert not [button for button in page.buttons if button[0] in ("do", "_save")]
    assert viewer.post(url_of(asset), {"title": "Mine"}).status_code == 403


# What the page tells -----------------------------------------------------------------------------------------------


@pytest.fixture
def composed(brand):
    """A composed picture, made of a bought one, made of an upload."""
    (channel,) = factories.make_channels("square")
    source = factories.make_asset(brand, (60, 40), title="The source")
    version = factories.make_prompt(brand)
    chosen = factories.make_set(brand, channels=[channel], source=source, shrink=4)
    chosen.prompt_version = version
    chosen.save()
    job = chosen.jobs.get()
    recipe = {
        "provider": "openai",
        "model": "gpt-image-2",
        "route": "standard",
        "job": str(job.pk),
        "request_id": "req_123",
        "request": {"prompt": "A calm bottle", "size": [1024, 1024], "inputs": [{"asset": str(source.pk)}]},
        "effective": {"quality": "medium"},
    }
    bought = factories.make_asset(
        brand, (64, 64), origin="provider", parent=source, recipe=recipe, micro_usd=53_000, title="Bought"
    )
    values = {"kind": "composed", "origin": "compose", "parent": bought, "channel": channel, "locale": "ar"}
    told = {"texts": {"headline": "Fresh"}, "label": "label_ai"}
    return factories.make_asset(brand, (64, 64), **values, recipe=told, micro_usd=53_000, title="Composed")


def test_how_it_was_made_is_told_in_words(boss, composed):
    text = Page.of(boss.get(url_of(composed))).text
    for words in ("gpt-image-2", "1024 × 1024", "medium", "$0.053", "req_123", "A calm bottle", "version 1", "Fresh"):
        assert words in text, words
    assert "made by AI" in text


def test_the_family_is_a_tree_in_both_directions(boss, composed):
    source = composed.parent.parent
    for member in (source, composed.parent, composed):
        page = Page.of(boss.get(url_of(member)))
        assert {url_of(one) for one in (source, composed.parent, composed)} <= set(page.links), member


def test_what_was_bought_from_a_picture_belongs_to_its_family(boss, brand):
    source, bought = factories.make_asset(brand, (60, 40)), factories.make_asset(brand, (64, 64), origin="provider")
    chosen = factories.make_set(brand, channels=factories.make_channels("square"), source=source)
    JobOutput.objects.create(job=chosen.jobs.get(), index=0, asset=bought)
    cell = factories.make_asset(brand, (64, 64), kind="composed", origin="compose", parent=bought)
    for member in (source, bought, cell):
        html = boss.get(url_of(member)).content.decode()
        tree = html[html.index('class="ast-tree"') : html.index('id="verdicts"')]
        assert [url_of(one) in tree for one in (source, bought, cell)] == [True] * 3


def test_kin_and_inputs_that_one_may_not_see_stay_hidden(brand, composed):
    user = factories.make_user("creator", brand=brand, own_only=True, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="image_studio"))
    Asset.objects.filter(pk=composed.parent_id).update(created_by=user)
    client = Client()
    client.force_login(user)
    page = Page.of(client.get(url_of(composed.parent)))
    assert url_of(composed.parent.parent) not in page.links
    assert url_of(composed) not in page.links
    assert "The source" not in page.html
    assert "that you may not see" in page.text


@pytest.mark.parametrize(
    "recipe",
    [{"request": "x", "effective": [], "job": "x"}, {"request": {"inputs": ["x", {}, {"asset": 1}], "size": None}}, []],
)
def test_an_odd_recipe_breaks_no_page(boss, brand, recipe):
    asset = factories.make_asset(brand, (60, 40), recipe=recipe)
    assert boss.get(url_of(asset)).status_code == 200


def test_history_is_told_in_words(boss, asset):
    edit(boss, asset, title="New", alt_en="Another")
    say(boss, asset, "shortlist")
    say(boss, asset, "approve", note="Fine by me")
    text = Page.of(boss.get(url_of(asset))).text
    for words in ("Words or rights changed: alt text, title", "Put on the shortlist", "Fine by me", "What was signed"):
        assert words in text, words
    assert "asset.described" not in text
    assert "asset.approved" not in text


def test_a_live_picture_gives_its_tag(boss, asset):
    Asset.objects.filter(pk=asset.pk).update(state="published", published_at=timezone.now())
    text = Page.of(boss.get(url_of(asset))).text
    assert f'{{% studio_picture "{asset.pk}" %}}' in text
    assert "Live since" in text


def test_a_page_costs_the_same_for_any_family(boss, composed, django_assert_max_num_queries):
    for _number in range(6):
        factories.make_asset(composed.brand, (32, 32), parent=composed.parent)
    with django_assert_max_num_queries(45):
        boss.get(url_of(composed))
