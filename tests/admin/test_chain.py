"""Edit histories in the admin: the list, how one begins, and the workbench, from outside."""

from __future__ import annotations

import io
import json

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from PIL import Image

from image_studio import storage
from image_studio.models import EditCandidate, EditChain, EditDraft, EditFile, EditRecipe, EditStep, Job, JobOutput
from image_studio.models.base import database_now
from image_studio.runner import drain
from image_studio.workflow.chains import choose, close, reject_step
from tests import factories
from tests.admin.browser import Page
from tests.admin.conftest import make_staff, signed_in
from tests.workflow.chains import OPERATOR, ask, chain_from, paid_site

pytestmark = pytest.mark.django_db
MOST_QUERIES = 22
MOST_BYTES = 200_000


@pytest.fixture
def server(settings, tmp_path):
    with paid_site(settings, tmp_path, BRAND_CHECKS=()) as fake:
        yield fake


@pytest.fixture
def chain(server, brand):
    return chain_from(factories.make_asset(brand, (320, 240)), title="Bottle, spring")


def url_of(chain, name="change", *args):
    return reverse(f"admin:image_studio_editchain_{name}", args=[chain.pk, *args])


def opened(client, chain, query=""):
    return Page.of(client.get(url_of(chain) + query))


def ask_form(page):
    return next(form for form in page.forms if form.get("id") == "ask")


def sent(client, chain, query="", **changes):
    """The form as a browser without scripts sends it."""
    page = opened(client, chain, query)
    data = page.data(ask_form(page), **changes)
    return client.post(url_of(chain) + query, data)


def priced(client, chain, **changes):
    """Priced, and then sent as the answer has it."""
    answer = sent(client, chain, do="price", **changes)
    page = Page.of(answer)
    return page, page.data(ask_form(page), do="ask")


def say(client, chain, verb, **data):
    return client.post(url_of(chain), {"do": verb, **data})


# The list -----------------------------------------------------------------------------------------------------------


def test_an_empty_list_teaches_and_leads_on(boss, brand):
    page = Page.of(boss.get(reverse("admin:image_studio_editchain_changelist")))
    assert "a history keeps every step" in page.text
    assert reverse("admin:image_studio_editchain_add") in page.links
    assert not page.inline


def test_a_list_shows_what_each_began_with_and_where_it_stands(boss, chain):
    step = ask(chain)
    choose(OPERATOR, step, 0)
    page = Page.of(boss.get(reverse("admin:image_studio_editchain_changelist")))
    assert "Bottle, spring" in page.text
    assert "2 steps" in page.text
    assert "Open" in page.text
    shown = [step.candidates.get().asset_id, chain.source_id]
    assert all(str(pk) in page.html for pk in shown)


def test_the_list_keeps_to_a_few_queries(boss, brand, server, django_assert_max_num_queries):
    for number in range(12):
        chain_from(factories.make_asset(brand, (64, 48)), title=f"History {number}")
    with django_assert_max_num_queries(12):
        assert "History 11" in Page.of(boss.get(reverse("admin:image_studio_editchain_changelist"))).text


# Beginning ----------------------------------------------------------------------------------------------------------


def test_a_history_begins_with_a_picture_of_the_library(boss, brand, server):
    source = factories.make_asset(brand, (320, 240))
    url = reverse("admin:image_studio_editchain_add")
    assert f"?source={source.pk}" in Page.of(boss.get(url)).links
    page = Page.of(boss.get(f"{url}?source={source.pk}"))
    form = next(form for form in page.forms if any(f.form is form and f.name == "source" for f in page.fields))
    answer = boss.post(url, page.data(form, do="start"))
    chain = EditChain.objects.get()
    assert answer.url == url_of(chain)
    assert chain.source == source
    assert not server.calls()


