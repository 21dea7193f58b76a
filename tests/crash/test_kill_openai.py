"""Kill -9 of a worker that buys from a server of GPT Image, at every point of a call: never a second POST by itself.

The server is a process of its own, and its books are the judge. Runs on the database that IMAGE_STUDIO_TEST_DB names.
"""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command

from image_studio import storage
from image_studio.models import Asset, Attempt, EditRecipe, EditStep, Event, Job
from image_studio.policy import Policy
from image_studio.providers.base import PictureRequest
from image_studio.storage import Spool
from image_studio.workflow.chains import start_chain
from image_studio.workflow.recipes import save_recipe
from image_studio.workflow.replays import replay
from image_studio.workflow.step_orders import request_step
from image_studio.workflow.steps import StepOrder
from tests import factories
from tests.crash.test_kill import _let_others_in, finish, killed, shoot_when, start  # noqa: F401
from tests.fakes.openai_killing import POINT
from tests.fakes.openai_process import serve_apart

pytestmark = [pytest.mark.crash, pytest.mark.django_db(transaction=True)]

#: Where the whole answer lies on the disk, and where it does not.
WHOLE = ("flushed", "naming", "named")
BROKEN = ("begun", "closing", "seen")
ASKED = [pytest.param({"n": 2}, id="json"), pytest.param({"n": 1, "partial_images": 1}, id="stream")]


@pytest.fixture
def server(tmp_path, settings):
    """A server in its own process, and one studio for this process and for the workers that it starts."""
    with serve_apart(tmp_path / "ledger.jsonl") as process:
        options = {"api_key": "sk-test", "base_url": process.base_url}
        settings.MEDIA_ROOT = str(tmp_path / "media")
        settings.IMAGE_STUDIO = {
            "DOORBELL": "poll",
            "LEASE_SECONDS": 3.0,
            "BEAT_SECONDS": 0.5,
            "SWEEP_SECONDS": 0.5,
            "POLL_SECONDS": 0.05,
            "PIXEL_THREADS": 1,
            "BRAND_CHECKS": (),
            "PROVIDERS": {"openai": {"BACKEND": "tests.fakes.openai_killing", "OPTIONS": options}},
        }
        (tmp_path / "studio.json").write_text(json.dumps(settings.IMAGE_STUDIO))
        yield process


def order(**more):
    request = PictureRequest(
        **{"model": "gpt-image-2", "prompt": "a jug", "quality": "low", "size": (1024, 640), "n": 2, **more}
    )
    return factories.make_job(
        factories.make_bare_brand(),
        provider="openai",
        route="premium",
        model=request.model,
        request=request.to_dict(),
        digest=request.digest,
        n=request.n,
    )


def kill_at(monkeypatch, tmp_path, point):
    monkeypatch.setenv(POINT, point)
    killed(start(tmp_path))
    monkeypatch.delenv(POINT)


def restarted(tmp_path, job):
    """The job after healthy workers: what the first leaves in doubt, the second does not send either."""
    finish(tmp_path)
    job.refresh_from_db()
    if job.state != "done":
        finish(tmp_path)
        job.refresh_from_db()
    return job


def assert_unknown(job, files, capsys):
    """A doubt that is shown, with what came of the answer."""
    call = job.attempts.get()
    assert (job.state, job.error_code, call.state) == ("unknown", "job.worker_lost", "unknown")
    assert job.cost_micro_usd == 0
    assert not Asset.objects.exists()
    assert list(Spool().waiting()) == [str(call.pk)]
    with pytest.raises(SystemExit):
        call_command("studio_doctor", "--json")
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (spool,) = [row for row in told if row["kind"] == "spool"]
    assert spool["object"] == str(call.pk)
    assert all(name in spool["message"] for name in files)
    assert [row["object"] for row in told if row["kind"] == "unknown"] == [f"job {job.pk}"]


def assert_stored(job, server):
    """Every charged picture is in the library, once, at the price in the books."""
    (line,) = server.charged()
    call = job.attempts.get()
    assert (job.state, job.error_code, call.state) == ("done", "", "answered")
    assert (job.cost_micro_usd, call.micro_usd, call.request_id) == (*[line["micro_usd"]] * 2, line["request_id"])
    assert call.usage == line["usage"]
    assert call.effective["model"] == "gpt-image-2"
    outputs = list(job.outputs.all())
    assert [output.index for output in outputs] == list(range(line["pictures"]))
    assert Asset.objects.count() == line["pictures"]
    for output in outputs:
        assert (output.asset.width, output.asset.height, output.asset.format) == (1024, 640, "png")
        storage.read(storage.private(), output.asset.file, output.asset.sha256)
    assert Event.objects.filter(verb="job.done").count() == 1
    assert not list(Spool().waiting())


