"""Verbs of an edit history, and its tree as a page is given it."""

from __future__ import annotations

import threading

import pytest
from django.db import IntegrityError, connection, transaction

from image_studio.exceptions import Conflict, InvalidRequest, NotAllowed
from image_studio.models import EditCandidate, EditChain, EditStep, Event, Job
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.workflow.chains import (
    cancel_step,
    choose,
    close,
    draft_of,
    fork_chain,
    move_head,
    reject_step,
    rename,
    reopen,
    retry_step,
    save_draft,
    start_chain,
    undecide,
)
from image_studio.workflow.tree import tree
from tests import factories
from tests.workflow.chains import LEFT, OPERATOR, ask, chain_from, paid_site

pytestmark = pytest.mark.django_db


@pytest.fixture
def fake(db, tmp_path, settings):
    with paid_site(settings, tmp_path) as server:
        yield server


@pytest.fixture
def brand(fake):
    return factories.make_bare_brand()


@pytest.fixture
def source(brand):
    return factories.make_asset(brand, (640, 480))


@pytest.fixture
def chain(source):
    return chain_from(source)


def head_of(chain):
    return EditChain.objects.get(pk=chain.pk).head


def verbs_of(chain):
    rows = Event.objects.filter(object_type="editchain", object_id=str(chain.pk)).order_by("id")
    return list(rows.values_list("verb", flat=True))


# The tree ----------------------------------------------------------------------------------------------------------


def branched(chain):
    """1 - 2 - 3, a fork 4 from 1, and 5 from 4, all done; the head stays where it was."""
    for parent in (1, 2, 1, 4):
        ask(chain, parent=parent)
    return chain


def test_three_branches_come_back_as_they_grew(chain):
    found = tree(OPERATOR, branched(chain))
    assert [node.step.parent_number for node in found.nodes] == [None, 1, 2, 1, 4]
    assert {node.number: node.children for node in found.nodes} == {1: (2, 4), 2: (3,), 3: (), 4: (5,), 5: ()}
    assert [node.depth for node in found.nodes] == [0, 1, 2, 1, 2]
    assert [node.number for node in found.path(5)] == [1, 4, 5]
    assert found.head.number == 1
    assert all(node.picture for node in found.nodes)
    assert found.micro_usd == sum(Job.objects.values_list("cost_micro_usd", flat=True))
    assert (found.active, found.most) == (False, 0)


def test_a_tree_takes_as_many_queries_however_long_it_is(chain, source, django_assert_num_queries):
    def grow(to):
        steps = [
            EditStep(chain=chain, number=number, parent_number=number - 1, kind="edit", outcome="ready")
            for number in range(EditStep.objects.count() + 1, to + 1)
        ]
        EditStep.objects.bulk_create(steps)
        EditCandidate.objects.bulk_create(EditCandidate(step=step, index=0, asset=source) for step in steps)

    for length in (5, 200):
        grow(length)
        with django_assert_num_queries(3):
            assert len(tree(OPERATOR, chain).nodes) == length


def test_the_database_itself_keeps_a_tree_acyclic(chain):
    for number, parent in ((2, 2), (2, 3)):
        with pytest.raises(IntegrityError), transaction.atomic():
            EditStep.objects.create(chain=chain, number=number, parent_number=parent, kind="edit")
    with pytest.raises(IntegrityError), transaction.atomic():
        EditStep.objects.create(chain=chain, number=1, parent_number=None, kind="edit")


def test_what_somebody_may_not_see_is_not_in_their_tree(brand, source):
    own = Policy(factories.make_user("creator", brand=brand, own_only=True))
    mine = factories.make_asset(brand, (64, 64), created_by=own.user)
    chain = chain_from(mine, own)
    step = EditStep.objects.create(chain=chain, number=2, parent_number=1, kind="edit", outcome="ready")
    EditCandidate.objects.create(step=step, index=0, asset=source)
    nodes = tree(own, chain).nodes
    assert [node.picture for node in nodes] == [mine, None]
    with pytest.raises(NotAllowed):
        tree(Policy(factories.make_user("creator", brand=factories.make_bare_brand())), chain)


