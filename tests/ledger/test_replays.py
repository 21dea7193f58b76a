"""A replay holds for all of its steps when it is asked for, and lets go what will not come."""

from __future__ import annotations

from functools import partial

import pytest
from django.core.management import call_command
from django.urls import reverse

from image_studio.admin.again import of_step, tried
from image_studio.exceptions import Conflict
from image_studio.models import EditStep, Job, LedgerEntry, Replay
from image_studio.runner import doctor_money, drain, holds
from image_studio.runner.stepping import queue_planned
from image_studio.wording.money import most_dollars
from image_studio.workflow.cells import most_again
from image_studio.workflow.chains import again_of, cancel_step, most_after, retry_step
from image_studio.workflow.jobs import again_of_job
from image_studio.workflow.recipes import save_recipe
from image_studio.workflow.replays import replay, replay_preview
from image_studio.workflow.spending import make_budget
from image_studio.workflow.tree import tree
from image_studio.workflow.unknowns import resend
from tests import factories
from tests.ledger.money import assert_true, held, sums
from tests.workflow.chains import OPERATOR, ask, chain_from, paid_site

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(db, tmp_path, settings):
    with paid_site(settings, tmp_path) as found:
        yield found


@pytest.fixture
def brand(server):
    return factories.make_bare_brand()


@pytest.fixture
def recipe(brand):
    """Two edits of the whole picture."""
    chain = chain_from(factories.make_asset(brand, (640, 480)))
    ask(chain, instruction="Greener")
    return save_recipe(OPERATOR, ask(chain, parent=2, instruction="Darker"), "Green and dark")


def asked(recipe, brand, pictures=1):
    """The replay on new pictures, and what its preview said that it costs at most."""
    sources = [factories.make_asset(brand, (640, 480)) for _n in range(pictures)]
    plan = replay_preview(OPERATOR, recipe, sources)
    return replay(OPERATOR, recipe, sources, key="walk", digest=plan.digest), plan.price.most


def test_what_was_shown_is_what_is_held_and_settled_step_by_step(server, brand, recipe):
    before = sums()[1]
    made, most = asked(recipe, brand, pictures=2)
    assert held() == most > 0
    assert_true()
    drain()
    assert held() == 0
    assert sums()[1] - before == sum(line["micro_usd"] for line in server.charged()[2:])
    assert {entry.chain for entry in LedgerEntry.objects.all()[:4]} == set(made.chains.values_list("pk", flat=True))
    assert_true()


def test_a_replay_that_the_budget_cannot_bear_is_not_begun(server, brand, recipe):
    calls = len(server.calls())
    probe = replay_preview(OPERATOR, recipe, [factories.make_asset(brand, (640, 480))]).price.most
    make_budget(OPERATOR, brand=brand, hard_micro_usd=sums()[1] + probe)
    with pytest.raises(Conflict, match=r"budget\.spent"):
        asked(recipe, brand, pictures=2)
    assert not Replay.objects.exists()
    made, _most = asked(recipe, brand, pictures=1)
    drain()
    assert [step.status for step in made.chains.get().steps.select_related("job")] == ["ready"] * 3
    assert len(server.calls()) == calls + 2
    assert_true()


def test_a_step_that_brings_nothing_lets_go_of_those_after_it(server, brand, recipe):
    made, _most = asked(recipe, brand)
    server.script(faults=["moderation_400_input"])
    drain()
    assert held() == 0
    planned = made.chains.get().steps.get(outcome="planned")
    assert planned.hold_micro_usd == 0
    assert_true()
    # Wanted after all: what comes later asks for its money when its turn comes.
    server.script(faults=[])
    retry_step(OPERATOR, made.chains.get().steps.select_related("chain", "job").get(number=2))
    drain()
    assert [step.status for step in made.chains.get().steps.select_related("job")] == ["ready"] * 3
    assert held() == 0
    assert_true()


def test_a_later_step_without_room_says_so(server, brand, recipe):
    made, _most = asked(recipe, brand)
    EditStep.objects.filter(outcome="planned").update(hold_micro_usd=0)
    call_command_fix()
    make_budget(OPERATOR, brand=brand, hard_micro_usd=sums()[1] + held())
    drain()
    last = made.chains.get().steps.order_by("number").last()
    assert (last.outcome, last.error_code) == ("failed", "budget.spent")
    assert held() == 0
    assert_true()


def call_command_fix():
    """Mend what the test has broken."""
    with pytest.raises(SystemExit):
        call_command("studio_doctor", "--fix", verbosity=0)


def test_a_cancelled_step_lets_go_of_all_after_it(server, brand, recipe):
    made, _most = asked(recipe, brand)
    step = made.chains.get().steps.select_related("chain", "job").get(number=2)
    cancel_step(OPERATOR, step)
    assert held() == 0
    assert_true()


def test_planned_steps_that_hold_and_never_come_are_found(server, brand, recipe, capsys):
    made, _most = asked(recipe, brand)
    server.script(faults=["moderation_400_input"])
    drain()
    EditStep.objects.filter(chain__replay=made, outcome="planned").update(hold_micro_usd=500)
    call_command_fix()
    assert "over" in capsys.readouterr().out
    assert held() == 0


def broken(server, recipe, brand, fault):
    """A replay whose first step brought nothing; the step."""
    made, _most = asked(recipe, brand)
    server.script(faults=[fault])
    drain()
    server.script(faults=[])
    assert EditStep.objects.filter(chain__replay=made, outcome="planned").count() == 1
    return made.chains.get().steps.select_related("chain", "job").get(number=2)