def test_a_history_begins_with_words_and_says_the_price_first(boss, brand, server):
    url = reverse("admin:image_studio_editchain_add")
    page = Page.of(boss.get(url))
    form = next(form for form in page.forms if any(f.form is form and f.name == "instruction" for f in page.fields))
    said = {"instruction": "A jug on a table", "route": "quick"}
    asked = Page.of(boss.post(url, page.data(form, do="price", **said)))
    assert "Make it: about $0.00" in asked.text
    assert not EditChain.objects.exists()
    form = next(form for form in asked.forms if any(f.form is form and f.name == "instruction" for f in asked.fields))
    boss.post(url, asked.data(form, do="begin"))
    drain()
    chain = EditChain.objects.get()
    assert chain.steps.get().kind == "generate"
    assert len(server.charged()) == 1
    assert "Step 1" in opened(boss, chain).text


def test_words_are_not_bought_at_a_price_that_nobody_saw(boss, brand, server):
    url = reverse("admin:image_studio_editchain_add")
    data = {"do": "begin", "instruction": "A jug", "route": "quick", "brand": brand.pk, "ratio": "1:1"}
    answer = boss.post(url, {**data, "candidates": "1", "key": "k1", "digest": ""})
    assert answer.status_code == 200
    assert not EditChain.objects.exists()


# The workbench without scripts --------------------------------------------------------------------------------------


def test_a_step_is_priced_asked_for_and_stands_in_the_tree_at_once(boss, chain, server):
    page, data = priced(boss, chain, instruction="Make the bottle green", route="quick")
    assert "Change: about $0.0" in page.text
    assert not server.calls()
    answer = boss.post(url_of(chain), data)
    assert answer.url == f"{url_of(chain)}?step=2"
    ghost = opened(boss, chain, "?step=2")
    assert "Make the bottle green" in ghost.text
    assert "waits for its turn" in ghost.text
    assert any(button[:2] == ("do", "cancel") for button in ghost.buttons)
    drain()
    made = opened(boss, chain, "?step=2")
    assert "1 candidate" in made.text
    assert str(EditStep.objects.get(number=2).candidates.get().asset_id) in made.html
    assert not made.inline


def test_nothing_is_bought_that_was_not_seen(boss, chain, server):
    page = opened(boss, chain)
    data = page.data(ask_form(page), instruction="Make it green", route="quick", do="ask", digest=[""])
    answer = boss.post(url_of(chain), data)
    assert answer.status_code == 409
    assert "Make it green" in answer.content.decode()
    assert not Job.objects.filter(step__isnull=False).exists()
    again = Page(answer.content.decode())
    assert boss.post(url_of(chain), again.data(ask_form(again), do="ask")).status_code == 302


def test_the_same_form_twice_asks_once(boss, chain):
    _page, data = priced(boss, chain, instruction="Make it green", route="quick")
    first, second = boss.post(url_of(chain), data), boss.post(url_of(chain), data)
    assert first.url == second.url
    assert chain.steps.count() == 2


def test_numbers_mark_a_part_and_paste_back_is_told_in_words(boss, chain):
    part = {"left": "10", "top": "20", "width": "30", "height": "40"}
    page, data = priced(boss, chain, instruction="A lemon", route="quick", **part)
    assert "Change a part: about" in page.text
    boss.post(url_of(chain), data)
    drain()
    step = chain.steps.get(number=2)
    assert step.kind == "inpaint"
    assert step.order["region"] == [0.1, 0.2, 0.3, 0.4]
    text = opened(boss, chain, "?step=2").text
    candidate = step.candidates.get()
    expected = "Every pixel outside the marked part" if candidate.paste["pasted"] else "."
    assert expected in text


