"""The contact sheet: what each cell shows, and what may be said to it."""

from __future__ import annotations

import re
from urllib.parse import urlencode, urljoin

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from image_studio.models import Asset, CheckResult, Event, Job, JobOutput, Rendition, Variant
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.workflow import Matrix, request
from tests import factories
from tests.admin.browser import Page

pytestmark = pytest.mark.django_db


@pytest.fixture
def channels():
    return factories.make_channels("square", "story")


@pytest.fixture
def waiting(brand, channels):
    """A set that nobody has worked on yet."""
    return factories.make_set(brand, channels=channels, locales=("en", "ar"))


@pytest.fixture
def done(brand, channels):
    """A finished set: its cells hold pictures that wait for a reviewer."""
    source = factories.make_asset(brand, (300, 300))
    made = factories.make_set(brand, channels=channels, locales=("en", "ar"), source=source)
    for cell in made.variants.all():
        asset = factories.make_asset(brand, (108, 108), kind="composed", channel=cell.channel, locale=cell.locale)
        output, _new = JobOutput.objects.get_or_create(
            job=cell.job, index=cell.output_index, defaults={"asset": source}
        )
        assert output.asset == source
        Variant.objects.filter(pk=cell.pk).update(asset=asset, state="ready")
    made.jobs.update(state="done")
    return made


def url_of(made, **query):
    url = reverse("admin:image_studio_variantset_change", args=[made.pk])
    return url + ("?" + "&".join(f"{key}={value}" for key, value in query.items()) if query else "")


def cell_of(made, channel="square", locale="en"):
    return made.variants.select_related("asset").get(channel__slug=channel, locale=locale)


APPROVE = {"do": "approve", "declaration": factories.DECLARED}


def say(client, made, cell, verb, **data):
    url = reverse("admin:image_studio_variantset_cell", args=[made.pk, cell.pk])
    return client.post(url, {"do": verb, "declaration": factories.DECLARED, **data}, follow=True)


def say_all(client, made, verb, **data):
    url = reverse("admin:image_studio_variantset_say", args=[made.pk])
    return client.post(url, {"do": verb, "declaration": factories.DECLARED, **data}, follow=True)


def told(response):
    return [(message.level_tag, str(message)) for message in response.context["messages"]]


def shown(response, cell):
    """A cell as the page was given it."""
    places = [place for _row, places, _empty in response.context["rows"] for place in places if place]
    return next(place.shown for place in places if place.shown.cell.variant.pk == cell.pk)


def drawn(response):
    """The cells that the page shows."""
    return re.findall(r'<article [^>]*id="cell-([0-9a-f-]+)"', response.content.decode())


def inspect_url(made, cell, **query):
    url = reverse("admin:image_studio_variantset_inspect", args=[made.pk, cell.pk])
    return url + ("?" + urlencode(query) if query else "")


def fail_check(asset, *, blocks=True, region=(0.1, 0.2, 0.3, 0.4)):
    return CheckResult.objects.create(
        asset=asset,
        check_name="contrast",
        kind="measured",
        verdict="fail",
        blocks=blocks,
        code="contrast.low",
        params={"layer": "headline"},
        region=list(region),
        score=1.5,
    )


# What it shows -----------------------------------------------------------------------------------------------------


def test_rows_are_channels_and_columns_locales(boss, done):
    response = boss.get(url_of(done))
    sheet = response.context["sheet"]
    assert sheet.columns == ("en", "ar")
    assert [row.name for row, _cells, _empty in response.context["rows"]] == ["Square post", "Story"]
    text = Page.of(response).text
    assert "2 of 2 pictures" in text
    assert "4 of 4 cells" in text
    assert "layout checked, content not judged" in text


def test_a_picture_keeps_its_ratio_and_its_place(boss, brand, done):
    cell = cell_of(done)
    tall = factories.make_asset(brand, (540, 960), kind="composed")
    Variant.objects.filter(pk=cell.pk).update(asset=tall)
    html = boss.get(url_of(done)).content.decode()
    # 260 x 300 at most: 169 x 300 is 9:16
    source = re.search(rf'src="([^"]*{tall.pk}[^"]*)" width="169" height="300"', html).group(1)
    assert urljoin(url_of(done), source) == reverse("admin:image_studio_asset_picture", args=[tall.pk, "preview"])