def test_killed_before_the_post_nothing_is_sent_and_nobody_sends_it(server, tmp_path, monkeypatch, capsys):
    job = order()
    kill_at(monkeypatch, tmp_path, "unsent")
    assert Attempt.objects.get().state == "sending"
    job = restarted(tmp_path, job)
    assert not server.calls()
    assert_unknown(job, (), capsys)


@pytest.mark.parametrize("asked", ASKED)
def test_killed_while_the_server_is_at_work(asked, server, tmp_path, capsys):
    server.script(faults=["hang"])
    job = order(**asked)
    assert shoot_when(start(tmp_path), server.calls)
    job = restarted(tmp_path, job)
    assert len(server.calls()) == 1
    assert_unknown(job, (), capsys)


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("point", BROKEN)
def test_killed_before_the_answer_is_whole(point, asked, server, tmp_path, monkeypatch, capsys):
    job = order(**asked)
    kill_at(monkeypatch, tmp_path, point)
    job = restarted(tmp_path, job)
    assert len(server.calls()) == len(server.charged()) == 1
    # A stream's early version is small and was dropped again; its picture is the second. It begins with no file.
    assert_unknown(job, () if point == "begun" else ("picture-1.part",), capsys)


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("point", WHOLE)
def test_killed_between_the_answer_and_its_manifest(point, asked, server, tmp_path, monkeypatch):
    job = order(**asked)
    kill_at(monkeypatch, tmp_path, point)
    folder = Spool().root / str(Attempt.objects.get().pk)
    assert not (folder / "answer.json").exists()
    job = restarted(tmp_path, job)
    assert len(server.calls()) == 1
    assert_stored(job, server)


def test_killed_in_a_stream_that_has_its_picture_and_no_end(server, tmp_path):
    server.script(faults=["sse_hang"])
    job = order(n=1, partial_images=1)
    assert shoot_when(start(tmp_path), lambda: list(Spool().root.glob("*/answer-raw.json")))
    job = restarted(tmp_path, job)
    assert len(server.calls()) == 1
    assert_stored(job, server)


def test_a_person_who_asks_again_gets_what_lies_there(server, tmp_path, monkeypatch):
    """The retry is queued before any worker looked: the answer is taken in, and nothing is bought twice."""
    job = order()
    kill_at(monkeypatch, tmp_path, "flushed")
    Attempt.objects.update(state="unknown")
    Job.objects.update(state="queued", lease_owner=None, lease_until=None)
    job = restarted(tmp_path, job)
    assert len(server.calls()) == 1
    assert_stored(job, server)


def test_a_job_that_waited_beside_a_killed_call_is_bought_once(server, tmp_path, monkeypatch):
    order()
    kill_at(monkeypatch, tmp_path, "named")
    later = order(prompt="a cup")
    finish(tmp_path)
    assert len(server.calls()) == 2
    assert set(Job.objects.values_list("state", flat=True)) == {"done"}
    assert later.attempts.count() == 1


# Edit histories ----------------------------------------------------------------------------------------------------


def edit(**asked):
    source = factories.make_asset(factories.make_bare_brand(), (640, 480))
    chain = start_chain(Policy.operator(), source.brand, source)
    told = StepOrder(instruction="Make it green", route="quick", region=(0.1, 0.1, 0.3, 0.3), **asked)
    return request_step(Policy.operator(), chain, told, key="edit")


def test_killed_between_the_answer_to_an_edit_and_its_step(server, tmp_path, monkeypatch):
    step = edit(candidates=2)
    kill_at(monkeypatch, tmp_path, "named")
    assert not step.candidates.exists()
    job = restarted(tmp_path, step.job)
    assert len(server.calls()) == len(server.charged()) == 1
    assert (job.state, job.edit["step"]) == ("done", str(step.pk))
    found = list(step.candidates.select_related("asset", "raw"))
    assert [one.index for one in found] == [0, 1]
    for one in found:
        assert one.paste["pasted"]
        assert one.asset.parent == one.raw
        storage.read(storage.private(), one.asset.file, one.asset.sha256)
    assert Event.objects.filter(verb="chain.step_done").count() == 1
    assert not list(Spool().waiting())


def test_killed_between_two_steps_of_a_replay_the_walk_goes_on(server, tmp_path, monkeypatch):
    operator = Policy.operator()
    step = edit()
    finish(tmp_path)
    recipe = save_recipe(operator, EditStep.objects.get(pk=step.pk), "Green")
    source = factories.make_asset(step.chain.brand, (640, 480))
    twice = EditRecipe.objects.create(brand=recipe.brand, name="Twice", steps=[*recipe.steps, *recipe.steps])
    made = replay(operator, twice, [source], key="twice")
    kill_at(monkeypatch, tmp_path, "named")
    for _step in range(3):
        finish(tmp_path)
    states = [row.status for row in made.chains.get().steps.select_related("job")]
    assert states == ["ready", "ready", "ready"]
    assert len(server.calls()) == len(server.charged()) == 3