def test_an_extension_leaves_the_marked_part_out(boss, chain):
    part = {"left": "10", "top": "20", "width": "30", "height": "40"}
    _page, data = priced(boss, chain, kind="extend", ratio="1:1", route="reframe", **part)
    assert boss.post(url_of(chain), data).status_code == 302
    order = chain.steps.get(number=2).order
    assert (order["kind"], "region" in order) == ("extend", False)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"instruction": ""}, "Say what"),
        ({"left": "10"}, "Give all four numbers"),
        ({"left": "90", "top": "0", "width": "30", "height": "10"}, ""),
        ({"kind": "combine"}, ""),
        ({"polygons": "nonsense"}, "marked part cannot be read"),
        ({"polygons": "[[[0, 0], [2, 0], [0, 2]]]"}, "marked part cannot be read"),
        ({"route": "gold"}, "gold"),
        ({"feather": "9999"}, "500"),
    ],
)
def test_a_form_that_does_not_hold_comes_back_with_the_reason(boss, chain, changes, words):
    typed = {"instruction": "Make it green", "route": "quick", **changes}
    page = opened(boss, chain)
    answer = boss.post(url_of(chain), page.data(ask_form(page), do="ask", **typed))
    assert answer.status_code in (200, 400, 409)
    assert words in answer.content.decode()
    assert chain.steps.count() == 1


def test_one_of_several_candidates_is_picked_and_becomes_the_head(boss, chain):
    ask(chain, candidates=3)
    page = opened(boss, chain, "?step=2")
    assert "3 candidates" in page.text
    answer = say(boss, chain, "choose", step=2, index=1, seen=1)
    assert answer.url.endswith("?step=2")
    chain.refresh_from_db()
    assert (chain.head, chain.steps.get(number=2).choice) == (2, 1)


def test_a_rejected_step_is_dimmed_with_its_reason(boss, chain):
    ask(chain)
    say(boss, chain, "reject", step=2, reason="too_much", note="the label is gone")
    page = opened(boss, chain)
    assert "wb-of-rejected" in page.html
    assert "Changed too much: the label is gone" in page.text
    say(boss, chain, "undecide", step=2)
    assert chain.steps.get(number=2).state == "open"


def test_a_step_is_asked_for_from_any_picture(boss, chain):
    choose(OPERATOR, ask(chain), 0)
    _page, data = priced(boss, chain, instruction="Another way", route="quick", parent="1", candidate="0")
    boss.post(url_of(chain), data)
    assert [(step.number, step.parent_number) for step in chain.steps.all()] == [(1, None), (2, 1), (3, 1)]
    html = opened(boss, chain).html
    assert html.count("<ol") - html.count('<ol class="wb-tree"') >= 2  # the crumbs, and the line that began at step 1


def test_a_history_of_its_own_begins_with_any_picture(boss, chain):
    choose(OPERATOR, ask(chain), 0)
    answer = say(boss, chain, "fork", step=2, index=0)
    other = EditChain.objects.exclude(pk=chain.pk).get()
    assert answer.url == url_of(other)
    assert (other.forked_from, other.forked_step) == (chain, 2)
    assert url_of(chain) in opened(boss, other).links


def test_a_history_is_renamed_closed_and_opened_again(boss, chain):
    say(boss, chain, "rename", title="Bottle, summer")
    say(boss, chain, "close")
    page = opened(boss, chain)
    assert "Bottle, summer" in page.text
    assert "This history is closed" in page.text
    assert not any(form.get("id") == "ask" for form in page.forms)
    say(boss, chain, "reopen")
    assert any(form.get("id") == "ask" for form in opened(boss, chain).forms)


def test_the_way_to_a_step_is_kept_as_a_recipe(boss, chain):
    choose(OPERATOR, ask(chain), 0)
    say(boss, chain, "recipe", step=2, name="Green bottle")
    assert len(EditRecipe.objects.get().steps) == 1
    assert "Green bottle" in opened(boss, chain).text


def test_a_waiting_step_is_cancelled_and_tried_again(boss, chain, server):
    ask(chain, work=False)
    say(boss, chain, "cancel", step=2)
    page = opened(boss, chain, "?step=2")
    assert "Cancelled" in page.text
    say(boss, chain, "retry", step=2, key="one")
    drain()
    assert "1 candidate" in opened(boss, chain, "?step=2").text