# Choosing and turning down -----------------------------------------------------------------------------------------


def test_choosing_moves_the_head_and_is_told_once(chain):
    step = ask(chain, candidates=2)
    choose(OPERATOR, step, 1, seen=1)
    step.refresh_from_db()
    assert (step.state, step.choice, head_of(chain)) == ("chosen", 1, 2)
    choose(OPERATOR, step, 0)
    step.refresh_from_db()
    assert step.choice == 0
    assert verbs_of(chain).count("chain.step_chosen") == 2


def test_two_who_move_the_head_at_once_are_told(chain):
    step = ask(chain)
    choose(OPERATOR, step, 0, seen=1)
    with pytest.raises(Conflict, match=r"chain\.head_moved") as refused:
        move_head(OPERATOR, chain, 1, seen=1)
    assert refused.value.params == {"head": 2, "seen": 1}
    with pytest.raises(Conflict, match=r"chain\.head_moved"):
        choose(OPERATOR, step, 0, seen=1)
    move_head(OPERATOR, chain, 1, seen=2)
    assert head_of(chain) == 1


def test_a_rejected_step_stays_with_its_reason_and_gives_the_head_back(chain):
    step = ask(chain)
    choose(OPERATOR, step, 0)
    reject_step(OPERATOR, step, reason="too_much", note=" The sky turned. ")
    assert (step.state, step.choice, step.reason, step.note) == ("rejected", None, "too_much", "The sky turned.")
    assert head_of(chain) == 1
    assert step.candidates.get().asset is not None
    reject_step(OPERATOR, step, reason="quality")
    assert (step.state, step.reason) == ("rejected", "quality")
    undecide(OPERATOR, step)
    assert (step.state, step.reason) == ("open", "")


def test_only_reasons_of_the_list_are_taken_and_the_start_stays(chain):
    step = ask(chain)
    with pytest.raises(InvalidRequest, match=r"step\.unknown_reason"):
        reject_step(OPERATOR, step, reason="mood")
    start = chain.steps.get(number=1)
    with pytest.raises(InvalidRequest, match=r"step\.start_stays"):
        reject_step(OPERATOR, start, reason="quality")
    with pytest.raises(InvalidRequest, match=r"step\.start_stays"):
        undecide(OPERATOR, start)


def test_asking_from_an_undecided_step_chooses_its_picture(chain):
    step = ask(chain, candidates=2)
    ask(chain, parent=2, candidate=1)
    step.refresh_from_db()
    assert (step.state, step.choice) == ("chosen", 1)
    assert head_of(chain) == 1


# Names, ends, forks, drafts ----------------------------------------------------------------------------------------


def test_a_closed_history_takes_no_step_until_it_is_open_again(chain):
    close(OPERATOR, chain)
    close(OPERATOR, chain)
    with pytest.raises(Conflict, match=r"chain\.closed"):
        ask(chain)
    with pytest.raises(Conflict, match=r"chain\.closed"):
        move_head(OPERATOR, chain, 1, seen=1)
    reopen(OPERATOR, chain)
    assert ask(chain, work=False).number == 2
    assert verbs_of(chain).count("chain.closed") == 1


def test_nothing_is_decided_or_bought_again_in_a_closed_history(chain, fake):
    first = ask(chain)
    fake.script(faults=["moderation_400_input"])
    second = ask(chain, parent=1)
    assert second.status == "blocked"
    close(OPERATOR, chain)
    before = list(chain.steps.values_list("number", "state", "job__state"))
    for verb in (
        lambda: retry_step(OPERATOR, second),
        lambda: reject_step(OPERATOR, first, reason="other"),
        lambda: undecide(OPERATOR, first),
    ):
        with pytest.raises(Conflict, match=r"chain\.closed"):
            verb()
    assert list(chain.steps.values_list("number", "state", "job__state")) == before


def test_a_name_is_kept_and_an_empty_one_refused(chain):
    rename(OPERATOR, chain, "  The   green one ")
    assert EditChain.objects.get().title == "The green one"
    with pytest.raises(InvalidRequest, match=r"chain\.no_title"):
        rename(OPERATOR, chain, "  ")