def test_only_a_page_without_scripts_loads_itself_again(boss, waiting):
    response = boss.get(url_of(waiting))
    assert "Refresh" not in response
    outside = re.sub(r"<noscript>.*?</noscript>", "", response.content.decode(), flags=re.DOTALL)
    assert '<noscript><meta http-equiv="refresh" content="4;' in response.content.decode()
    assert "http-equiv" not in outside
    assert "data-active" in outside
    waiting.jobs.update(state="done")
    assert b"http-equiv" not in boss.get(url_of(waiting)).content


def test_loading_again_can_be_paused(boss, waiting):
    assert "live=off" in boss.get(url_of(waiting)).content.decode()
    paused = boss.get(url_of(waiting, live="off")).content.decode()
    assert "http-equiv" not in paused
    assert "Refresh</a>" in paused


def test_drawings_keep_their_numbers_in_languages_with_commas(boss, waiting, done, settings):
    settings.USE_THOUSAND_SEPARATOR = True
    cell = cell_of(done)
    fail_check(cell.asset, region=(0.125, 0, 1, 1))
    html = boss.get(inspect_url(done, cell), headers={"Accept-Language": "de"}).content.decode()
    assert '<html lang="de"' in html
    assert '<rect x="12.50%" y="0.00%"' in html
    html = boss.get(inspect_url(waiting, cell_of(waiting)), headers={"Accept-Language": "de"}).content.decode()
    assert 'viewBox="0 0 480 480"' in html


@pytest.mark.parametrize("name", ["variantset", "job"])
def test_lists_of_work_say_that_nobody_works(boss, waiting, settings, name):
    url = reverse(f"admin:image_studio_{name}_changelist")
    assert "studio_worker" not in Page.of(boss.get(url)).text
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "DOORBELL": "poll"}
    assert "studio_worker" in Page.of(boss.get(url)).text


def test_a_missing_worker_is_said_with_the_command(boss, waiting, settings):
    assert "studio_worker" not in Page.of(boss.get(url_of(waiting))).text
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "DOORBELL": "poll"}
    assert "python manage.py studio_worker" in Page.of(boss.get(url_of(waiting))).text


@pytest.mark.parametrize(
    ("state", "word"),
    [("failed", "Failed"), ("blocked", "Blocked"), ("unknown", "may have been charged"), ("cancelled", "Cancelled")],
)
def test_a_cell_without_a_picture_says_why(boss, waiting, state, word):
    cell = cell_of(waiting)
    Job.objects.filter(pk=cell.job_id).update(state=state, error_code="storage.full", error_params={"name": "x"})
    seen = shown(boss.get(url_of(waiting)), cell)
    assert word in str(seen.label)
    assert seen.cell.message
    assert seen.cell.message != "storage.full"


def test_verdicts_are_in_words_with_number_and_box(boss, done):
    cell = cell_of(done)
    fail_check(cell.asset)
    CheckResult.objects.create(
        asset=cell.asset, check_name="file", kind="measured", verdict="not_run", code="check.off"
    )
    CheckResult.objects.create(asset=cell.asset, check_name="logo", kind="composed", verdict="pass", code="logo.ok")
    response = boss.get(inspect_url(done, cell))
    html = response.content.decode()
    assert '<rect x="10.00%" y="20.00%" width="30.00%" height="40.00%"/>' in html
    assert "contrast, measured, 1.500, box 1" in Page.of(response).text
    assert [said.result.verdict for said in response.context["verdicts"]] == ["fail", "not_run", "pass"]
    seen = shown(boss.get(url_of(done)), cell)
    assert str(seen.label) == "Blocked by a check"
    assert (seen.cell.passed, seen.cell.failed, seen.cell.not_run) == (1, 1, 1)


@pytest.mark.parametrize(("show", "cells"), [("", 4), ("mine", 2), ("failed", 1), ("approved", 1), ("shortlisted", 1)])
def test_filters_leave_what_was_asked_for(boss, done, show, cells):
    fail_check(cell_of(done).asset)
    Asset.objects.filter(pk=cell_of(done, "story").asset_id).update(state="published")
    Asset.objects.filter(pk=cell_of(done, "story", "ar").asset_id).update(state="shortlisted")
    Asset.objects.filter(pk=cell_of(done, "square", "ar").asset_id).update(state="rejected", publishable=False)
    response = boss.get(url_of(done, show=show))
    assert len(drawn(response)) == cells
    hidden = len(re.findall(r"<tr hidden>", response.content.decode()))
    assert hidden == sum(not any(p and p.html for p in row) for _r, row, _e in response.context["rows"])