def test_an_edit_that_moderation_refuses_says_so_on_its_step_and_what_to_try(boss, chain, server):
    server.script(faults=["moderation_400_output"])
    ask(chain)
    page = opened(boss, chain, "?step=2")
    assert chain.steps.get(number=2).status == "blocked"
    assert "Say it in other words" in page.text
    assert "?step=1&candidate=0&like=2#ask" in page.links
    like = opened(boss, chain, "?step=1&like=2")
    assert "Make the bottle green" in [f.value for f in like.fields if f.name == "instruction"]


# Two people -----------------------------------------------------------------------------------------------------------


def test_a_head_that_moved_meanwhile_is_told_and_shown(boss, chain):
    ask(chain)
    choose(OPERATOR, ask(chain, parent=1, instruction="Red"), 0)
    answer = boss.post(url_of(chain) + "?step=2", {"do": "choose", "step": 2, "index": 0, "seen": 1}, follow=True)
    text = Page.of(answer).text
    assert answer.redirect_chain[0][0] == url_of(chain)
    assert "Step 3" in text
    assert chain.steps.get(number=2).state == "open"


def test_what_is_typed_survives_a_step_that_was_closed_meanwhile(boss, chain):
    _page, data = priced(boss, chain, instruction="Make it green", route="quick")
    close(OPERATOR, chain)
    answer = boss.post(url_of(chain), data)
    assert answer.status_code == 409
    assert "Make it green" in answer.content.decode()


# Rights -------------------------------------------------------------------------------------------------------------


def test_a_viewer_looks_and_says_nothing(as_role, chain):
    ask(chain)
    viewer = as_role("viewer")
    page = opened(viewer, chain, "?step=2")
    assert "You may look" in page.text
    assert not [button for button in page.buttons if button[0] == "do"]
    for name in ("offers", "draft", "files"):
        assert viewer.post(url_of(chain, name)).status_code == 403
    assert say(viewer, chain, "choose", step=2, index=0, seen=1).status_code == 403
    assert viewer.get(reverse("admin:image_studio_editchain_add")).status_code == 403


