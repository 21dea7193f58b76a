"""The polls of an open contact sheet: what they cost, what they weigh, and that nothing is missed."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from image_studio import storage
from image_studio.models import Asset, Attempt, Job, JobOutput, Variant, WorkerBeat
from tests import factories
from tests.admin.sheets import make_finished
from tests.admin.test_sheet import drawn, url_of

pytestmark = pytest.mark.django_db
KILO = 1000


def poll(client, made, have="", show="", **headers):
    url = reverse("admin:image_studio_variantset_live", args=[made.pk])
    return client.get(url, {"have": have, "show": show}, headers={"Accept": "application/json", **headers})


def marks(response):
    return re.search(r'data-etags="([A-Za-z0-9_-]*)"', response.content.decode()).group(1)


def filled(client, made, show=""):
    """Poll as a page does until it has everything; returns cells by id, the marks and the polls' weights."""
    cells, have, weights = {}, "", []
    for _poll in range(100):
        answer = poll(client, made, have, show)
        told = answer.json()
        weights.append(len(answer.content))
        cells |= {cell["id"]: cell["html"] for cell in told["cells"]}
        have = told["etags"]
        if not told["more"]:
            return cells, have, weights
    raise AssertionError("it never ends")


@pytest.fixture
def waiting(brand):
    return factories.make_set(brand, channels=factories.make_channels("square", "story"), locales=("en", "ar"))


# What it costs -----------------------------------------------------------------------------------------------------


def test_a_page_of_200_cells_is_light_and_costs_what_20_cost(boss, brand):
    small, large = make_finished(brand), make_finished(brand, takes=20)
    sizes, queries = [], []
    boss.get(url_of(small))  # what is remembered for the life of the process
    for made in (small, large):
        with CaptureQueriesContext(connection) as asked:
            page = boss.get(url_of(made))
        sizes.append(len(drawn(page)))
        queries.append(len(asked))
    assert sizes == [20, 200]
    assert queries[1] == queries[0] <= 14
    assert len(page.content) < 300 * KILO
    with CaptureQueriesContext(connection) as asked:
        answer = poll(boss, large, marks(page))
    assert len(asked) <= queries[1]
    assert answer.json()["cells"] == []
    assert len(answer.content) < 5 * KILO


def test_no_poll_of_200_cells_weighs_20_kilobytes_and_none_is_missed(boss, brand):
    made = make_finished(brand, takes=20)
    cells, have, weights = filled(boss, made)
    page = boss.get(url_of(made))
    assert sorted(cells) == sorted(drawn(page))
    assert have == marks(page)
    assert max(weights) < 20 * KILO
    assert len(weights) > 5


def test_500_cells_still_fit_a_poll(boss, brand):
    made = make_finished(brand, takes=50, verdicts=("pass",))
    have = marks(boss.get(url_of(made)))
    assert len(have) == 500 * 4
    assert len(poll(boss, made, have).content) < 20 * KILO


def test_one_heavy_cell_travels_all_the_same(boss, waiting, monkeypatch):
    monkeypatch.setattr("image_studio.admin.live.MOST", 10)
    told = poll(boss, waiting).json()
    assert len(told["cells"]) == 1
    assert told["more"] is True


# What it says ------------------------------------------------------------------------------------------------------


def test_only_what_changed_is_sent(boss, waiting):
    page = boss.get(url_of(waiting))
    assert poll(boss, waiting, marks(page)).json()["cells"] == []
    cell = waiting.variants.order_by("position")[2]
    Variant.objects.filter(pk=cell.pk).update(state="cancelled")
    told = poll(boss, waiting, marks(page)).json()
    assert [(one["id"], one["at"]) for one in told["cells"]] == [(str(cell.pk), 2)]
    assert "Cancelled" in told["cells"][0]["html"]
    assert marks(page)[:8] == told["etags"][:8] != told["etags"][8:12]
    assert poll(boss, waiting, told["etags"]).json()["cells"] == []


@pytest.mark.parametrize("have", ["", "AAA", "A" * 400, "<b>!" * 4, "\x00" * 16])
def test_marks_that_are_none_fetch_everything(boss, waiting, have):
    assert len(poll(boss, waiting, have).json()["cells"]) == 4


def test_a_running_set_says_when_to_ask_again_and_an_ended_one_does_not(boss, waiting):
    answer = poll(boss, waiting)
    assert (answer["Retry-After"], answer.json()["active"]) == ("2", True)
    assert "no-store" in answer["Cache-Control"]
    assert "0 of 4 cells" in answer.json()["said"]
    waiting.jobs.update(state="done")
    waiting.variants.update(state="cancelled")
    answer = poll(boss, waiting)
    assert "Retry-After" not in answer
    assert answer.json()["active"] is False


