"""The inspector of a cell, the view side by side, the ZIP, and verbs for many cells at once."""

from __future__ import annotations

import io
import json
import re
import zipfile

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from image_studio.models import Asset, Event, Job, Variant
from tests import factories
from tests.admin.browser import Page
from tests.admin.sheets import make_finished
from tests.admin.test_sheet import cell_of, channels, done, fail_check, inspect_url, told, waiting

pytestmark = pytest.mark.django_db
__all__ = ["channels", "done", "waiting"]  # fixtures
JSON = {"Accept": "application/json"}


def form_of(page, verb):
    """The form of the inspector whose button says ``verb``."""
    return next(form for name, value, form in page.buttons if (name, value) == ("do", verb))


def send(client, page, verb, **changes):
    """Press a button of the inspector, with some fields typed over."""
    form = form_of(page, verb)
    return client.post(form["action"], {**page.data(form, **changes), "do": verb})


def tick(client, made, verb, cells, **data):
    """Say a verb to ticked cells, as the page's tick boxes send them."""
    html = client.get(reverse("admin:image_studio_variantset_change", args=[made.pk])).content.decode()
    boxes = {value.partition(".")[0]: value for value in re.findall(r'name="cell" value="([^"]+)"', html)}
    headers = data.pop("headers", {})
    url = reverse("admin:image_studio_variantset_say", args=[made.pk])
    values = {"do": verb, "cell": [boxes[str(cell.pk)] for cell in cells], **data}
    return client.post(url, values, headers=headers)


# What it shows -----------------------------------------------------------------------------------------------------


def test_everything_about_a_cell_is_on_one_page(boss, brand, done):
    cell = cell_of(done)
    parent = factories.make_asset(brand, (60, 60), title="The raw one", micro_usd=208_000)
    layer = {"kind": "logo", "box": [10, 10, 40, 10], "clear": [5, 5, 50, 20]}
    asset = factories.make_asset(
        brand, (100, 100), kind="composed", parent=parent, recipe={"layers": [layer]}, micro_usd=208_000, locale="en"
    )
    Variant.objects.filter(pk=cell.pk).update(asset=asset)
    fail_check(asset, region=(0.2, 0.3, 0.1, 0.1))
    response = boss.get(inspect_url(done, cell))
    page, html = Page.of(response), response.content.decode()
    assert page.inline == []
    for words in ("Square post, en", "Blocked by a check", "layout checked, content not judged", "$0.208", "previs"):
        assert words in page.text
    assert [layer.key for layer in response.context["overlays"]] == ["found", "safe", "clear", "contrast"]
    assert '<rect x="5.00%" y="5.00%" width="50.00%" height="20.00%"/>' in html
    assert '<text x="13" y="-5">1.5:1</text>' in html
    assert [member for _stage, member in response.context["lineage"]] == [done.source, parent, asset]
    assert reverse("admin:image_studio_asset_change", args=[asset.pk]) in page.links


def test_the_safe_area_comes_from_the_channel(boss, done):
    layers = {o.key: o for o in boss.get(inspect_url(done, cell_of(done, "story"))).context["overlays"]}
    spec = cell_of(done, "story").channel_spec["safe"]
    left, top = (f"{part * 100:.2f}" for part in (spec[3], spec[0]))
    assert layers["safe"].marks[0].box[:2] == (left, top)


def test_neighbours_lead_through_the_sheet_and_stay_within_a_filter(boss, done):
    cells = list(done.variants.order_by("position"))
    Asset.objects.filter(pk__in=[cells[0].asset_id, cells[3].asset_id]).update(state="approved")
    links = Page.of(boss.get(inspect_url(done, cells[1]))).links
    assert inspect_url(done, cells[0]) in links
    assert inspect_url(done, cells[2]) in links
    links = Page.of(boss.get(inspect_url(done, cells[0], show="approved"))).links
    assert inspect_url(done, cells[3], show="approved") in links


def test_the_side_panel_gets_the_same_without_a_page_around_it(boss, done):
    html = boss.get(inspect_url(done, cell_of(done), part=1)).content.decode()
    assert "<html" not in html
    assert html.lstrip().startswith('<div class="studio-inspect"')
    assert "csrfmiddlewaretoken" in html