def test_a_filter_without_cells_says_so(boss, done):
    response = boss.get(url_of(done, show="approved"))
    assert drawn(response) == []
    assert re.search(r'id="nothing">', response.content.decode())
    assert re.search(r'id="nothing" hidden>', boss.get(url_of(done)).content.decode())


def test_a_wish_is_told_with_its_note(boss, done):
    cell = cell_of(done)
    say(boss, done, cell, "change", note="A <b>calmer</b> sky", region="0.1,0.1,0.5,0.2")
    html = boss.get(url_of(done)).content.decode()
    assert "Change asked" in html
    assert "A &lt;b&gt;calmer&lt;/b&gt; sky" in html


def test_money_and_cells_are_in_the_bar(boss, waiting, done):
    money = {"cost_micro_usd": 160_400, "estimate_micro_usd": 201_000}
    for made in (waiting, done):
        Job.objects.filter(pk=made.jobs.first().pk).update(**money)
    assert "$0.16 of at most $0.21" in Page.of(boss.get(url_of(waiting))).text
    text = Page.of(boss.get(url_of(done))).text
    assert "$0.160 spent" in text
    assert "at most" not in text
    assert "Download all as ZIP" in text


@pytest.mark.parametrize(("state", "words"), [("blocked", "nothing charged"), ("unknown", "$0.00 of at most $0.21")])
def test_what_nobody_knows_is_not_called_nothing(boss, done, state, words):
    done.variants.update(asset=None, state="waiting")
    done.jobs.update(state=state, cost_micro_usd=0)
    Job.objects.filter(pk=done.jobs.first().pk).update(estimate_micro_usd=201_000)
    assert words in Page.of(boss.get(url_of(done))).text


def test_nothing_to_tick_hides_the_bulk_bar(boss, waiting, done):
    assert re.search(r'<form id="bulk"[^>]* hidden', boss.get(url_of(waiting)).content.decode())
    assert not re.search(r'<form id="bulk"[^>]* hidden', boss.get(url_of(done)).content.decode())


def test_the_declaration_is_offered_once_and_never_ticked(boss, done):
    html = boss.get(url_of(done)).content.decode()
    assert html.count('name="declaration"') == len(factories.DECLARED)
    assert not re.search(r"<input[^>]* checked", html)


# What is said to it ------------------------------------------------------------------------------------------------


def test_approve_comes_back_to_its_cell(boss, done):
    cell = cell_of(done)
    response = boss.post(reverse("admin:image_studio_variantset_cell", args=[done.pk, cell.pk]), APPROVE)
    assert response["Location"].endswith(f"#cell-{cell.pk}")
    cell.asset.refresh_from_db()
    assert cell.asset.state == "approved"


def test_reject_takes_a_reason_and_a_note(boss, done):
    cell = cell_of(done)
    assert told(say(boss, done, cell, "reject"))[0][0] == "error"
    say(boss, done, cell, "reject", reason="wrong_crop", note="The bottle is cut")
    review = cell.asset.reviews.get()
    assert (review.decision, review.reason, review.note) == ("reject", "wrong_crop", "The bottle is cut")


def test_publish_makes_public_files_and_withdraw_removes_them(boss, done, django_capture_on_commit_callbacks):
    cell = cell_of(done)
    with django_capture_on_commit_callbacks(execute=True):
        say(boss, done, cell, "approve_publish")
    cell.asset.refresh_from_db()
    assert cell.asset.state == "published"
    assert Rendition.objects.filter(asset=cell.asset, public=True).exists()
    assert "Withdraw" in Page.of(boss.get(inspect_url(done, cell))).text
    with django_capture_on_commit_callbacks(execute=True):
        say(boss, done, cell, "withdraw")
    assert not Rendition.objects.filter(asset=cell.asset, public=True).exists()


def test_a_blocking_failure_needs_a_manager_and_a_reason(boss, as_role, done):
    cell = cell_of(done)
    fail_check(cell.asset)
    assert shown(boss.get(url_of(done)), cell).actions == {"override", "reject", "change", "shortlist"}
    assert told(say(boss, done, cell, "approve"))[0][0] == "error"
    assert told(say(boss, done, cell, "override"))[0][0] == "error"
    reviewer = as_role("reviewer")
    assert "override" not in shown(reviewer.get(url_of(done)), cell).actions
    assert told(say(reviewer, done, cell, "override", note="I want to"))[0][0] == "error"
    cell.asset.refresh_from_db()
    assert cell.asset.state == "candidate"
    say(boss, done, cell, "override", note="The campaign wants it so")
    assert cell.asset.reviews.get().override


