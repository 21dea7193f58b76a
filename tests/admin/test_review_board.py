"""The review board: what it shows to whom, what can be said, and that nothing that was typed is lost."""

from __future__ import annotations

import uuid
from html import unescape

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from image_studio.models import Asset, CheckResult, Review
from image_studio.policy import Policy
from image_studio.workflow import approve, change_this, reject
from tests import factories
from tests.admin.browser import Page
from tests.admin.conftest import make_staff, signed_in
from tests.workflow.test_queue import make_cells

pytestmark = pytest.mark.django_db
ROOT = "admin:image_studio_asset_review"
JSON = {"Accept": "application/json"}
OPERATOR = Policy.operator()


@pytest.fixture
def brand():
    return factories.make_bare_brand()


@pytest.fixture
def cells(brand):
    """Three pictures that wait, with alt text in English and Arabic."""
    return make_cells(brand, 3)


def url_of(asset):
    return reverse(f"{ROOT}_one", args=[asset.pk])


def say(client, asset, verb, *, json=False, **data):
    url = reverse(f"{ROOT}_say", args=[asset.pk])
    sent = {"do": verb, "seen": asset.sha256, **data}
    return client.post(url, sent, headers=JSON) if json else client.post(url, sent, follow=True)


def told(response):
    return [str(message) for message in response.context["messages"]]


def buttons(response):
    return {value for name, value, _form in Page.of(response).buttons if name == "do"}


def shown(response):
    return response.context["asset"]


def state_of(asset):
    return Asset.objects.values_list("state", flat=True).get(pk=asset.pk)


def fail_check(asset, **fields):
    values = {"check_name": "contrast", "kind": "measured", "verdict": "fail", "blocks": True, "code": "contrast.low"}
    return CheckResult.objects.create(asset=asset, **{**values, **fields})


# What it shows -----------------------------------------------------------------------------------------------------


def test_it_opens_on_what_waited_longest(boss, cells):
    response = boss.get(reverse(ROOT))
    assert shown(response) == cells[0]
    page = Page.of(response)
    assert page.inline == []
    assert url_of(cells[1]) in page.links
    assert "layout checked, content not judged" in page.text


def test_an_empty_board_teaches(boss, brand):
    text = Page.of(boss.get(reverse(ROOT))).text
    assert "Nothing waits for you." in text
    assert "Generate brand-safe variants" in text


def test_evidence_is_in_words_worst_first_with_its_box(boss, cells):
    asset = cells[0]
    fail_check(asset, verdict="pass", code="file.format", check_name="file", blocks=False)
    fail_check(asset, verdict="warn", blocks=False, region=[0.5, 0, 0.5, 0.25], score=2.125)
    fail_check(asset, check_name="logo", region=[0.1, 0.2, 0.3, 0.4])
    response = boss.get(url_of(asset), headers={"Accept-Language": "de"})
    assert [(said.result.verdict, said.number) for said in response.context["evidence"]] == [
        ("fail", 1),
        ("warn", 2),
        ("pass", 0),
    ]
    html = response.content.decode()
    # 120 x 90 pixels; SVG reads points in every language
    assert 'x="12.0" y="18.0" width="36.0" height="36.0"' in html
    assert 'x="60.0" y="0.0" width="60.0" height="22.5"' in html
    assert 'viewBox="0 0 120 90"' in html


def test_source_and_predecessor_stand_beside(boss, brand, cells):
    source = factories.make_asset(brand, (60, 40))
    made = cells[0].variants.get().variant_set
    made.source = source
    made.save()
    before = factories.make_asset(
        brand, (60, 40), kind="composed", channel=cells[0].channel, locale=cells[0].locale, state="published"
    )
    html = boss.get(url_of(cells[0])).content.decode()
    for beside in (source, before):
        assert reverse("admin:image_studio_asset_picture", args=[beside.pk, "preview"]) in html


def test_what_was_decided_and_asked_is_shown(boss, cells):
    change_this(OPERATOR, cells[0], note="Less <b>sky</b>", region=[0, 0, 0.5, 0.5])
    page = boss.get(url_of(cells[0]))
    assert "Less &lt;b&gt;sky&lt;/b&gt;" in page.content.decode()
    assert page.context["asked_box"] == ("0.0", "0.0", "60.0", "45.0")
    reject(OPERATOR, cells[1], reason="wrong_crop", note="her head")
    assert "Wrong crop" in Page.of(boss.get(url_of(cells[1]))).text