def test_a_retry_says_and_holds_what_goes_on_after_it(server, brand, recipe):
    step = broken(server, recipe, brand, "moderation_400_input")
    planned = EditStep.objects.get(chain=step.chain, number=3)
    assert held() == 0
    said = again_of(step).most
    assert said == step.job.estimate_micro_usd + planned.plan["most"]
    assert most_dollars(said) in of_step(step).words
    nodes = {node.number: node for node in tree(OPERATOR, step.chain).nodes}
    assert again_of(nodes[2].step) == again_of(step)
    retry_step(OPERATOR, step)
    assert held() == said
    calls = len(server.calls())
    drain()
    assert (len(server.calls()) - calls, held()) == (2, 0)
    assert again_of(EditStep.objects.select_related("chain", "job").get(pk=step.pk)) is None
    assert_true()


def test_a_retry_that_the_budget_cannot_bear_to_its_end_is_not_begun(server, brand, recipe):
    step = broken(server, recipe, brand, "moderation_400_input")
    make_budget(OPERATOR, brand=brand, hard_micro_usd=sums()[1] + again_of(step).most - 1)
    with pytest.raises(Conflict, match=r"budget\.spent"):
        retry_step(OPERATOR, step)
    assert held() == 0
    assert_true()


def test_a_cancelled_replay_that_is_tried_again_says_and_holds_all_of_it(server, brand, recipe):
    made, most = asked(recipe, brand)
    step = made.chains.get().steps.select_related("chain", "job").get(number=2)
    cancel_step(OPERATOR, step)
    step = EditStep.objects.select_related("chain", "job").get(pk=step.pk)
    assert (held(), again_of(step).most) == (0, most)
    retry_step(OPERATOR, step)
    assert held() == most
    drain()
    assert_true()


def test_what_is_wanted_again_while_it_stops_says_and_holds_what_was_cancelled_with_it(server, brand, recipe):
    made, most = asked(recipe, brand)
    step = made.chains.get().steps.select_related("chain", "job").get(number=2)
    Job.objects.filter(step=step).update(state="sending")
    cancel_step(OPERATOR, EditStep.objects.select_related("chain", "job").get(pk=step.pk))
    step = EditStep.objects.select_related("chain", "job").get(pk=step.pk)
    after, said = planned_of(made).plan["most"], of_step(step)
    assert (planned_of(made).outcome, again_of(step).most, held()) == ("cancelled", after, most - after)
    assert said.key.endswith(f".{after}")
    assert most_dollars(after) in said.words
    tried(OPERATOR, said.key, "step", partial(retry_step, OPERATOR, step))
    assert (planned_of(made).outcome, held()) == ("planned", most)
    assert_true()


def test_a_call_in_doubt_that_is_sent_again_holds_what_goes_on_after_it(server, brand, recipe, client):
    step = broken(server, recipe, brand, "cut_body")
    assert step.job.state == "unknown"
    doubt, after = held(), most_after(step)
    assert after == EditStep.objects.get(chain=step.chain, number=3).plan["most"] > 0
    client.force_login(factories.make_user(is_staff=True, is_superuser=True))
    page = client.get(reverse("admin:image_studio_job_settle", args=[step.job.pk])).content.decode()
    assert f"A second ${most_dollars(most_again(step.job) + after)} at most is held" in page
    assert f"What was planned after it goes on then: at most ${most_dollars(after)} more." in page
    said = again_of_job(step.job).most
    with pytest.raises(Conflict, match=r"price\.risen"):
        resend(OPERATOR, step.job, key="again", most=said - 1)
    resend(OPERATOR, step.job, key="again", most=said)
    assert held() == doubt + said == doubt + step.job.estimate_micro_usd + after
    drain()
    assert held() == doubt
    assert_true()


def planned_of(made):
    return made.chains.get().steps.select_related("chain", "job").get(number=3)


def test_what_two_let_go_at_once_is_released_once(server, brand, recipe):
    """The second has read what the step holds before the first takes it."""
    made, most = asked(recipe, brand)
    budget = make_budget(OPERATOR, brand=brand, hard_micro_usd=10**9)
    stale = planned_of(made)
    cancel_step(OPERATOR, planned_of(made))
    left = held()
    assert 0 < left < most
    assert not holds.let_go_steps([stale], actor=OPERATOR.actor)
    budget.refresh_from_db()
    assert budget.held_micro_usd == held() == sums()[0] == left
    assert_true()


def test_a_step_that_lost_its_hold_meanwhile_asks_for_it_anew(server, brand, recipe):
    made, most = asked(recipe, brand)
    budget = make_budget(OPERATOR, brand=brand, hard_micro_usd=10**9)
    stale = planned_of(made)
    holds.let_go_steps([planned_of(made)], actor=OPERATOR.actor)
    queue_planned(stale, factories.make_asset(brand, (640, 480)))
    budget.refresh_from_db()
    assert budget.held_micro_usd == held() == sums()[0] == most
    assert_true()


def test_the_doctor_takes_nothing_of_a_step_that_comes_after_all(server, brand, recipe, monkeypatch):
    made, _most = asked(recipe, brand)
    server.script(faults=["moderation_400_input"])
    drain()
    server.script(faults=[])
    EditStep.objects.filter(chain__replay=made, outcome="planned").update(hold_micro_usd=500)
    real = doctor_money._let_step_go

    def meanwhile(actor, step):
        retry_step(OPERATOR, made.chains.get().steps.select_related("chain", "job").get(number=2))
        return real(actor, step)

    monkeypatch.setattr(doctor_money, "_let_step_go", meanwhile)
    (found,) = doctor_money._planned(OPERATOR.actor, fix=True)
    assert (found.code, found.fixed) == ("doctor.over_held", False)
    assert planned_of(made).hold_micro_usd == 500
