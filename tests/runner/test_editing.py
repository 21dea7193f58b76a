"""What becomes of an edit's answer when something goes wrong beside it: the paid picture is never lost."""

from __future__ import annotations

import os
import time

import pytest
from django.utils import timezone

from image_studio import storage
from image_studio.imaging.pasteback import Bounds, paste_back
from image_studio.models import Asset, EditCandidate, EditFile, EditStep, Job, Rendition
from image_studio.runner import drain, editing, saving
from tests import factories
from tests.runner.test_doctor import doctor  # noqa: F401 - a fixture
from tests.workflow.chains import LEFT, ask, chain_from, paid_site

pytestmark = pytest.mark.django_db


@pytest.fixture
def fake(db, tmp_path, settings):
    with paid_site(settings, tmp_path) as server:
        yield server


@pytest.fixture
def chain(fake):
    return chain_from(factories.make_asset(factories.make_bare_brand(), (640, 480)))


def only(step):
    return EditCandidate.objects.select_related("asset", "raw").get(step=step)


def test_a_parent_that_goes_while_the_answer_comes_is_said_and_costs_nothing(chain, monkeypatch):
    kept = editing._before

    def gone(work):
        storage.private().delete(work.sources[0].file)
        return kept(work)

    monkeypatch.setattr(editing, "_before", gone)
    found = only(ask(chain, region=LEFT))
    assert found.asset == found.raw
    assert found.paste == {"pasted": False, "code": "paste.parent_gone", "params": {"detail": "storage.missing"}}
    assert found.drift == {}
    verdict = found.asset.verdicts.get(check_name="drift")
    assert (verdict.verdict, verdict.code) == ("not_run", "drift.not_comparable")


def test_a_defect_of_ours_shows_the_answer_as_it_came(chain, monkeypatch, caplog):
    def broken(*_args, **_options):
        raise ZeroDivisionError

    monkeypatch.setattr(editing, "paste_back", broken)
    found = only(ask(chain, region=LEFT))
    assert found.asset == found.raw
    assert found.paste["code"] == "paste.crashed"
    assert "edit crashed" in caplog.text


def test_a_defect_before_the_paste_shows_the_answer_as_it_came(chain, monkeypatch):
    def broken(_work):
        raise OSError("no such decoder")

    monkeypatch.setattr(editing, "_before", broken)
    found = only(ask(chain, region=LEFT))
    assert found.asset == found.raw
    assert found.paste["code"] == "paste.crashed"


@pytest.mark.parametrize("feather", [None, 500])
def test_a_soft_edge_that_leaves_nothing_outside_has_no_drift(fake, feather, caplog):
    chain = chain_from(factories.make_asset(factories.make_bare_brand(), (20, 20)))
    found = only(ask(chain, region=(0, 0, 1, 0.95), feather=feather))
    assert found.paste["pasted"]
    assert found.drift == {}
    verdict = found.asset.verdicts.get(check_name="drift")
    assert (verdict.verdict, verdict.code) == ("not_run", "drift.not_comparable")
    assert "crashed" not in caplog.text


def test_a_picture_outlives_a_history_that_was_deleted_meanwhile(chain, fake):
    step = ask(chain, work=False)
    chain.delete()
    drain()
    job = Job.objects.get(pk=step.job_id)
    assert job.state == "done"
    assert job.outputs.get().asset is not None
    assert len(fake.charged()) == 1


def test_an_answer_that_moved_too_far_is_not_laid_in_and_says_by_how_much(chain, monkeypatch):
    strict = Bounds(confidence=1.01)
    monkeypatch.setattr(editing, "paste_back", lambda *args, **options: paste_back(*args, bounds=strict, **options))
    found = only(ask(chain, region=LEFT))
    assert not found.paste["pasted"]
    assert found.paste["code"] == "paste.not_alike"
    assert found.paste["params"]["limit"] == 101
    assert found.asset == found.raw
    assert found.drift["masked"]


def test_a_full_disk_keeps_the_answer_and_the_next_try_brings_it(chain, monkeypatch, fake):
    written, broken = storage.write, iter([True])

    def full(store, name, data):
        if "/edited/" in name and next(broken, False):
            raise storage.failed(OSError(28, "No space left on device"), name, "storage.write_failed")
        return written(store, name, data)

    monkeypatch.setattr(storage, "write", full)
    step = ask(chain, region=LEFT)
    Job.objects.update(available_at=factories.long_ago())
    drain()
    step = EditStep.objects.select_related("job").get(pk=step.pk)
    assert step.status == "ready"
    assert only(step).paste["pasted"]
    assert len(fake.charged()) == 1
    assert Asset.objects.count() == 3
    assert Rendition.objects.filter(spec="drift").count() == 1


def test_what_was_asked_to_stop_too_late_is_kept_and_marked(chain, monkeypatch):
    kept = saving.finish

    def meanwhile(work, outputs):
        Job.objects.filter(pk=work.job.pk).update(cancel_requested_at=timezone.now())
        return kept(work, outputs)

    monkeypatch.setattr(saving, "finish", meanwhile)
    found = only(ask(chain, region=LEFT))
    assert found.asset.recipe["unwanted"]
    assert found.raw.recipe["unwanted"]


def test_the_doctor_knows_masks_and_heat_maps(chain, doctor):  # noqa: F811
    found = only(ask(chain, region=LEFT))
    old = time.time() - 7200
    for path in storage.private_root().rglob("*"):
        os.utime(path, (old, old))
    assert doctor() == []
    storage.private().delete(EditFile.objects.get().file)
    heat = Rendition.objects.get(asset=found.asset, spec="drift")
    storage.private().delete(heat.file)
    assert sorted(line[:2] for line in doctor()) == [("missing", "storage.missing")] * 2


def test_moderation_counts_for_the_pasted_picture_too(chain, settings):
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "MODERATION": "openai"}
    found = only(ask(chain, region=LEFT))
    codes = set(found.asset.verdicts.filter(check_name="moderation").values_list("code", flat=True))
    assert codes == set(found.raw.verdicts.filter(check_name="moderation").values_list("code", flat=True))
    assert "moderation.picture_clear" in codes
