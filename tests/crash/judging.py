"""The verdict on a run, from outside: the provider's own books, the bytes of the files, and what all rows add up to."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from image_studio import storage, testing
from image_studio.models import Asset, Attempt, Job, JobOutput
from image_studio.states import JOB_ENDED
from image_studio.storage import Spool
from tests.ledger.money import assert_true, held


@dataclass(frozen=True, kw_only=True)
class Found:
    """What came of a purchase.

    :param charges: calls that the provider's books say were charged.
    :param stored: calls whose pictures are in the library, byte for byte.
    :param unknown: calls that are shown as in doubt.
    :param held: micro-USD.
    """

    charges: int
    stored: int
    unknown: int
    held: int

    def told(self) -> dict[str, int]:
        return asdict(self)


def judge(books: Path, *, consented: int = 1) -> Found:
    """:raises AssertionError: for a charge without consent, a lost picture, or money that does not add up."""
    charges = testing.charges(books)
    calls = list(Attempt.objects.filter(job__provider="fake").select_related("job"))
    stored = [call for call in calls if call.state == "answered" and _kept(call)]
    unknown = [call for call in calls if call.state == "unknown"]
    assert len(charges) <= len(calls), "the provider was called more often than anybody wrote down"
    wanted = Counter(Job.objects.filter(kind="picture").values_list("digest", flat=True))
    for digest, number in Counter(charge["digest"] for charge in charges).items():
        assert number <= consented * wanted[digest], f"{number} charges for {digest}"
    assert len(stored) <= len(charges) <= len(stored) + len(unknown), "a charge is neither stored nor in doubt"
    assert not Job.objects.exclude(state__in=JOB_ENDED).exists(), "a job was left lying"
    for call in unknown:
        assert call.hold_micro_usd == call.job.estimate_micro_usd > 0, "a doubt without its hold"
    spent = sum(call.micro_usd for call in stored)
    assert spent == sum(charge["micro_usd"] for charge in charges[: len(stored)])
    for asset in Asset.objects.all():
        storage.read(storage.private(), asset.file, asset.sha256)
    assert_true()
    return Found(charges=len(charges), stored=len(stored), unknown=len(unknown), held=held())


def _kept(call: Attempt) -> bool:
    """Whether all pictures of an answered call are in the library."""
    outputs = JobOutput.objects.filter(job=call.job_id, asset__isnull=False).count()
    assert outputs == call.job.n, "a call was answered and its pictures are not there"
    return True


def in_doubt() -> bool:
    """Whether a call was committed and no whole answer lies on the disk: all that may become unknown."""
    sent = Attempt.objects.filter(state="sending").values_list("pk", flat=True)
    return any(not (Spool().root / str(pk) / "answer.json").exists() for pk in sent)
