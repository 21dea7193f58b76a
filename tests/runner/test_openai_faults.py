"""A job bought of GPT Image lives through everything that its server can do: state, money, pictures and words.

Judged by the books of a real server, which plays one fault and would then answer well: a second POST that nobody asked
for would get its pictures, and be seen.
"""

from __future__ import annotations

import re

import pytest

from image_studio import storage
from image_studio.models import Asset, Attempt, Event, Job, JobOutput
from image_studio.providers.base import PictureRequest
from image_studio.runner import drain, outcomes, sweep
from image_studio.storage import Spool
from image_studio.wording import explain
from tests import factories
from tests.fakes.openai_server import FAULTS, serve
from tests.runner.conftest import PLAIN

pytestmark = pytest.mark.django_db

KEY = "sk-secret-0123456789"
CAP = 20_000_000
#: These end by the deadline and nothing else.
ENDLESS = ("hang", "slow_drip", "sse_hang")


@pytest.fixture
def server(tmp_path, settings):
    with serve(ledger=tmp_path / "openai.jsonl", retry_after=0.05) as fake:
        configure(settings, fake)
        yield fake


def configure(settings, fake, **more):
    options = {"api_key": KEY, "base_url": fake.base_url, "max_answer_bytes": CAP}
    rows = {"openai": {"BACKEND": "image_studio.providers.openai", "OPTIONS": options}}
    settings.IMAGE_STUDIO = {"DOORBELL": "poll", **PLAIN, "PROVIDERS": rows, **more}


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


def live_through(server, settings, fault, **more):
    """One job on a server that plays ``fault`` once; everything that runs by itself has run."""
    if fault in ENDLESS:
        configure(settings, server, DEADLINE_SECONDS=1.0)
    server.script(faults=[fault])
    job = order(**more)
    drain(wait=False)
    sweep.sweep()
    drain(wait=False)
    job.refresh_from_db()
    return job


def words_of(job):
    return explain(job.error_code, job.error_params)


#: What the books of the server call an end, and how a job ends then.
STATES = {"ok": "done", "partial": "done", "refused": "failed", "unavailable": "queued", "unknown": "unknown"}
CALLS = {"done": "answered", "failed": "failed", "blocked": "failed", "queued": "failed", "unknown": "unknown"}
#: Answers that are whole and have not one picture in them: the call was answered and charged, the job failed.
BARREN = {
    "null_data": ("answer.missing", "answer.empty"),
    "empty_data": ("answer.missing", "answer.empty"),
    "fewer_than_n": ("", "answer.empty"),
    "garbage_base64": ("answer.garbage", "answer.garbage"),
    "hundred_megapixels": ("image.too_large", "image.too_large"),
    "truncated_png": ("image.broken", "image.broken"),
    "url_instead_of_b64": ("answer.link_refused", "answer.link_refused"),
}
#: A stream may break off once its picture is there, or never end: the sweep finds what the deadline left.
STREAMED = {"cut_body": "done", "sse_hang": "done"}


def end_of(fault, *, streamed):
    if fault.startswith("moderation"):
        return "blocked"
    if BARREN.get(fault, ("", ""))[streamed]:
        return "failed"
    return STREAMED.get(fault, STATES[FAULTS[fault].conclude]) if streamed else STATES[FAULTS[fault].conclude]


BODIES = [pytest.param({}, id="json"), pytest.param({"n": 1, "partial_images": 1}, id="stream")]


@pytest.mark.parametrize("asked", BODIES)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_ends_in_a_named_state_with_its_money_and_its_words(fault, asked, server, settings, monkeypatch):
    # No wait may be over before the test is, however slow the machine: what is due is rightly sent again.
    server.script(retry_after=60.0)
    monkeypatch.setattr(outcomes, "FIRST_WAIT", 60.0)
    job = live_through(server, settings, fault, **asked)
    assert len(server.calls()) == (0 if fault == "refuse_connection" else 1)
    judge_state(job, fault, streamed=bool(asked))
    judge_money(job, fault, server.charged())
    judge_words(job)
    if job.error_code and fault not in WORDLESS:
        assert server.calls()[0]["request_id"] in words_of(job)