def test_words_are_kept_as_a_database_takes_them(chain):
    rename(OPERATOR, chain, "Gr\0een \ud800 one")
    assert EditChain.objects.get().title == "Green one"
    step = ask(chain, instruction="Make it\0 green\udfff")
    assert step.instruction == "Make it green"
    reject_step(OPERATOR, step, reason="quality", note="a\0b")
    assert step.note == "ab"


def test_a_fork_begins_a_history_of_its_own(chain):
    step = ask(chain)
    forked = fork_chain(OPERATOR, step, title="Elsewhere")
    assert (forked.forked_from, forked.forked_step, forked.source) == (chain, 2, step.candidates.get().asset)
    assert ask(forked).number == 2
    assert chain.steps.count() == 2


def test_a_draft_is_each_persons_own(chain, brand):
    one, other = (Policy(factories.make_user("creator", brand=brand)) for _ in range(2))
    save_draft(one, chain, {"instruction": "Greener 🌿", "strokes": [[1, 2]]})
    save_draft(one, chain, {"instruction": "Bluer"})
    assert (draft_of(one, chain), draft_of(other, chain)) == ({"instruction": "Bluer"}, {})
    save_draft(one, chain, {})
    assert draft_of(one, chain) == {}
    deep: list[object] = []
    for _level in range(100_000):
        deep = [deep]
    junk = ({"x": "y" * 500_000}, "too_large"), ({"x": "\0"}, "bad_draft"), ({"x": "\ud800"}, "bad_draft")
    for bad, code in (*junk, ({"x": deep}, "bad_draft")):
        with pytest.raises(InvalidRequest, match=code):
            save_draft(one, chain, bad)


def test_pictures_of_another_brand_and_stand_ins_begin_nothing(brand):
    with pytest.raises(InvalidRequest, match=r"request\.other_brand"):
        start_chain(OPERATOR, brand, factories.make_asset(factories.make_bare_brand()))
    with pytest.raises(InvalidRequest, match=r"step\.placeholder"):
        start_chain(OPERATOR, brand, factories.make_asset(brand, publishable=False))


# Stopping and trying again -----------------------------------------------------------------------------------------


def test_a_waiting_step_is_cancelled_uncharged_and_can_be_asked_again(chain, fake):
    step = ask(chain, work=False)
    cancel_step(OPERATOR, step)
    drain()
    step = EditStep.objects.select_related("job").get(pk=step.pk)
    assert (step.status, len(fake.charged())) == ("cancelled", 0)
    with pytest.raises(Conflict, match=r"chain\.step_over"):
        cancel_step(OPERATOR, step)
    retry_step(OPERATOR, step)
    drain()
    assert EditStep.objects.select_related("job").get(pk=step.pk).status == "ready"
    with pytest.raises(Conflict, match=r"chain\.step_over"):
        retry_step(OPERATOR, step)


def test_a_failed_step_keeps_its_place_and_its_second_try_fills_it(chain, fake):
    fake.script(faults=["truncated_png"])
    step = ask(chain, instruction="Greener", candidates=1)
    assert (step.status, [bool(one.asset) for one in step.candidates.all()]) == ("failed", [False])
    retry_step(OPERATOR, step)
    drain()
    step = EditStep.objects.select_related("job").get(pk=step.pk)
    assert step.status == "ready"
    assert [bool(one.asset) for one in step.candidates.all()] == [True]


def test_what_may_have_been_charged_is_not_sent_again(chain, fake):
    fake.script(faults=["server_500"])
    step = ask(chain)
    assert step.status == "unknown"
    with pytest.raises(Conflict, match=r"job\.unknown_outcome"):
        retry_step(OPERATOR, step)
    assert tree(OPERATOR, chain).most == step.job.estimate_micro_usd


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time, which proves nothing here")
def test_steps_that_are_asked_for_at_once_have_a_number_each(chain):
    def one():
        try:
            ask(chain, work=False)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(chain.steps.values_list("number", flat=True)) == list(range(1, 10))


def test_a_region_is_part_of_what_is_asked_again(chain):
    step = ask(chain, region=LEFT, work=False)
    assert step.order["region"] == list(LEFT)
    assert step.order["kind"] == "inpaint"