def test_a_filter_takes_cells_in_and_out(boss, brand):
    made = make_finished(brand, verdicts=("pass",))
    have = filled(boss, made, "shortlisted")[1]
    assert have == "----" * 20
    cell = made.variants.first()
    Asset.objects.filter(pk=cell.asset_id).update(state="shortlisted")
    told = poll(boss, made, have, "shortlisted").json()
    assert [one["id"] for one in told["cells"]] == [str(cell.pk)]
    Asset.objects.filter(pk=cell.asset_id).update(state="approved")
    left = poll(boss, made, told["etags"], "shortlisted").json()
    assert [(one["id"], one["html"]) for one in left["cells"]] == [(str(cell.pk), "")]


def test_a_stranger_sees_nothing_and_a_visitor_is_sent_away(as_role, client, waiting):
    stranger = as_role("manager", of=factories.make_brand())
    assert poll(stranger, waiting).status_code == 404
    assert poll(client, waiting).status_code == 302
    assert poll(as_role("viewer"), waiting).status_code == 200


# Seconds and money left --------------------------------------------------------------------------------------------


def attempt(job, *, ago, took=None):
    began = timezone.now() - timedelta(seconds=ago)
    ended = began + timedelta(seconds=took) if took is not None else None
    values = {"provider": job.provider, "model": job.model, "worker": job.pk, "started_at": began, "ended_at": ended}
    Attempt.objects.create(job=job, number=1, state="answered" if ended else "sending", **values)
    return ended


def test_seconds_left_follow_the_median_of_what_is_done(boss, brand):
    made = factories.make_set(brand, channels=factories.make_channels())
    jobs = list(made.jobs.order_by("pk"))
    for job, took in zip(jobs[:3], (10, 20, 600), strict=True):
        Job.objects.filter(pk=job.pk).update(state="done", ended_at=attempt(job, ago=700, took=took))
    assert "left" not in poll(boss, made).json()["bar"]  # nothing runs: nobody knows when it will
    attempt(jobs[3], ago=5)
    Job.objects.filter(pk=jobs[3].pk).update(state="sending")
    # Three pictures one after another at 20 s, the first since 5 s.
    assert re.search(r"about 5[45] s left", poll(boss, made).json()["bar"])
    Job.objects.filter(pk__in=[job.pk for job in jobs[3:]]).update(state="sending")
    assert re.search(r"about 1[45] s left", poll(boss, made).json()["bar"])


def test_seconds_left_of_a_first_picture_follow_the_same_model_elsewhere(boss, brand, waiting):
    job = waiting.jobs.first()
    attempt(job, ago=0)
    Job.objects.filter(pk=job.pk).update(state="sending")
    assert "left" not in poll(boss, waiting).json()["bar"]
    other = factories.make_job(brand, state="done")
    attempt(other, ago=900, took=90)
    assert re.search(r"about 3 min left", poll(boss, waiting).json()["bar"])


def test_a_missing_worker_is_told_on_the_page(boss, waiting, settings):
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "DOORBELL": "poll"}
    assert boss.get(url_of(waiting)).context["sheet"].worker_missing
    now = timezone.now()
    WorkerBeat.objects.create(host="h", pid=1, concurrency=1, started_at=now, seen_at=now)
    assert not boss.get(url_of(waiting)).context["sheet"].worker_missing


# Early versions ----------------------------------------------------------------------------------------------------


def test_a_working_cell_shows_its_early_version(boss, as_role, waiting):
    job = waiting.jobs.first()
    early = factories.encoded(factories.draw_photo((64, 64)), "webp")
    name = storage.write(storage.private(), storage.fresh_name("partials", "webp"), early)
    rows = {"0": {"file": name, "number": 1, "format": "webp"}}
    Job.objects.filter(pk=job.pk).update(state="sending", partials=rows)
    html = next(c["html"] for c in poll(boss, waiting).json()["cells"] if str(job.pk) in c["html"])
    link = re.search(r'src="\.\./(partial/[^"]+)\?n=2"', html).group(1)
    url = reverse("admin:image_studio_variantset_partial", args=[waiting.pk, job.pk, 0])
    assert url.endswith(link)
    served = boss.get(url)
    assert served.content == early
    assert served["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in served["Content-Security-Policy"]
    stranger = as_role("manager", of=factories.make_brand())
    assert stranger.get(url).status_code == 404


def test_an_early_version_of_another_set_is_not_served_here(boss, brand, waiting):
    other = factories.make_set(brand)
    url = reverse("admin:image_studio_variantset_partial", args=[waiting.pk, other.jobs.first().pk, 0])
    assert boss.get(url).status_code == 404


def test_an_early_version_whose_picture_has_come_leads_to_the_picture(boss, as_role, brand, waiting):
    job = waiting.jobs.first()
    url = reverse("admin:image_studio_variantset_partial", args=[waiting.pk, job.pk, 0])
    assert boss.get(url).status_code == 404
    asset = factories.make_asset(brand, (64, 48))
    JobOutput.objects.create(job=job, index=0, asset=asset)
    assert boss.get(url).url == reverse("admin:image_studio_asset_picture", args=[asset.pk, "preview"])
    assert as_role("manager", of=factories.make_brand()).get(url).status_code == 404