def judge_state(job, fault, *, streamed):
    assert job.state == end_of(fault, streamed=streamed)
    call = job.attempts.get()
    barren = BARREN.get(fault, ("", ""))[streamed]
    assert call.state == ("answered" if barren else CALLS[job.state])
    assert job.error_code == barren or not barren
    assert bool(job.error_code) is (job.state != "done")
    # An unknown outcome keeps what came; anything else leaves nothing behind.
    assert list(Spool().waiting()) == ([str(call.pk)] if job.state == "unknown" else [])


def judge_money(job, fault, charged):
    """Every charge is a picture, a named fault in its place, or a doubt that is shown."""
    bill, outputs = sum(line["micro_usd"] for line in charged), list(job.outputs.all())
    if job.state == "unknown":
        assert not outputs
    elif not outputs:
        assert (bill, job.cost_micro_usd) == (0, 0)
    elif fault in ("missing_usage", "zero_usage"):
        assert job.attempts.get().effective["usage_missing"] is True
        assert job.cost_micro_usd >= bill > 0
    else:
        assert job.cost_micro_usd == job.attempts.get().micro_usd == bill > 0
    assert [output.index for output in outputs] == list(range(max(job.n, len(outputs)) if outputs else 0))
    assert all(output.asset or output.fault_code for output in outputs)
    for asset in Asset.objects.filter(brand=job.brand):
        storage.read(storage.private(), asset.file, asset.sha256)


#: Whose fault, and what next: every message has one of each.
WHOSE = re.compile(r"openai|The provider|this site")
NEXT = re.compile(r"Retry this cell|decide about a retry|tried again|Change |Choose |Whoever runs the site|look there")
#: No answer came that could name a request, or the words speak of a picture and not of a call.
WORDLESS = (
    "refuse_connection", "reset_before_answer", "hang", "sse_hang", "rate_limited_429", "rate_limited_429_ms",
    "hundred_megapixels", "truncated_png",
)  # fmt: skip


def judge_words(job):
    told = [explain(output.fault_code, output.fault_params) for output in job.outputs.filter(asset=None)]
    told += [words_of(job)] if job.error_code else []
    for message in told:
        assert WHOSE.search(message), message
        assert NEXT.search(message), message
        assert not re.search(r"\{|Export|secret", message), message
    if job.error_code.startswith("provider."):
        assert {"alias": "openai", "model": "gpt-image-2"}.items() <= job.error_params.items()
        assert job.error_params["request_id"]
    assert KEY not in f"{job.error_params}{list(Event.objects.values_list('data', flat=True))}"


@pytest.mark.parametrize("fault", [name for name in FAULTS if FAULTS[name].conclude == "unavailable"])
def test_only_what_was_not_taken_is_sent_again_by_itself(fault, server, settings):
    job = live_through(server, settings, fault)
    assert job.available_at > job.created_at
    server.listen()
    drain()  # unless its short wait was over before the first drain ended
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("done", "")
    assert [call.state for call in job.attempts.order_by("number")] == ["failed", "answered"]
    assert len(server.calls()) == (1 if fault == "refuse_connection" else 2)
    assert len(server.charged()) == 1


def test_a_doubt_is_sent_again_by_a_person_and_only_then(server, settings):
    job = live_through(server, settings, "server_500")
    drain()
    assert len(server.calls()) == 1
    Job.objects.filter(pk=job.pk).update(state="queued", ended_at=None, available_at=factories.long_ago())
    drain()
    job.refresh_from_db()
    assert (job.state, len(server.calls()), Attempt.objects.count()) == ("done", 2, 2)


def test_what_differs_from_the_order_is_kept_and_told(server, settings):
    job = live_through(server, settings, "wrong_size")
    (first, _) = JobOutput.objects.filter(job=job)
    assert first.asset.recipe["effective"]["differs"]["size"] == {"asked": [1024, 640], "got": [512, 320]}
