"""An answer without a manifest: who finds it, who only looks, and what is left to a person."""

from __future__ import annotations

import asyncio

import pytest

from image_studio import storage
from image_studio.conf import provider
from image_studio.models import Asset, Attempt, Job, uuid7
from image_studio.providers.base import PictureRequest
from image_studio.runner import adopting, answers, drain, sweep
from image_studio.runner.doctor import examine
from image_studio.runner.leases import WORKER
from image_studio.storage import Spool
from tests import factories
from tests.fakes.openai_server import serve
from tests.runner.test_openai_faults import configure, order

pytestmark = pytest.mark.django_db


@pytest.fixture
def lost(tmp_path, settings):
    """A call whose whole answer lies in the spool, and whose worker died before the manifest."""
    with serve(ledger=tmp_path / "openai.jsonl") as server:
        configure(settings, server)
        job, past = order(), factories.long_ago()
        call = Attempt.objects.create(
            job=job, number=1, provider="openai", model=job.model, worker=uuid7(), started_at=past
        )
        folder = answers.order(call.pk, job.pk, job.brand_id, job.request, provider="openai")
        request = PictureRequest.from_dict(job.request)
        asyncio.run(provider("openai").run(request, (), spool=folder, deadline=30.0))
        Job.objects.update(state="sending", lease_owner=call.worker, lease_token=1, lease_until=past, attempts_made=1)
        yield job, call, server


def test_what_is_kept_of_an_answer_every_database_takes():
    """PostgreSQL refuses NUL and half a character, long after the picture was paid for."""
    told = {"usage\0": [{"a": "\0b\ud800"}], "n": 1, "at": None}
    assert answers.plain(told) == {"usage": [{"a": "b?"}], "n": 1, "at": None}


def spooled():
    return [(row.code, row.fixed) for row in examine(WORKER) if row.kind == "spool"]


def mended():
    return [(row.code, row.fixed) for row in examine(WORKER, fix=True) if row.kind == "spool"]


def names_of(call):
    return {path.name for path in (Spool().root / str(call.pk)).iterdir()}


def test_the_sweep_takes_it_in(lost):
    job, _call, server = lost
    assert sweep.sweep().rescued == 1
    drain()
    job.refresh_from_db()
    assert (job.state, job.cost_micro_usd) == ("done", server.charged()[0]["micro_usd"])
    assert len(server.calls()) == 1


def test_a_provider_that_is_gone_leaves_a_doubt_that_ends_when_it_is_back(lost, settings):
    job, _call, server = lost
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "PROVIDERS": {}}
    assert sweep.sweep().unknown == 1
    configure(settings, server)
    assert sweep.sweep().rescued == 1
    drain()
    job.refresh_from_db()
    assert (job.state, len(server.calls())) == ("done", 1)


def test_a_defect_in_reading_it_again_stops_no_sweep(lost, monkeypatch):
    def broken(self, request, spool):
        raise RuntimeError("sk-secret")

    _job, call, _server = lost
    monkeypatch.setattr(type(provider("openai")), "recover", broken)
    assert sweep.sweep().unknown == 1
    assert names_of(call) == {"order.json", "answer-raw.json", "answer-seen.json", "output-0.png", "output-1.png"}


def test_the_doctor_looks_without_writing_and_mends_when_told(lost):
    job, call, _server = lost
    Job.objects.update(state="unknown", lease_owner=None, lease_until=None)
    Attempt.objects.update(state="unknown")
    before = names_of(call)
    assert spooled() == [("doctor.answer_found", False)]
    assert names_of(call) == before
    assert mended() == [("doctor.answer_found", True)]
    drain()
    job.refresh_from_db()
    assert job.state == "done"


def test_an_answer_older_than_the_database_is_adopted_by_what_its_folder_says(lost):
    job, call, server = lost
    brand = job.brand
    sums = {kept.sha256 for kept in adopting.look(str(call.pk), "").outputs}
    job.delete()
    assert spooled() == [("doctor.answer_without_row", False)]
    assert mended() == [("doctor.answer_without_row", True)]
    assets = Asset.objects.filter(brand=brand)
    assert {asset.sha256 for asset in assets} == sums
    for asset in assets:
        storage.read(storage.private(), asset.file, asset.sha256)
    assert not list(Spool().waiting())
    assert len(server.calls()) == 1


def test_pieces_of_an_answer_are_named_and_kept(lost):
    _job, call, _server = lost
    (Spool().root / str(call.pk) / "answer-raw.json").unlink()
    assert sweep.sweep().unknown == 1
    (found,) = [row for row in examine(WORKER, fix=True) if row.kind == "spool"]
    assert (found.code, found.fixed) == ("doctor.answer_incomplete", False)
    assert found.params["files"] == "answer-seen.json, output-0.png, output-1.png"
    assert "answer-seen.json" in names_of(call)


def test_a_picture_that_moves_while_it_is_read_is_left_to_its_worker(lost, monkeypatch):
    """The worker lives after all, and gives its pictures their names: nothing is adopted in halves."""
    _job, call, _server = lost
    real = type(provider("openai")).recover

    def moving(self, request, spool):
        answer = real(self, request, spool)
        answer.outputs[0].path.rename(spool / "elsewhere.png")
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(type(provider("openai")), "recover", moving)
        assert adopting.answer_to(call.pk, "openai") is None
    assert "answer.json" not in names_of(call)