def test_ticked_cells_are_approved_together_and_each_refusal_is_told(boss, done):
    bad = cell_of(done, "story", "ar")
    fail_check(bad.asset)
    response = say_all(boss, done, "approve", cell=[str(v.pk) for v in done.variants.all()])
    levels = [level for level, _words in told(response)]
    assert levels == ["error", "success"]
    assert "Story, ar" in told(response)[0][1]
    assert Asset.objects.filter(state="approved").count() == 3


def test_nothing_ticked_is_said(boss, done):
    assert told(say_all(boss, done, "approve"))[0][0] == "warning"
    assert told(say_all(boss, done, "approve", cell=["nonsense"]))[0][0] == "warning"


def test_a_cell_of_another_set_is_not_touched(boss, brand, done):
    other = factories.make_set(brand)
    alien = other.variants.first()
    asset = factories.make_asset(brand, (60, 60))
    Variant.objects.filter(pk=alien.pk).update(asset=asset, state="ready")
    say_all(boss, done, "approve", cell=[str(alien.pk)])
    url = reverse("admin:image_studio_variantset_cell", args=[done.pk, alien.pk])
    assert boss.post(url, {"do": "approve"}).status_code == 404
    asset.refresh_from_db()
    assert asset.state == "candidate"


def test_cancel_and_retry_of_the_rest(boss, waiting):
    say_all(boss, waiting, "cancel")
    assert set(waiting.variants.values_list("state", flat=True)) == {"cancelled"}
    assert set(waiting.jobs.values_list("state", flat=True)) == {"cancelled"}
    assert "Retry 4 cells" in Page.of(boss.get(url_of(waiting))).text
    say_all(boss, waiting, "retry", key="one")
    assert set(waiting.jobs.values_list("state", flat=True)) == {"queued"}


def test_cancel_and_retry_of_one_cell(boss, brand, channels):
    waiting = factories.make_set(brand, channels=channels)
    cell = cell_of(waiting)
    say(boss, waiting, cell, "cancel")
    cell.refresh_from_db()
    assert cell.state == "cancelled"
    assert told(say(boss, waiting, cell, "cancel"))[0][0] == "error"
    say(boss, waiting, cell, "retry", key="one")
    cell.refresh_from_db()
    assert cell.state == "waiting"


def test_new_words_compose_anew_and_buy_nothing(boss, brand, channels, django_capture_on_commit_callbacks):
    source = factories.make_asset(brand, (300, 300))
    matrix = Matrix(brand=brand, route="reframe", channels=tuple(channels[:1]), locales=("en",), source=source)
    made = request(Policy(boss.user), matrix, key="k")
    drain(job_ids=list(made.jobs.values_list("pk", flat=True)))
    before = cell_of(made).asset_id
    page = Page.of(boss.get(url_of(made)))
    form = next(
        form
        for form in page.forms
        if form.get("action", "").endswith("/say/")
        and form.get("id") != "bulk"
        and "texts-headline_en" in page.data(form)
    )
    data = page.data(form, **{"texts-headline_en": "Second words"})
    with django_capture_on_commit_callbacks(execute=True):
        boss.post(form["action"], {**data, "do": "recompose"})
    made.refresh_from_db()
    assert made.texts == {"headline": {"en": "Second words"}}
    assert cell_of(made).asset_id != before
    assert made.jobs.filter(kind="picture").count() == 1
    assert cell_of(made).asset.recipe


@pytest.mark.parametrize("verb", ["delete", "", "describe"])
def test_words_that_are_no_verb_are_refused(boss, done, verb):
    cell = cell_of(done)
    assert (
        boss.post(reverse("admin:image_studio_variantset_cell", args=[done.pk, cell.pk]), {"do": verb}).status_code
        == 403
    )
    assert boss.post(reverse("admin:image_studio_variantset_say", args=[done.pk]), {"do": verb}).status_code == 403


def test_verbs_are_posted(boss, done):
    assert boss.get(reverse("admin:image_studio_variantset_say", args=[done.pk])).status_code == 405
    assert boss.get(reverse("admin:image_studio_variantset_cell", args=[done.pk, cell_of(done).pk])).status_code == 405