def test_django_s_own_permission_is_needed_too(chain, brand):
    user = factories.make_user("creator", brand=brand, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_editchain"))
    client = signed_in(user)
    assert "You may look" in opened(client, chain).text or "Ask for a change" not in opened(client, chain).text
    assert say(client, chain, "rename", title="Mine").status_code == 403


@pytest.mark.parametrize("name", ["change", "live", "offers", "draft", "files", "pick"])
def test_another_brand_s_history_does_not_exist(chain, name):
    stranger = signed_in(make_staff("manager", brand=factories.make_brand()))
    method = stranger.post if name in ("offers", "draft", "files") else stranger.get
    answer = method(url_of(chain, name))
    assert answer.status_code == 404


def test_who_sees_only_their_own_sees_their_own_histories(as_role, chain, brand):
    mine = as_role("creator", own_only=True)
    assert mine.get(url_of(chain)).status_code == 404
    assert "Bottle, spring" not in Page.of(mine.get(reverse("admin:image_studio_editchain_changelist"))).text


def test_who_is_not_signed_in_is_sent_to_the_login(chain):
    assert Client().get(url_of(chain)).status_code == 302


# For scripts --------------------------------------------------------------------------------------------------------


def form_data(client, chain, **changes):
    page = opened(client, chain)
    return page.data(ask_form(page), **changes)


def test_prices_of_every_route_come_as_data(boss, chain):
    data = form_data(boss, chain, instruction="Make it green", route="quick")
    told = boss.post(url_of(chain, "offers"), data).json()
    assert told["digest"]
    assert told["button"].startswith("Change: about $")
    assert told["cards"]["quick"]["price"].startswith("about $")
    assert told["cards"]["reframe"]["why_not"]
    assert not chain.steps.filter(number=2).exists()


def test_a_price_is_seen_before_the_first_word(boss, chain):
    told = boss.post(url_of(chain, "offers"), form_data(boss, chain, instruction="", route="quick")).json()
    assert not told["digest"]
    assert told["cards"]["quick"]["price"]


def painted(size, box=(10, 10, 60, 60), colour=(0, 0, 0, 255)):
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    image.paste(colour, box)
    return io.BytesIO(factories.encoded(image))


def upload(client, chain, file, role="mask", **changes):
    file.name = f"{role}.png"
    return client.post(url_of(chain, "files"), {"role": role, "parent": "1", "candidate": "0", "file": file, **changes})


def test_a_painted_mask_is_kept_and_sent(boss, chain):
    told = upload(boss, chain, painted((320, 240))).json()
    row = EditFile.objects.get()
    assert told == {"ok": True, "id": str(row.pk)}
    assert row.told["share"] == pytest.approx(50 * 50 / (320 * 240), abs=0.01)
    page, data = priced(boss, chain, instruction="A lemon", route="quick", mask=told["id"])
    assert "Change a part" in page.text
    boss.post(url_of(chain), data)
    assert chain.steps.get(number=2).order["mask"] == told["id"]
    served = boss.get(url_of(chain, "file", row.pk))
    assert served["Content-Type"] == "image/png"
    assert "sandbox" in served["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (lambda: painted((100, 100)), "mask.other_"),
        (lambda: painted((320, 240), (0, 0, 0, 0)), "mask.empty"),
        (lambda: painted((320, 240), (0, 0, 320, 240)), "mask."),
        (lambda: io.BytesIO(b"no picture"), ""),
    ],
)
def test_a_mask_that_cannot_be_used_says_why(boss, chain, file, code):
    answer = upload(boss, chain, file())
    assert 400 <= answer.status_code < 500
    assert answer.json()["code"].startswith(code)
    assert answer.json()["message"]
    assert not EditFile.objects.exists()


def test_a_drawing_makes_a_step_that_follows_it(boss, chain):
    told = upload(boss, chain, painted((320, 240), colour=(229, 32, 43, 255)), role="markup").json()
    data = form_data(boss, chain, instruction="As drawn", route="quick", markup=told["id"])
    offers = boss.post(url_of(chain, "offers"), data).json()
    assert "Follow the drawing" in offers["button"]


def test_a_draft_comes_back_for_its_own_person_only(boss, as_role, chain):
    data = {"instruction": "Half a sen", "route": "quick", "strokes": {"1.0": {"mask": []}}, "refs": []}
    assert boss.post(url_of(chain, "draft"), {"data": json.dumps(data)}).json() == {"ok": True}
    page = opened(boss, chain)
    assert "Half a sen" in [f.value for f in page.fields if f.name == "instruction"]
    assert "&quot;1.0&quot;" in page.html
    other = opened(as_role("creator"), chain)
    assert "Half a sen" not in other.html


def test_a_draft_is_gone_once_its_step_is_asked_for(boss, chain):
    boss.post(url_of(chain, "draft"), {"data": json.dumps({"instruction": "Green"})})
    _page, data = priced(boss, chain, instruction="Green", route="quick")
    boss.post(url_of(chain), data)
    assert not EditDraft.objects.exists()


@pytest.mark.parametrize("data", ["", "[]", "{", json.dumps({"instruction": "\0"}), json.dumps({"a": "x" * 500_000})])
def test_a_draft_that_cannot_be_kept_is_refused(boss, chain, data):
    assert 400 <= boss.post(url_of(chain, "draft"), {"data": data}).status_code < 500
    assert not EditDraft.objects.exists()


@pytest.mark.parametrize(
    "data", [{"instruction": 3, "kind": [], "refs": "x", "candidates": {}}, {"left": "x", "refs": [1]}]
)
def test_a_strange_draft_does_not_break_the_page(boss, chain, data):
    boss.post(url_of(chain, "draft"), {"data": json.dumps(data)})
    assert opened(boss, chain).forms