def test_its_cost_does_not_grow_with_the_queue(as_role, brand, cells):
    reviewer = as_role("reviewer")

    def cost():
        with CaptureQueriesContext(connection) as queries:
            assert reviewer.get(url_of(cells[1])).status_code == 200
        assert not [query for query in queries if "COUNT(" in query["sql"].upper()]
        return len(queries)

    before = cost()
    for _ in range(3):
        make_cells(brand, 6)
    assert cost() == before <= 16


def test_a_script_gets_the_part_that_changes(boss, cells):
    answer = boss.get(url_of(cells[1]), headers=JSON)
    assert "Accept" in answer["Vary"]
    part = answer.json()
    assert (part["id"], part["url"]) == (str(cells[1].pk), url_of(cells[1]))
    assert "<html" not in part["html"]
    assert Page(part["html"]).inline == []
    assert boss.get(reverse(ROOT), headers=JSON).json()["id"] == str(cells[0].pk)


def test_an_empty_queue_is_said_to_a_script_too(boss, brand):
    part = boss.get(reverse(ROOT), headers=JSON).json()
    assert (part["id"], part["url"]) == ("", reverse(ROOT))
    assert "Nothing waits for you." in part["html"]


def test_a_brand_narrows_the_queue_and_stays_chosen(boss, cells):
    other = factories.make_bare_brand()
    theirs = make_cells(other, 2)
    query = f"?brand={other.slug}"
    assert shown(boss.get(reverse(ROOT) + query)) == theirs[0]
    answer = boss.post(
        reverse(f"{ROOT}_say", args=[theirs[0].pk]) + query, {"do": "reject", "reason": "text"}, follow=True
    )
    assert answer.redirect_chain[-1][0] == url_of(theirs[1]) + query
    assert shown(boss.get(reverse(ROOT) + "?brand=nobody")) == cells[0]


# Who may say what ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "offered"),
    [
        ("viewer", set()),
        ("creator", {"shortlist"}),
        ("reviewer", {"shortlist", "approve", "approve_publish", "reject", "change", "carry"}),
    ],
)
def test_everybody_sees_the_evidence_and_their_own_verbs(as_role, cells, role, offered):
    fail_check(cells[0], blocks=False)
    client = as_role(role)
    response = client.get(url_of(cells[0]))
    assert response.context["evidence"]
    assert buttons(response) == offered
    for verb in {"approve", "reject", "change", "publish"} - offered:
        refused = say(client, cells[0], verb, reason="text", note="x", declaration=factories.DECLARED, json=True)
        assert refused.status_code in (403, 409), verb
    assert Review.objects.exists() is False


def test_a_viewer_is_told_who_decides(as_role, cells):
    viewer = as_role("viewer")
    assert "at least reviewer" in Page.of(viewer.get(url_of(cells[0]))).text
    assert "You do not review in any brand." in Page.of(viewer.get(reverse(ROOT))).text


