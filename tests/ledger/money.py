"""What must be true of money at every moment, asked of the rows, and orders that cost."""

from __future__ import annotations

from collections import defaultdict

from django.db.models import Sum

from image_studio import ledger
from image_studio.models import Attempt, Budget, EditStep, Job, LedgerEntry, SpendRollup
from image_studio.policy import Policy
from image_studio.workflow import request
from image_studio.workflow.plan import Matrix
from tests import factories

PLAIN = {
    "DOORBELL": "poll",
    "LEASE_SECONDS": 4.0,
    "BEAT_SECONDS": 1.0,
    "SWEEP_SECONDS": 1.0,
    "POLL_SECONDS": 0.05,
    "PIXEL_THREADS": 1,
    "BRAND_CHECKS": (),
}
#: Micro-USD that the fake provider asks for a picture.
PRICE = 40_000


def order(brand, *, user=None, takes=1, channels=("square",), key="one", route="fake", locales=("en",)):
    """A set ordered as a person orders it; small pictures."""
    prompt = factories.make_prompt(brand, "A bottle")
    chosen = factories.make_channels(*channels)
    matrix = Matrix(
        brand=brand, prompt_version=prompt, channels=tuple(chosen), locales=locales, takes=takes, route=route
    )
    return request(Policy(user) if user else Policy.operator(), matrix, key=key)


def held():
    """What rows hold: jobs, calls in doubt, planned steps."""
    return sum(
        rows.aggregate(n=Sum("hold_micro_usd"))["n"] or 0
        for rows in (Job.objects.all(), Attempt.objects.all(), EditStep.objects.filter(job=None))
    )


def sums():
    """What the ledger says is held and spent."""
    found = LedgerEntry.objects.aggregate(held=Sum("held_micro_usd"), spent=Sum("spent_micro_usd"))
    return found["held"] or 0, found["spent"] or 0


def assert_true():
    """Rows, ledger, rollups, budgets and jobs tell the same."""
    assert sums()[0] == held() == ledger.outstanding()
    by_day, by_model = defaultdict(lambda: [0, 0, 0]), defaultdict(lambda: [0, 0, 0])
    for one in LedgerEntry.objects.all():
        if one.spent_micro_usd or one.pictures or one.kind == "settle":
            for sum_ in (by_day[one.day, one.brand_id], by_model[one.day, one.brand_id, one.model]):
                sum_[0] += one.spent_micro_usd
                sum_[1] += one.pictures
                sum_[2] += one.kind == "settle"
    rolled = {
        (row.day, row.brand_id): [row.spent_micro_usd, row.pictures, row.calls]
        for row in SpendRollup.objects.filter(model="")
    }
    assert rolled == dict(by_day)
    models = {
        (row.day, row.brand_id, row.model): [row.spent_micro_usd, row.pictures, row.calls]
        for row in SpendRollup.objects.exclude(model="")
    }
    assert models == {key: value for key, value in by_model.items() if key[2]}
    for budget in Budget.objects.all():
        assert budget.held_micro_usd == ledger.outstanding(budget), budget
        assert budget.spent_micro_usd == ledger.spent_in(budget), budget
        if budget.hard_micro_usd is not None:
            assert budget.spent_micro_usd + budget.held_micro_usd <= budget.hard_micro_usd + budget.over_micro_usd
    spent = dict(LedgerEntry.objects.exclude(job=None).values_list("job").annotate(n=Sum("spent_micro_usd")))
    for job in Job.objects.all():
        assert job.cost_micro_usd == spent.get(job.pk, 0), job
