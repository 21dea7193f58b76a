"""The contact sheet: what each cell shows, and what may be said to it."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from image_studio.models import Asset, CheckResult, Event, Job, JobOutput, Rendition, Variant, VariantSet
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
    return next(s for _row, cells in response.context["rows"] for s in cells if s and s.cell.variant.pk == cell.pk)


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
    assert [row.name for row, _cells in response.context["rows"]] == ["Square post", "Story"]
    text = Page.of(response).text
    assert "2 of 2 pictures" in text
    assert "4 of 4 cells" in text
    assert "layout checked, content not judged" in text


def test_a_picture_keeps_its_ratio_and_its_place(boss, brand, done):
    cell = cell_of(done)
    tall = factories.make_asset(brand, (540, 960), kind="composed")
    Variant.objects.filter(pk=cell.pk).update(asset=tall)
    html = boss.get(url_of(done)).content.decode()
    # 300 x 340 at most: 191 x 340 is 9:16
    assert f'{reverse("admin:image_studio_asset_picture", args=[tall.pk, "preview"])}" width="191" height="340"' in html


def test_a_running_set_refreshes_and_can_be_paused(boss, waiting):
    response = boss.get(url_of(waiting))
    assert response["Refresh"] == "4"
    assert "Pause" in Page.of(response).text
    assert "Refresh" not in boss.get(url_of(waiting, live="off"))
    waiting.jobs.update(state="done")
    assert "Refresh" not in boss.get(url_of(waiting))


def test_drawings_keep_their_numbers_in_languages_with_commas(boss, waiting, done, settings):
    settings.USE_THOUSAND_SEPARATOR = True
    fail_check(cell_of(done).asset, region=(0.125, 0, 1, 1))
    html = boss.get(url_of(done), headers={"Accept-Language": "de"}).content.decode()
    assert '<html lang="de"' in html
    assert '<rect x="12.50%" y="0.00%"' in html
    assert 'viewBox="0 0 1080 1920"' in boss.get(url_of(waiting), headers={"Accept-Language": "de"}).content.decode()


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
    html = boss.get(url_of(done)).content.decode()
    assert '<rect x="10.00%" y="20.00%" width="30.00%" height="40.00%"/>' in html
    assert "1.5" in html
    seen = shown(boss.get(url_of(done)), cell)
    assert [said.result.verdict for said in seen.verdicts] == ["fail", "not_run", "pass"]
    assert str(seen.label) == "Blocked by a check"
    assert (seen.cell.passed, seen.cell.failed, seen.cell.not_run) == (1, 1, 1)


@pytest.mark.parametrize(("show", "cells"), [("", 4), ("mine", 3), ("failed", 1), ("approved", 1)])
def test_filters_leave_what_was_asked_for(boss, done, show, cells):
    fail_check(cell_of(done).asset)
    Asset.objects.filter(pk=cell_of(done, "story").asset_id).update(state="published")
    response = boss.get(url_of(done, show=show))
    found = [s for _row, row in response.context["rows"] for s in row if s]
    assert len(found) == cells


def test_the_page_costs_the_same_queries_for_any_size(boss, brand, done):
    boss.get(url_of(done))
    with CaptureQueriesContext(connection) as few:
        boss.get(url_of(done))
    more = factories.make_set(brand, channels=factories.make_channels(), locales=("en", "ar"))
    for cell in more.variants.all():
        asset = factories.make_asset(brand, (60, 60), kind="composed")
        fail_check(asset)
        Variant.objects.filter(pk=cell.pk).update(asset=asset, state="ready")
    more.jobs.update(state="done")
    VariantSet.objects.filter(pk=more.pk).update(source=done.source)
    with CaptureQueriesContext(connection) as many:
        boss.get(url_of(more))
    assert len(many) <= len(few)


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
    assert "Withdraw" in Page.of(boss.get(url_of(done))).text
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
    say_all(boss, waiting, "retry")
    assert set(waiting.jobs.values_list("state", flat=True)) == {"queued"}


def test_cancel_and_retry_of_one_cell(boss, brand, channels):
    waiting = factories.make_set(brand, channels=channels)
    cell = cell_of(waiting)
    say(boss, waiting, cell, "cancel")
    cell.refresh_from_db()
    assert cell.state == "cancelled"
    assert told(say(boss, waiting, cell, "cancel"))[0][0] == "error"
    say(boss, waiting, cell, "retry")
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
