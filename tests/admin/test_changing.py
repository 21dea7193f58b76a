"""*Change this* from every page: one box, a price, what came of it, and back on the contact sheet."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from image_studio.models import EditChain, EditRecipe, EditStep, Job, Review
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.workflow import change_this, request
from image_studio.workflow.plan import Matrix
from tests import factories
from tests.admin.browser import Page
from tests.workflow.chains import OPERATOR, paid_site

pytestmark = pytest.mark.django_db(transaction=True)
WORDS = "Make the bottle green"
PLACE = {"region_left": "10", "region_top": "20", "region_width": "30", "region_height": "40"}


@pytest.fixture(autouse=True)
def fake(folder, tmp_path, settings):
    """Pages that sell GPT Image, made by a server of this test."""
    with paid_site(settings, tmp_path) as server:
        yield server


@pytest.fixture
def asset(brand):
    return factories.make_asset(brand, (800, 600))


@pytest.fixture
def sheet(brand):
    """A finished set of two channels in two languages; the cells of a channel share their picture."""
    source = factories.make_asset(brand, (1200, 900))
    channels = tuple(factories.make_channels("square", "story"))
    matrix = Matrix(brand=brand, route="reframe", channels=channels, locales=("en", "ar"), source=source)
    made = request(OPERATOR, matrix, key=f"sheet-{source.pk}")
    drain()
    return made


def cells_of(made, slug="square"):
    return list(made.variants.filter(channel__slug=slug).select_related("asset").order_by("position"))


def exact(recipe):
    """Logo and words, each with its place."""
    return {(one["kind"], one["name"], one.get("text", ""), tuple(one["box"])) for one in recipe["layers"]}


def page_of(asset, cell=None):
    return reverse("admin:image_studio_asset_edit", args=[asset.pk]) + (f"?cell={cell.pk}" if cell else "")


def step_url(asset, step, name="step"):
    return reverse(f"admin:image_studio_asset_edit_{name}", args=[asset.pk, step.pk])


def priced(client, url, **typed):
    """The page after "Price it", and the form as a browser would send it then."""
    form = Page.of(client.get(url)).data()
    page = Page.of(client.post(url, {**form, "do": "price", "note": WORDS, "route": "quick", **typed}))
    return page, page.data()


def asked(client, url, **typed):
    """A change asked for without any script, made by a worker."""
    _page, form = priced(client, url, **typed)
    response = client.post(url, {**form, "do": "ask"})
    assert response.status_code == 302, response.content.decode()[:2000]
    drain()
    return EditStep.objects.select_related("job", "chain__cell").get(pk=response["Location"].rstrip("/").split("/")[-1])


# The form ----------------------------------------------------------------------------------------------------------


def test_without_a_script_it_is_priced_asked_for_and_shown(boss, asset, fake):
    page, form = priced(boss, page_of(asset), **PLACE)
    assert ("do", "ask") in [(name, value) for name, value, _form in page.buttons]
    assert re.search(r"Change it for about \$0\.\d+", page.text)
    assert fake.calls() == []
    assert not EditChain.objects.exists()
    response = boss.post(page_of(asset), {**form, "do": "ask"})
    step = EditStep.objects.get(parent_number=1)
    assert response["Location"] == step_url(asset, step)
    assert (step.kind, step.instruction, step.order["region"]) == ("inpaint", WORDS, [0.1, 0.2, 0.3, 0.4])
    waiting = Page.of(boss.get(response["Location"]))
    assert "waits for its turn" in waiting.text
    assert 'http-equiv="refresh"' in waiting.html
    drain()
    shown = Page.of(boss.get(response["Location"]))
    found = step.candidates.get()
    assert reverse("admin:image_studio_asset_picture", args=[found.asset_id, "full"]) in shown.html
    assert reverse("admin:image_studio_asset_picture", args=[asset.pk, "full"]) in shown.html
    assert "is as it was before" in shown.text
    assert 'http-equiv="refresh"' not in shown.html
    assert len(fake.charged()) == 1
    assert shown.inline == []


def test_the_words_chain_and_step_are_never_shown(boss, asset):
    step = asked(boss, page_of(asset))
    for url in (page_of(asset), step_url(asset, step)):
        text = Page.of(boss.get(url)).text.lower()
        assert not re.search(r"\b(chain|step)s?\b", text), re.search(r".{30}\b(chain|step)s?\b.{30}", text)
    assert "Edit history" in Page.of(boss.get(step_url(asset, step))).text


def test_routes_stand_by_price_and_those_that_cant_are_grey_with_the_reason(boss, asset):
    page, _form = priced(boss, page_of(asset))
    cards = re.findall(r'class="studio-route( studio-off)?" data-route="(\w+)"', page.html)
    assert [name for off, name in cards if not off][:2] == ["quick", "hinted"] or cards[0][1] in (
        "quick",
        "hinted",
        "volume",
    )
    offs = [bool(off) for off, _name in cards]
    assert offs == sorted(offs)
    assert (" studio-off", "reframe") in cards
    assert "follows no words" in page.text


def test_prices_are_seen_before_a_word_is_written_but_nothing_can_be_asked_for(boss, asset):
    page = Page.of(boss.get(page_of(asset)))
    assert re.search(r"about \$0\.\d+", page.text)
    assert ("do", "ask") not in [(name, value) for name, value, _form in page.buttons]
    again = Page.of(boss.post(page_of(asset), {**page.data(), "do": "ask"}))
    assert "Say what should be different." in again.text
    assert not EditStep.objects.exists()


def test_the_offers_are_data_for_the_script(boss, asset):
    url = reverse("admin:image_studio_asset_edit_price", args=[asset.pk])
    data = boss.post(url, {"note": WORDS, "route": "standard", "candidates": "3"}).json()
    assert data["chosen"] == "standard"
    assert data["digest"]
    assert data["button"].startswith("Make 3 versions for about $")
    assert data["cards"]["quick"]["price"].startswith("about $")
    assert data["cards"]["reframe"]["price"] == ""
    assert data["cards"]["reframe"]["why_not"]
    nothing = boss.post(url, {"note": " "}).json()
    assert (nothing["digest"], nothing["errors"]) == ("", {})
    outside = boss.post(url, {"note": WORDS, **PLACE, "region_left": "150"}).json()
    assert outside["errors"]["region_left"]
    assert outside["digest"] == ""
    assert outside["cards"]
    odd = boss.post(url, {"note": WORDS, **PLACE, "region_left": "much"}).json()
    assert odd["errors"]["region_left"]
    assert odd["digest"] == ""
    assert not EditStep.objects.exists()


@pytest.mark.parametrize("typed", [{"candidates": "9"}, {"candidates": "no"}, {"note": "x" * 17_000}])
def test_what_does_not_hold_is_told_and_nothing_is_asked_for(boss, asset, typed):
    _page, form = priced(boss, page_of(asset))
    response = boss.post(page_of(asset), {**form, **typed, "do": "ask"})
    assert response.status_code == 200
    assert "errorlist" in response.content.decode() or "Select a valid choice" in response.content.decode()
    assert not EditStep.objects.exists()


def test_a_changed_price_asks_again_and_keeps_what_was_typed(boss, asset):
    _page, form = priced(boss, page_of(asset), **PLACE)
    page = Page.of(boss.post(page_of(asset), {**form, "do": "ask", "digest": "another"}))
    assert not EditStep.objects.exists()
    again = page.data()
    assert again["note"] == [WORDS]
    assert again["region_width"] == ["30"]
    assert again["route"] == ["quick"]
    assert "errorlist" in page.html
    assert boss.post(page_of(asset), {**again, "do": "ask"}).status_code == 302
    assert EditStep.objects.filter(parent_number=1).count() == 1


def test_the_same_form_sent_twice_is_one_purchase(boss, asset, fake):
    _page, form = priced(boss, page_of(asset))
    first, second = (boss.post(page_of(asset), {**form, "do": "ask"}) for _ in range(2))
    assert first["Location"] == second["Location"]
    changed = boss.post(page_of(asset), {**form, "do": "ask", "note": "Something else"})
    assert changed.status_code == 200
    drain()
    assert len(fake.charged()) == 1


# Who ---------------------------------------------------------------------------------------------------------------


def test_viewers_see_no_way_to_it_and_no_form(as_role, asset):
    viewer, creator = as_role("viewer"), as_role("creator")
    assert viewer.get(page_of(asset)).status_code == 403
    assert viewer.post(page_of(asset), {"do": "ask", "note": WORDS}).status_code == 403
    own = reverse("admin:image_studio_asset_change", args=[asset.pk])
    assert page_of(asset) not in Page.of(viewer.get(own)).links
    assert page_of(asset) in Page.of(creator.get(own)).links
    assert creator.get(page_of(asset)).status_code == 200


def test_djangos_own_permission_is_needed_too(as_role, asset):
    creator = as_role("creator")
    creator.user.user_permissions.remove(Permission.objects.get(codename="add_editchain"))
    assert creator.get(page_of(asset)).status_code == 403
    data = creator.post(reverse("admin:image_studio_asset_edit_price", args=[asset.pk]), {"note": WORDS})
    assert (data.status_code, data.json()["code"]) == (403, "policy.not_allowed")


def test_a_viewer_looks_at_what_came_and_says_nothing(boss, as_role, asset):
    step = asked(boss, page_of(asset))
    viewer = as_role("viewer")
    page = Page.of(viewer.get(step_url(asset, step)))
    assert [one for one in page.buttons if one[0] == "do"] == []
    assert viewer.post(step_url(asset, step), {"do": "use", "index": "0"}).status_code == 403
    assert EditStep.objects.get(pk=step.pk).state == "open"


def test_another_picture_or_brand_has_no_such_result(boss, as_role, asset, brand):
    step = asked(boss, page_of(asset))
    other = factories.make_asset(brand, (640, 480))
    for name in ("step", "live"):
        assert boss.get(step_url(other, step, name)).status_code == 404
    stranger = as_role("manager", of=factories.make_brand("other"))
    for url in (page_of(asset), step_url(asset, step), step_url(asset, step, "live")):
        assert stranger.get(url).status_code == 404


def test_a_stand_in_is_never_changed(boss, brand):
    stand_in = factories.make_asset(brand, (800, 600), publishable=False)
    assert boss.get(page_of(stand_in)).status_code == 403
    assert (
        page_of(stand_in) not in Page.of(boss.get(reverse("admin:image_studio_asset_change", args=[stand_in.pk]))).links
    )


# Prefilled ---------------------------------------------------------------------------------------------------------


def test_what_a_reviewer_asked_stands_in_the_form(boss, as_role, asset):
    reviewer = as_role("reviewer")
    change_this(Policy(reviewer.user), asset, note="Less sky", region=[0.1, 0.0, 0.5, 0.25])
    page = Page.of(boss.get(page_of(asset)))
    form = page.data()
    assert form["note"] == ["Less sky"]
    assert [form[name] for name in PLACE] == [["10"], ["0"], ["50"], ["25"]]
    assert ("do", "ask") in [(name, value) for name, value, _form in page.buttons]
    assert boss.post(page_of(asset), {**form, "do": "ask"}).status_code == 302


def test_every_page_that_shows_a_wish_leads_to_it(boss, as_role, sheet):
    cell = cells_of(sheet)[0]
    change_this(Policy(as_role("reviewer").user), cell.asset, note="Less sky")
    own = page_of(cell.asset)
    inspector = reverse("admin:image_studio_variantset_inspect", args=[sheet.pk, cell.pk])
    board = reverse("admin:image_studio_asset_review_one", args=[cell.asset.pk])
    home = reverse("admin:app_list", args=["image_studio"])
    assert own in Page.of(boss.get(reverse("admin:image_studio_asset_change", args=[cell.asset.pk]))).links
    assert page_of(cell.asset, cell) in Page.of(boss.get(inspector)).links
    assert page_of(cell.asset, cell) in Page.of(boss.get(board)).links
    assert own in Page.of(boss.get(home)).links


@pytest.mark.parametrize("where", ["asset", "inspect", "review"])
def test_words_and_place_of_a_pages_own_box_come_along(boss, sheet, where):
    cell = cells_of(sheet)[0]
    urls = {
        "asset": reverse("admin:image_studio_asset_change", args=[cell.asset.pk]),
        "inspect": reverse("admin:image_studio_variantset_inspect", args=[sheet.pk, cell.pk]),
        "review": reverse("admin:image_studio_asset_review_one", args=[cell.asset.pk]),
    }
    html = boss.get(urls[where]).content.decode()
    button = re.search(r'<button name="do" value="carry" formaction="([^"]+)"', html)
    assert button, html[-3000:]
    page = Page.of(boss.post(button[1], {"do": "carry", "note": WORDS, "seen": "1", **PLACE}))
    form = page.data()
    assert form["note"] == [WORDS]
    assert form["region_height"] == ["40"]
    assert not Review.objects.exists()
    assert not EditStep.objects.exists()


def test_side_by_side_each_picture_has_its_way(boss, sheet):
    cells = cells_of(sheet)
    url = reverse("admin:image_studio_variantset_compare", args=[sheet.pk])
    links = Page.of(boss.get(url, {"cell": [str(cell.pk) for cell in cells]})).links
    assert all(page_of(cell.asset, cell) in links for cell in cells)


def test_the_library_changes_one_picture_at_a_time(boss, as_role, asset, brand):
    url = reverse("admin:image_studio_asset_changelist")
    action = {"action": "change_this", "index": "0"}
    assert boss.post(url, {**action, "_selected_action": [str(asset.pk)]})["Location"] == page_of(asset)
    other = factories.make_asset(brand, (640, 480))
    both = boss.post(url, {**action, "_selected_action": [str(asset.pk), str(other.pk)]}, follow=True)
    assert "Choose one picture at a time" in both.content.decode()
    viewer = as_role("viewer")
    assert "change_this" not in viewer.get(url).content.decode()
    refused = viewer.post(url, {**action, "_selected_action": [str(asset.pk)]}, follow=True)
    assert "not change it" in refused.content.decode()


# What came ---------------------------------------------------------------------------------------------------------


def test_candidates_stand_beside_the_picture_before_and_one_is_used(boss, asset):
    step = asked(boss, page_of(asset), candidates="3")
    page = Page.of(boss.get(step_url(asset, step)))
    for words in ("Before", "Version A", "Version B", "Version C"):
        assert words in page.text
    boss.post(step_url(asset, step), {"do": "use", "index": "1"})
    step.refresh_from_db()
    assert (step.state, step.choice, EditChain.objects.get().head) == ("chosen", 1, step.number)
    shown = Page.of(boss.get(step_url(asset, step)))
    used = step.candidates.get(index=1).asset
    assert page_of(used) in shown.links
    further = asked(boss, page_of(used))
    assert (further.chain_id, further.parent_number) == (step.chain_id, step.number)


def test_a_rejection_needs_its_reason_and_can_be_taken_back(boss, asset):
    step = asked(boss, page_of(asset))
    refused = boss.post(step_url(asset, step), {"do": "reject", "reason": ""}, follow=True)
    assert EditStep.objects.get(pk=step.pk).state == "open"
    assert "errorlist" not in refused.content.decode()
    assert "messagelist" in refused.content.decode()
    boss.post(step_url(asset, step), {"do": "reject", "reason": "too_much", "note": "The table went"})
    step.refresh_from_db()
    assert (step.state, step.reason, step.note) == ("rejected", "too_much", "The table went")
    page = Page.of(boss.get(step_url(asset, step)))
    assert "Changed too much" in page.text
    assert "The table went" in page.text
    assert page.data()["note"] == [WORDS]
    boss.post(step_url(asset, step), {"do": "undecide"})
    assert EditStep.objects.get(pk=step.pk).state == "open"


def test_what_was_refused_says_why_and_keeps_the_words(boss, asset, fake):
    fake.script(faults=["moderation_400_input"])
    step = asked(boss, page_of(asset), **PLACE)
    assert step.status in ("blocked", "failed")
    page = Page.of(boss.get(step_url(asset, step)))
    assert "below" in page.text
    form = page.data()
    assert form["note"] == [WORDS]
    assert form["region_left"] == ["10"]
    assert re.search(r'<details class="chg-again" id="again" open>', page.html)


def test_it_can_be_cancelled_before_it_begins(boss, asset, fake):
    _page, form = priced(boss, page_of(asset))
    url = boss.post(page_of(asset), {**form, "do": "ask"})["Location"]
    boss.post(url, {"do": "cancel"})
    drain()
    assert fake.charged() == []
    assert Job.objects.get().state == "cancelled"
    assert "It can be asked for again below." in Page.of(boss.get(url)).text
    boss.post(url, {"do": "retry", "key": "one"})
    drain()
    assert len(fake.charged()) == 1


def test_the_panel_is_fetched_anew_while_it_is_made(boss, asset):
    _page, form = priced(boss, page_of(asset))
    boss.post(page_of(asset), {**form, "do": "ask"})
    step = EditStep.objects.get(parent_number=1)
    url = step_url(asset, step, "live")
    before = boss.get(url).json()
    assert before["active"]
    assert "studio-wait" in before["html"]
    drain()
    after = boss.get(url)
    assert not after.json()["active"]
    assert "no-store" in after["Cache-Control"]
    assert str(step.candidates.get().asset_id) in after.json()["html"]
    assert boss.get(reverse("admin:image_studio_asset_edit_early", args=[asset.pk, step.pk, 0])).status_code == 404


def test_a_result_is_kept_as_a_recipe(boss, asset):
    step = asked(boss, page_of(asset), **PLACE)
    response = boss.post(step_url(asset, step), {"do": "recipe", "name": "Green bottle"})
    recipe = EditRecipe.objects.get()
    assert response["Location"] == reverse("admin:image_studio_editrecipe_change", args=[recipe.pk])
    assert (recipe.name, recipe.steps[0]["instruction"]) == ("Green bottle", WORDS)


def test_an_unknown_button_is_refused(boss, asset):
    step = asked(boss, page_of(asset))
    assert boss.post(step_url(asset, step), {"do": "publish"}).status_code == 403


def test_a_result_costs_the_same_queries_however_long_its_history(boss, asset):
    first = asked(boss, page_of(asset))
    with CaptureQueriesContext(
        connection,
    ) as before:
        boss.get(step_url(asset, first))
    for words in ("Blue", "Red", "Grey"):
        asked(boss, page_of(asset), note=words)
    with CaptureQueriesContext(connection) as after:
        boss.get(step_url(asset, first))
    assert len(after) <= len(before)


# Back on the sheet -------------------------------------------------------------------------------------------------


def test_on_a_composed_picture_logo_and_words_stay_exact(boss, sheet):
    cell = cells_of(sheet)[0]
    page, _form = priced(boss, page_of(cell.asset, cell), **PLACE)
    assert "Logo and words stay exact" in page.text
    step = asked(boss, page_of(cell.asset, cell), **PLACE)
    assert step.chain.cell_id == cell.pk
    assert step.job.request["inputs"][0]["asset"] == str(cell.asset.parent_id)
    assert step.order["region"] != [0.1, 0.2, 0.3, 0.4] or cell.asset.size == cell.asset.parent.size
    again = Page.of(boss.get(step_url(cell.asset, step))).data()
    assert [float(again[name][0]) for name in PLACE] == pytest.approx([10, 20, 30, 40], abs=0.2)


def test_taken_into_the_sheet_all_cells_that_share_the_picture_are_composed_anew(boss, sheet, fake):
    english, arabic = cells_of(sheet)
    others = [cell.asset_id for cell in cells_of(sheet, "story")]
    before = {cell.pk: cell.asset.recipe for cell in (english, arabic)}
    step = asked(boss, page_of(english.asset, english))
    page = Page.of(boss.get(step_url(english.asset, step)))
    assert "Take into the sheet, 2 cells" in page.text
    response = boss.post(step_url(english.asset, step), {"do": "take", "index": "0"})
    assert response["Location"].startswith(reverse("admin:image_studio_variantset_change", args=[sheet.pk]))
    assert boss.get(response["Location"]).status_code == 200
    drain()
    picture = step.candidates.get().asset
    for cell in cells_of(sheet):
        assert cell.state == "ready"
        assert cell.asset.parent_id == picture.pk
        now = cell.asset.recipe
        assert now["texts"] == before[cell.pk]["texts"]
        assert now["layers"]
        # The colour of a line follows the picture below it; what it says and where it stands is exact.
        assert exact(now) >= exact(before[cell.pk])
    assert [cell.asset_id for cell in cells_of(sheet, "story")] == others
    assert len(fake.charged()) == 1
    assert "on the contact sheet" in Page.of(boss.get(step_url(english.asset, step))).text


def test_a_picture_without_a_sheet_is_not_taken_into_one(boss, asset):
    step = asked(boss, page_of(asset))
    assert "Take into the sheet" not in Page.of(boss.get(step_url(asset, step))).text
    answer = boss.post(step_url(asset, step), {"do": "take", "index": "0"}, follow=True)
    assert "messagelist" in answer.content.decode()