def test_pictures_of_the_brand_may_go_along(boss, chain, brand):
    style = factories.make_asset(brand, (64, 48), title="Sketch of a jug")
    factories.make_asset(factories.make_brand(), (64, 48), title="Somebody else's")
    told = boss.get(url_of(chain, "pick") + "?dialog=1").json()
    assert {one["title"] for one in told["pictures"]} == {"Sketch of a jug", "A bottle"}
    assert "dialog" in told
    page, _data = priced(
        boss,
        chain,
        instruction="In its style",
        kind="restyle",
        route="quick",
        ref_as=["style"],
        ref_asset=[str(style.pk)],
    )
    assert str(style.pk) in page.html
    data = form_data(
        boss, chain, instruction="x", route="quick", kind="restyle", ref_as=["style"], ref_asset=[str(style.pk)]
    )
    assert boss.post(url_of(chain, "offers"), data).json()["button"].startswith("Restyle")


def live(client, chain, **query):
    return client.get(url_of(chain, "live"), query).json()


def test_an_open_page_is_told_what_moved_and_nothing_else(boss, chain):
    ask(chain, work=False)
    told = live(boss, chain, step=2)
    assert told["active"]
    assert "tree" in told
    assert "waits for its turn" in told["html"]
    known = {"step": 2, "have": told["etags"], "shape": told["shape"], "stage": told["stage_mark"]}
    quiet = live(boss, chain, **known)
    assert quiet["nodes"] == {}
    assert "tree" not in quiet
    assert "html" not in quiet
    drain()
    moved = live(boss, chain, **known)
    assert list(moved["nodes"]) == ["2"]
    assert "1 candidate" in moved["html"]
    assert not moved["active"]
    choose(OPERATOR, chain.steps.get(number=2), 0)
    assert live(boss, chain, **known)["head"] == 2


def test_an_early_version_is_shown_while_a_step_works(boss, as_role, chain):
    step = ask(chain, work=False)
    data = factories.encoded(Image.new("RGB", (64, 48), "green"))
    name = storage.write(storage.private(), storage.fresh_name("early", "png"), data)
    rows = {"0": {"file": name, "number": 2, "format": "png"}}
    Job.objects.filter(pk=step.job_id).update(state="sending", partials=rows)
    address = url_of(chain, "partial", step.job_id, 0)
    page = opened(boss, chain, "?step=2")
    assert f'src="{address}?v=2"' in page.html
    assert "An early version" in page.text
    assert boss.get(address).content == data
    assert signed_in(make_staff("manager", brand=factories.make_brand())).get(address).status_code == 404
    Job.objects.filter(pk=step.job_id).update(state="queued", partials={})
    drain()
    made = chain.steps.get(number=2).candidates.get().asset_id
    assert boss.get(address).url.endswith(f"/{made}/picture/preview/")
    assert boss.get(url_of(chain_from(chain.source), "partial", step.job_id, 0)).status_code == 404


def test_where_a_picture_drifted_is_served_to_who_may_see_it(boss, chain):
    asset = ask(chain).candidates.get().asset
    address = url_of(chain, "heat", asset.pk)
    assert address in opened(boss, chain, "?step=2").html
    assert boss.get(address).content.startswith(b"\x89PNG")
    assert "sandbox" in boss.get(address)["Content-Security-Policy"]
    assert boss.get(url_of(chain, "heat", chain.source_id)).status_code == 404
    assert signed_in(make_staff("manager", brand=factories.make_brand())).get(address).status_code == 404


# Weight -------------------------------------------------------------------------------------------------------------