def test_a_cell_without_a_picture_says_why_and_can_be_cancelled(boss, waiting):
    cell = cell_of(waiting)
    page = Page.of(boss.get(inspect_url(waiting, cell)))
    assert "Waiting" in page.text
    assert send(boss, page, "cancel").status_code == 302
    cell.refresh_from_db()
    assert cell.state == "cancelled"


def test_a_cell_of_another_set_or_brand_is_not_there(boss, as_role, brand, done):
    alien = factories.make_set(brand).variants.first()
    assert boss.get(inspect_url(done, alien)).status_code == 404
    assert boss.post(inspect_url(done, alien), {"do": "approve"}).status_code == 404
    stranger = as_role("manager", of=factories.make_brand())
    assert stranger.get(inspect_url(done, cell_of(done))).status_code == 404
    assert stranger.post(inspect_url(done, cell_of(done)), {"do": "approve"}).status_code == 404


def test_a_viewer_looks_and_says_nothing(as_role, done):
    page = Page.of(as_role("viewer").get(inspect_url(done, cell_of(done))))
    assert [value for name, value, _form in page.buttons if name == "do"] == []


# What is said there ------------------------------------------------------------------------------------------------


def test_approving_needs_the_declaration_and_nothing_is_lost_without(boss, done):
    cell = cell_of(done)
    page = Page.of(boss.get(inspect_url(done, cell)))
    assert "declaration" not in page.data(form_of(page, "approve"))
    response = send(boss, page, "approve", declaration=["people", "minors"])
    assert response.status_code == 400
    again = Page(response.content.decode())
    assert again.data(form_of(again, "approve"))["declaration"] == ["people", "minors"]
    assert send(boss, again, "approve", declaration=list(factories.DECLARED)).status_code == 302
    cell.asset.refresh_from_db()
    assert cell.asset.state == "approved"
    assert cell.asset.reviews.get().declaration == list(factories.DECLARED)


def test_approve_and_publish_asks_for_the_missing_alt_text(boss, done, django_capture_on_commit_callbacks):
    cell = cell_of(done)
    Asset.objects.filter(pk=cell.asset_id).update(alt={})
    page = Page.of(boss.get(inspect_url(done, cell)))
    signed = {"declaration": list(factories.DECLARED)}
    response = send(boss, page, "approve_publish", **signed)
    assert response.status_code == 400
    cell.asset.refresh_from_db()
    assert cell.asset.state == "candidate"
    with django_capture_on_commit_callbacks(execute=True):
        assert send(boss, page, "approve_publish", alt_en="A red bottle", **signed).status_code == 302
    cell.asset.refresh_from_db()
    assert (cell.asset.state, cell.asset.alt["en"]) == ("published", "A red bottle")


@pytest.mark.parametrize(
    ("typed", "region"),
    [
        ({}, None),
        (
            {"region_left": "10", "region_top": "20,5", "region_width": "30", "region_height": "5"},
            [0.1, 0.205, 0.3, 0.05],
        ),
    ],
)
def test_a_change_is_asked_for_with_its_place(boss, done, typed, region):
    cell = cell_of(done)
    page = Page.of(boss.get(inspect_url(done, cell)))
    assert send(boss, page, "change", note="A calmer sky", **typed).status_code == 302
    review = cell.asset.reviews.get()
    assert (review.decision, review.note, review.region) == ("change", "A calmer sky", region)


@pytest.mark.parametrize(
    "typed",
    [
        {"note": ""},
        {"note": "x", "region_left": "ten"},
        {"note": "x", "region_left": "10"},
        {"note": "x", **dict.fromkeys(("region_left", "region_top", "region_width", "region_height"), "90")},
        {"note": "x", **dict.fromkeys(("region_left", "region_top", "region_width", "region_height"), "nan")},
    ],
)
def test_a_change_that_makes_no_sense_is_refused_in_place(boss, done, typed):
    cell = cell_of(done)
    response = send(boss, Page.of(boss.get(inspect_url(done, cell))), "change", **typed)
    assert response.status_code == 400
    again = Page(response.content.decode())
    kept = again.data(form_of(again, "change"))
    assert {name: kept[name] for name in typed} == {name: [value] for name, value in typed.items()}
    assert not cell.asset.reviews.exists()