def test_who_may_only_look_at_pictures_says_nothing(brand, cells):

    user = factories.make_user("manager", brand=brand, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_asset"))
    client = signed_in(user)
    assert buttons(client.get(url_of(cells[0]))) == set()
    assert say(client, cells[0], "reject", reason="text").status_code == 403
    assert state_of(cells[0]) == "candidate"


def test_other_brands_pictures_do_not_exist(cells):
    stranger = signed_in(make_staff("manager", brand=factories.make_bare_brand()))
    for asset_id in (cells[0].pk, uuid.uuid4()):
        assert stranger.get(reverse(f"{ROOT}_one", args=[asset_id])).status_code == 404
        refused = stranger.post(reverse(f"{ROOT}_say", args=[asset_id]), {"do": "reject", "reason": "text"})
        assert refused.status_code == 404
    assert state_of(cells[0]) == "candidate"


def test_own_only_members_review_their_own(brand, cells):
    user = make_staff("reviewer", brand=brand, own_only=True)
    (own,) = make_cells(brand, 1, created_by=user)
    client = signed_in(user)
    assert shown(client.get(reverse(ROOT))) == own
    assert client.get(url_of(cells[0])).status_code == 404


def test_own_only_creators_see_evidence_of_their_own_alone(brand, cells):
    user = make_staff("creator", brand=brand, own_only=True)
    (own,) = make_cells(brand, 1, created_by=user)
    client = signed_in(user)
    assert buttons(client.get(url_of(own))) == {"shortlist"}
    assert client.get(url_of(cells[0])).status_code == 404


def test_visitors_are_sent_to_the_login(client, cells):
    for url in (reverse(ROOT), url_of(cells[0])):
        assert "/login/" in client.get(url)["Location"]


def test_addresses_take_their_own_methods_only(boss, cells):
    assert boss.post(url_of(cells[0])).status_code == 405
    assert boss.get(reverse(f"{ROOT}_say", args=[cells[0].pk])).status_code == 405


# Saying -------------------------------------------------------------------------------------------------------------


def test_approving_goes_on_to_the_next(boss, cells):
    response = say(boss, cells[0], "approve", declaration=factories.DECLARED)
    assert response.redirect_chain[-1][0] == url_of(cells[1])
    assert "Approved, not live yet." in told(response)[0]
    review = Review.objects.get()
    assert (review.declaration, review.sha256) == (list(factories.DECLARED), cells[0].sha256)
    assert cells[0] not in response.context["board"].strip.assets


def test_the_end_of_the_queue_leads_to_what_was_skipped(boss, cells):
    response = say(boss, cells[2], "reject", reason="quality")
    assert shown(response) == cells[0]


def test_every_point_is_ticked_by_the_person(boss, cells):
    page = Page.of(boss.get(url_of(cells[0])))
    assert "declaration" not in {field.name for field in page.fields}  # a box that is ticked would be sent
    response = say(boss, cells[0], "approve", declaration=["people", "minors"])
    assert response.status_code == 400
    assert shown(response) == cells[0]
    assert "trademarks, invented_text open" in response.context["problem"]
    assert [point.chosen for point in response.context["points"]] == [True, False, True, False]
    assert state_of(cells[0]) == "candidate"


def test_a_judged_picture_needs_no_declaration(boss, cells):
    fail_check(cells[0], kind="judged", verdict="pass", blocks=False, check_name="people")
    response = boss.get(url_of(cells[0]))
    assert "I answer for it" not in Page.of(response).text
    say(boss, cells[0], "approve")
    assert state_of(cells[0]) == "approved"


def test_publishing_asks_for_alt_text_right_there(boss, brand):
    (asset,) = make_cells(brand, 1, alt={})
    locale = asset.locale
    assert [name for name, _words in boss.get(url_of(asset)).context["alts"]] == [locale]
    refused = say(boss, asset, "approve_publish", declaration=factories.DECLARED)
    assert (refused.status_code, state_of(asset)) == (400, "candidate")
    assert locale in refused.context["problem"]
    assert all(point.chosen for point in refused.context["points"])
    say(boss, asset, "approve_publish", declaration=factories.DECLARED, **{f"alt_{locale}": "A bottle"})
    assert Asset.objects.get(pk=asset.pk).alt == {locale: "A bottle"}
    assert Review.objects.get().decision == "approve"


def test_rejecting_needs_a_reason_and_keeps_the_note(boss, cells):
    response = say(boss, cells[0], "reject", note="The <lid> is bent")
    assert response.status_code == 400
    assert state_of(cells[0]) == "candidate"
    sent = Page(response.content.decode())
    form = next(form for form in sent.forms if form.get("data-form") == "reject")
    assert sent.data(form)["note"] == ["The <lid> is bent"]
    say(boss, cells[0], "reject", note="The <lid> is bent", reason="wrong_crop")
    review = Review.objects.get()
    assert (review.reason, review.note) == ("wrong_crop", "The <lid> is bent")


def test_a_change_takes_a_region_in_per_cent(boss, cells):
    sides = {"region_left": "10", "region_top": "20,5", "region_width": "30", "region_height": "40"}
    response = say(boss, cells[0], "change", note="More room", **sides)
    assert shown(response) == cells[1]
    assert Review.objects.get().region == [0.1, 0.205, 0.3, 0.4]
    say(boss, cells[1], "change", note="Warmer")
    assert Review.objects.first().region is None


@pytest.mark.parametrize("bad", ["", "wide", "nan", "inf", "-5", "500", "1e999"])
def test_a_region_that_is_none_is_told_and_kept(boss, cells, bad):
    sides = {"region_left": "10", "region_top": "20", "region_width": bad, "region_height": "40"}
    response = say(boss, cells[0], "change", note="More room", **sides)
    assert response.status_code == 400
    assert "A region is left" in response.context["problem"]
    assert {name: value for name, _words, value in response.context["sides"]}["left"] == "10"
    assert "More room" in response.content.decode()
    assert not Review.objects.exists()


def test_no_database_is_given_a_nul(boss, cells):
    say(boss, cells[0], "change", note="dark\x00er")
    assert Review.objects.get().note == "darker"


def test_shortlisting_stays_with_the_picture(boss, cells):
    response = say(boss, cells[0], "shortlist")
    assert (shown(response), state_of(cells[0])) == (cells[0], "shortlisted")
    assert say(boss, cells[0], "unshortlist", json=True).json()["stay"] is True
    assert state_of(cells[0]) == "candidate"


def test_a_blocked_picture_is_explained_and_overridden_by_a_manager_alone(as_role, cells):
    fail_check(cells[0])
    reviewer, manager = as_role("reviewer"), as_role("manager")
    response = reviewer.get(url_of(cells[0]))
    assert "approve" not in buttons(response)
    assert "A check that blocks has failed: contrast" in Page.of(response).text
    assert say(reviewer, cells[0], "approve", json=True, declaration=factories.DECLARED).status_code == 409
    assert say(reviewer, cells[0], "override", json=True, note="x", declaration=factories.DECLARED).status_code == 403
    assert "override" in buttons(manager.get(url_of(cells[0])))
    unsaid = say(manager, cells[0], "override", declaration=factories.DECLARED)
    assert unsaid.status_code == 400
    say(manager, cells[0], "override", declaration=factories.DECLARED, note="The art director agreed")
    assert Review.objects.get().override


def test_who_asked_for_it_is_told_that_another_person_decides():
    brand = factories.make_brand(second_person=True)
    user = make_staff("manager", brand=brand)
    (asset,) = make_cells(brand, 1, created_by=user)
    client = signed_in(user)
    response = client.get(url_of(asset))
    assert not buttons(response) & {"approve", "override", "approve_publish"}
    assert "You asked for this picture yourself" in Page.of(response).text
    assert say(client, asset, "approve", json=True, declaration=factories.DECLARED).json()["code"] == (
        "review.same_person"
    )


# When somebody was faster -------------------------------------------------------------------------------------------


def test_a_decision_made_meanwhile_is_told_and_the_next_picture_shown(boss, cells):
    approve(OPERATOR, cells[0], declaration=factories.DECLARED)
    response = say(boss, cells[0], "change", note="Less sky")
    assert shown(response) == cells[1]
    (message,) = told(response)
    assert "Approved now" in message
    assert "Less sky" in message  # what was typed can still be copied
    assert Review.objects.count() == 1


def test_a_script_is_told_to_go_on(boss, cells):
    reject(OPERATOR, cells[0], reason="text")
    refused = say(boss, cells[0], "reject", reason="text", note="Less sky", json=True)
    answer = refused.json()
    assert (refused.status_code, answer["gone"], answer["ok"]) == (409, True, False)
    assert "Less sky" in answer["message"]


def test_a_form_posted_twice_decides_once(boss, cells):
    data = {"declaration": factories.DECLARED}
    assert say(boss, cells[0], "approve", json=True, **data).json()["ok"] is True
    again = say(boss, cells[0], "approve", json=True, **data)
    assert (again.status_code, again.json()["gone"]) == (409, True)
    assert Review.objects.count() == 1


def test_a_page_of_other_bytes_decides_nothing(boss, cells):
    response = say(boss, cells[0], "approve", seen="0" * 64, declaration=factories.DECLARED)
    assert "changed this a moment ago" in told(response)[0]
    assert state_of(cells[0]) == "candidate"


def test_refusals_that_can_be_mended_keep_a_script_here(boss, cells):
    answer = say(boss, cells[0], "approve", json=True).json()
    assert (answer["ok"], answer["gone"], answer["code"]) == (False, False, "review.declaration_missing")


@pytest.mark.parametrize("verb", ["", "retry", "delete", "approve\x00"])
def test_unknown_verbs_are_refused(boss, cells, verb):
    assert say(boss, cells[0], verb).status_code == 403


def test_forms_are_protected_against_forgery(boss, cells):
    client = Client(enforce_csrf_checks=True)
    client.force_login(boss.user)
    assert say(client, cells[0], "reject", reason="text").status_code == 403


def test_nothing_that_people_wrote_is_html(boss, brand):
    canary = '"><img src=x onerror=alert(1)><script>alert(2)</script>{{ 7*7 }}'
    (asset,) = make_cells(brand, 1, title=canary, alt={"en": canary})
    change_this(OPERATOR, asset, note=canary)
    response = say(boss, asset, "reject", note=canary)
    page = Page(response.content.decode())
    assert page.inline == []
    assert "<img src=x" not in page.html
    assert canary in unescape(page.html)


def test_the_library_and_a_picture_lead_reviewers_to_the_board(as_role, cells):
    board, here = reverse("admin:image_studio_asset_review"), [cells[0].pk]
    for role, wanted in (("reviewer", True), ("creator", False)):
        client = as_role(role)
        for page, link in (
            (reverse("admin:image_studio_asset_changelist"), board),
            (reverse("admin:image_studio_asset_change", args=here), f"{board}{here[0]}/"),
        ):
            assert (f'href="{link}"' in client.get(page).content.decode()) is wanted, (role, page)