def long_chain(chain, steps):
    """A chain of so many steps as rows alone, branching every fourth one; every picture is the first one."""
    asset = chain.source
    rows = [
        EditStep(
            chain=chain,
            number=number,
            parent_number=number - 1 if number % 4 else max(1, number - 6),
            parent_candidate=0,
            kind="edit",
            instruction=f"Step {number}: make the bottle a little greener than it was, and the light warmer " * 2,
            outcome="ready",
            route="quick",
            state="rejected" if number % 7 == 0 else "chosen",
            choice=None if number % 7 == 0 else 0,
            reason="too_much" if number % 7 == 0 else "",
            note="the label lost its letters" if number % 7 == 0 else "",
        )
        for number in range(2, steps + 1)
    ]
    EditStep.objects.bulk_create(rows)
    EditCandidate.objects.bulk_create(
        EditCandidate(step=row, index=0, asset=asset, raw=asset, width=320, height=240) for row in rows
    )
    EditChain.objects.filter(pk=chain.pk).update(length=steps, head=steps, touched_at=database_now())
    return EditChain.objects.get(pk=chain.pk)


def test_two_hundred_steps_open_with_the_queries_of_ten(boss, chain, django_assert_max_num_queries):
    short = long_chain(chain, 10)
    boss.get(url_of(short))
    with django_assert_max_num_queries(MOST_QUERIES) as few:
        boss.get(url_of(short))
    EditStep.objects.filter(chain=chain).exclude(number=1).delete()
    long = long_chain(chain, 200)
    with django_assert_max_num_queries(MOST_QUERIES) as many:
        answer = boss.get(url_of(long))
    assert len(many) == len(few)
    assert len(answer.content) < MOST_BYTES
    page = Page.of(answer)
    assert all(f'data-node="{number}"' in page.html for number in (1, 100, 200))


def test_a_poll_of_two_hundred_steps_is_light(boss, chain, django_assert_max_num_queries):
    long = long_chain(chain, 200)
    told = live(boss, long)
    known = {"have": told["etags"], "shape": told["shape"], "stage": told["stage_mark"]}
    with django_assert_max_num_queries(MOST_QUERIES):
        answer = boss.get(url_of(long, "live"), known)
    assert len(answer.content) < 2_000


def test_a_tree_as_deep_as_it_is_long_is_drawn(boss, chain):
    """Every second step begins a line of its own."""
    rows = [
        EditStep(chain=chain, number=n, parent_number=max(1, n - 2), kind="edit", outcome="failed")
        for n in range(2, 121)
    ]
    EditStep.objects.bulk_create(rows)
    EditChain.objects.filter(pk=chain.pk).update(length=120)
    html = opened(boss, chain).html
    assert html.count("<ol") == html.count("</ol>")
    assert html.count("data-node=") == 120


def test_what_people_type_is_shown_as_text(boss, chain):
    canary = "<img src=x onerror=alert(1)>"
    say(boss, chain, "rename", title=canary)
    reject_step(OPERATOR, ask(chain, instruction=canary), reason="other", note=canary)
    boss.post(url_of(chain, "draft"), {"data": json.dumps({"instruction": f"</script>{canary}"})})
    page = opened(boss, chain)
    assert "<img src=x" not in page.html
    assert not page.inline


# Taking a result back to where it was asked for -----------------------------------------------------------------------


def test_a_picture_is_taken_into_the_contact_sheet_that_it_came_from(boss, server, brand):
    source = factories.make_asset(brand, (320, 240))
    made = factories.make_set(brand, channels=factories.make_channels("square"), locales=("en",), source=source)
    cell = made.variants.get()
    JobOutput.objects.create(job=cell.job, index=cell.output_index, asset=source)
    Job.objects.filter(pk=cell.job_id).update(state="done")
    chain = chain_from(source, cell=cell)
    choose(OPERATOR, ask(chain), 0)
    page = opened(boss, chain, "?step=2")
    assert "Take it into the contact sheet" in page.text
    assert reverse("admin:image_studio_variantset_change", args=[made.pk]) in page.links
    answer = say(boss, chain, "take", step=2, index=0)
    assert answer.url == reverse("admin:image_studio_variantset_change", args=[made.pk])
    cell.refresh_from_db()
    assert cell.job == chain.steps.get(number=2).job