def test_what_was_decided_of_an_older_picture_is_refused(boss, brand, done):
    cell = cell_of(done)
    page = Page.of(boss.get(inspect_url(done, cell)))
    new = factories.make_asset(brand, (60, 60), kind="composed")
    Variant.objects.filter(pk=cell.pk).update(asset=new)
    for verb, typed in (("approve", {"declaration": list(factories.DECLARED)}), ("reject", {"reason": "text"})):
        response = send(boss, page, verb, **typed)
        assert response.status_code == 409
        assert "changed" in Page(response.content.decode()).text
    assert not Event.objects.filter(object_id=str(new.pk)).exists()
    answer = boss.post(inspect_url(done, cell), {"do": "shortlist", "asset": str(cell.asset_id)}, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (409, "object.changed")


def test_a_manager_overrides_with_a_reason(boss, as_role, done):
    cell = cell_of(done)
    fail_check(cell.asset)
    page = Page.of(as_role("reviewer").get(inspect_url(done, cell)))
    assert "A brand manager can override" in page.text
    page = Page.of(boss.get(inspect_url(done, cell)))
    signed = {"declaration": list(factories.DECLARED)}
    assert send(boss, page, "override", **signed).status_code == 400
    assert send(boss, page, "override", note="The campaign wants it", **signed).status_code == 302
    assert cell.asset.reviews.get().override


def test_lines_are_edited_in_the_cells_language_and_others_kept(boss, done):
    done.matrix = {"channels": ["square", "story"], "locales": ["en", "ar"]}
    done.texts = {"headline": {"ar": "كلمات"}}
    done.save()
    page = Page.of(boss.get(inspect_url(done, cell_of(done))))
    data = page.data(form_of(page, "recompose"))
    assert "texts-headline_en" in data
    assert "texts-headline_ar" not in data
    send(boss, page, "recompose", **{"texts-headline_en": "Second words"})
    done.refresh_from_db()
    assert done.texts == {"headline": {"ar": "كلمات", "en": "Second words"}}
    too_long = send(boss, page, "recompose", **{"texts-headline_en": "x" * 501})
    assert too_long.status_code == 400
    assert "x" * 501 in too_long.content.decode()


def test_scripts_are_answered_with_data(boss, done):
    cell = cell_of(done)
    answer = boss.post(inspect_url(done, cell), {"do": "shortlist"}, headers=JSON)
    assert (answer.status_code, answer.json()["ok"]) == (200, True)
    answer = boss.post(inspect_url(done, cell), {"do": "reject"}, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (400, "review.unknown_reason")
    url = reverse("admin:image_studio_variantset_cell", args=[done.pk, cell.pk])
    assert boss.post(url, {"do": "cancel"}, headers=JSON).json()["code"] == "variant.wrong_state"


# Several at once ---------------------------------------------------------------------------------------------------


def test_several_are_rejected_with_one_reason(boss, done):
    cells = list(done.variants.order_by("position"))
    response = tick(boss, done, "reject", cells[:3], reason="off_brand", note="Too dark")
    assert response.status_code == 302
    states = done.variants.order_by("position").values_list("asset__state", flat=True)
    assert list(states) == ["rejected", "rejected", "rejected", "candidate"]


def test_a_missing_signature_is_told_once_and_the_ticks_stay(boss, done):
    cells = list(done.variants.order_by("position"))
    response = tick(boss, done, "approve", cells, declaration=["people"])
    assert response.status_code == 400
    assert len(told(response)) == 1
    html = response.content.decode()
    assert len(re.findall(r'name="cell"[^>]* checked', html)) == 4
    assert re.search(r'value="people"[^>]* checked', html)
    assert not Asset.objects.filter(state="approved").exists()


def test_a_recomposed_one_among_the_ticked_is_left_alone(boss, brand, done):
    first, second = done.variants.order_by("position")[:2]
    boxes = f"{first.pk}.{first.asset_id}.{first.asset.sha256}", f"{second.pk}.{second.asset_id}.{second.asset.sha256}"
    new = factories.make_asset(brand, (60, 60), kind="composed")
    Variant.objects.filter(pk=first.pk).update(asset=new)
    url = reverse("admin:image_studio_variantset_say", args=[done.pk])
    answer = boss.post(url, {"do": "shortlist", "cell": boxes}, headers=JSON).json()
    assert (answer["ok"], answer["done"]) == (False, 1)
    assert [(one["id"], one["code"]) for one in answer["refused"]] == [(str(first.pk), "object.changed")]
    new.refresh_from_db()
    second.asset.refresh_from_db()
    assert (new.state, second.asset.state) == ("candidate", "shortlisted")


def test_many_approvals_do_not_cost_more_each(boss, brand):
    made = make_finished(brand, takes=2, verdicts=("pass",))
    cells = list(made.variants.order_by("position"))
    with CaptureQueriesContext(connection) as one:
        tick(boss, made, "approve", cells[:1], declaration=factories.DECLARED)
    with CaptureQueriesContext(connection) as ten:
        tick(boss, made, "approve", cells[1:11], declaration=factories.DECLARED)
    assert Asset.objects.filter(state="approved").count() == 11
    assert len(ten) - len(one) <= 9 * 9


@pytest.mark.parametrize("role", ["viewer", "creator"])
def test_the_bulk_bar_offers_what_the_role_may_say(as_role, done, role):
    page = Page.of(as_role(role).get(reverse("admin:image_studio_variantset_change", args=[done.pk])))
    said = {value for name, value, form in page.buttons if name == "do" and form and form.get("id") == "bulk"}
    assert said == ({"shortlist"} if role == "creator" else set())
    assert any(name == "compare" for name, _value, _form in page.buttons)


# Side by side, and taken along -------------------------------------------------------------------------------------


def test_two_to_four_stand_side_by_side(boss, done):
    cells = list(done.variants.order_by("position"))
    response = tick(boss, done, "", cells[:3], compare="1")
    assert response.status_code == 302
    page = Page.of(boss.get(response["Location"]))
    assert page.inline == []
    assert page.html.count("studio-candidate") == 3
    for cell in cells[:3]:
        assert inspect_url(done, cell) in page.links


@pytest.mark.parametrize("n", [0, 1, 5])
def test_more_or_fewer_are_told(boss, brand, n):
    made = make_finished(brand, verdicts=())
    url = reverse("admin:image_studio_variantset_compare", args=[made.pk])
    chosen = [*(str(cell.pk) for cell in made.variants.all()[:n]), "nonsense"]
    page = Page.of(boss.get(url, {"cell": chosen}))
    assert "Tick two to four cells" in page.text
    assert "studio-candidate" not in page.html


def test_cells_of_another_set_are_not_compared(boss, as_role, done, brand):
    other = make_finished(brand, verdicts=())
    url = reverse("admin:image_studio_variantset_compare", args=[done.pk])
    assert "Tick two" in Page.of(boss.get(url, {"cell": [str(c.pk) for c in other.variants.all()[:2]]})).text
    assert as_role("manager", of=factories.make_brand()).get(url).status_code == 404


def test_the_zip_has_every_picture(boss, as_role, done):
    url = reverse("admin:image_studio_variantset_zip", args=[done.pk])
    response = boss.get(url)
    packed = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))
    assert sum(name.endswith(".jpg") for name in packed.namelist()) == 4
    assert response["Content-Disposition"].startswith("attachment")
    assert as_role("manager", of=factories.make_brand()).get(url).status_code == 404


def test_user_text_runs_nowhere(boss, brand, done):
    canary = "<script>alert(1)</script>\"'><img src=x onerror=y>"
    cell = cell_of(done)
    Asset.objects.filter(pk=cell.asset_id).update(title=canary, alt={"en": canary})
    send(boss, Page.of(boss.get(inspect_url(done, cell))), "change", note=canary)
    Job.objects.filter(variant_set=done).update(error_code="storage.full", error_params={"name": canary})
    live = reverse("admin:image_studio_variantset_live", args=[done.pk])
    told_by = json.loads(boss.get(live).content)
    urls = (inspect_url(done, cell), reverse("admin:image_studio_variantset_change", args=[done.pk]))
    pages = [boss.get(url).content.decode() for url in urls] + [cell["html"] for cell in told_by["cells"]]
    for html in pages:
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert Page(html).inline == []