def test_what_was_said_of_a_picture_is_not_taken_as_said_of_the_next(boss, brand, done):
    cell = cell_of(done)
    old = cell.asset
    new = factories.make_asset(brand, (108, 108), kind="composed")
    Variant.objects.filter(pk=cell.pk).update(asset=new)
    for bond in ({"asset": str(old.pk)}, {"seen": old.sha256}):
        for verb in ("approve", "shortlist", "publish"):
            level, words = told(say(boss, done, cell, verb, **bond))[0]
            assert level == "error"
            assert "changed" in words
    assert set(Asset.objects.filter(pk__in=[old.pk, new.pk]).values_list("state", flat=True)) == {"candidate"}
    assert told(say(boss, done, cell, "approve", asset=str(new.pk), seen=new.sha256))[0][0] == "success"


def test_a_cell_that_is_being_composed_anew_takes_no_decision(boss, done):
    cell = cell_of(done)
    Variant.objects.filter(pk=cell.pk).update(state="waiting")
    assert told(say(boss, done, cell, "approve"))[0][0] == "error"
    cell.asset.refresh_from_db()
    assert cell.asset.state == "candidate"


def test_posts_need_the_token(done):
    client = Client(enforce_csrf_checks=True)
    client.force_login(factories.make_user(is_staff=True, is_superuser=True))
    url = reverse("admin:image_studio_variantset_cell", args=[done.pk, cell_of(done).pk])
    assert client.post(url, {"do": "approve"}).status_code == 403


@pytest.mark.parametrize(
    ("role", "verb", "allowed"),
    [
        ("viewer", "approve", False),
        ("creator", "approve", False),
        ("reviewer", "approve", True),
        ("viewer", "reject", False),
        ("reviewer", "reject", True),
        ("creator", "publish", False),
    ],
)
def test_roles_decide_what_may_be_said(as_role, done, role, verb, allowed):
    cell = cell_of(done)
    say(as_role(role), done, cell, verb, reason="text")
    assert Event.objects.filter(object_id=str(cell.asset_id)).exists() is allowed


def test_strangers_cannot_say_anything(as_role, done):
    stranger = as_role("manager", of=factories.make_brand())
    assert say(stranger, done, cell_of(done), "approve").status_code == 404
    assert say_all(stranger, done, "cancel").status_code == 404


@pytest.mark.parametrize("where", ["cell", "inspect", "say"])
def test_nul_in_what_is_said_is_left_out(boss, done, where):
    """PostgreSQL takes none, and would answer with an error of the server."""
    cell = cell_of(done)
    args = [done.pk] if where == "say" else [done.pk, cell.pk]
    ticks = {"cell": str(cell.pk)} if where == "say" else {}
    said = {"do": "reject", "reason": "other", "note": "Too\x00 dark", **ticks}
    boss.post(reverse(f"admin:image_studio_variantset_{where}", args=args), said)
    assert cell.asset.reviews.get().note == "Too dark"


def test_the_list_reads_the_pictures_that_it_shows_and_a_poll_none(boss, done, monkeypatch):
    """Not the recipes of two hundred cells of thirty sets, and not a set's own for every poll."""
    monkeypatch.setattr("image_studio.admin.variant_set.STRIP", 2)
    with CaptureQueriesContext(connection) as asked:
        page = Page.of(boss.get(reverse("admin:image_studio_variantset_changelist")))
    pictures = [query["sql"] for query in asked if '"asset_id"' in query["sql"] and "publishable" in query["sql"]]
    assert len(pictures) == 1
    assert '"recipe"' not in pictures[0]
    assert page.html.count("studio-thumb") == 2
    assert "+2" in page.text
    with CaptureQueriesContext(connection) as asked:
        boss.get(reverse("admin:image_studio_variantset_live", args=[done.pk]))
    assert [
        query["sql"]
        for query in asked
        if "COUNT(" in query["sql"] and "GROUP BY" in query["sql"] and "image_studio_variantset" in query["sql"]
    ] == []


@pytest.mark.parametrize(
    ("state", "cost", "estimate", "words"),
    [
        ("queued", 0, 210_000, "-"),
        ("unknown", 0, 210_000, "maybe charged"),
        ("done", 210_000, 260_000, "$0.210"),
        ("done", 0, 0, "free"),
    ],
)
def test_a_job_that_was_not_charged_yet_is_not_called_free(boss, brand, state, cost, estimate, words):
    factories.make_job(brand, state=state, cost_micro_usd=cost, estimate_micro_usd=estimate)
    page = boss.get(reverse("admin:image_studio_job_changelist")).content.decode()
    assert re.search(r'class="field-cost">([^<]*)<', page)[1] == words
