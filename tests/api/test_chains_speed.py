"""A chain of two hundred steps: as many queries as one of two, and light; the same of the lists beside it."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from image_studio.models import EditCandidate, EditChain, EditRecipe, EditStep, Job, Replay
from image_studio.workflow.chains import begun, start_chain
from image_studio.workflow.recipes import save_recipe
from tests import factories
from tests.workflow.chains import OPERATOR

pytestmark = pytest.mark.django_db
#: Longer than what a tree shows of it.
WORDS = "Make the bottle green and leave all the rest of the picture as it is. " * 5
LIGHT = 200_000


@pytest.fixture
def mara(as_role):
    return as_role("manager")


@pytest.fixture
def asset(brand):
    return factories.make_asset(brand, (64, 48))


@pytest.fixture
def chain(brand, asset):
    return start_chain(OPERATOR, brand, asset)


def grow(chain, to):
    """Steps up to a number, as they are when they are done: bought, of two candidates, with long words."""
    first = chain.steps.count() + 1
    rows, jobs = [], []
    for number in range(first, to + 1):
        jobs.append(
            Job(
                kind="picture",
                brand=chain.brand,
                revision=chain.brand.revision,
                provider="openai",
                route="standard",
                model="gpt-image-2",
                request={"prompt": WORDS},
                digest=f"{number:064}",
                state="done",
                cost_micro_usd=123_456,
                estimate_micro_usd=234_567,
                available_at=chain.touched_at,
            )
        )
        rows.append(
            EditStep(
                chain=chain,
                number=number,
                parent_number=max(1, number - 1 - number % 3),
                parent_candidate=0,
                kind="inpaint",
                instruction=WORDS,
                order={"kind": "inpaint", "instruction": WORDS, "region": [0.1, 0.2, 0.3, 0.4]},
                route="standard",
                job=jobs[-1],
                state="chosen",
                choice=1,
                actor_label="mara.editor@example.com",
            )
        )
    Job.objects.bulk_create(jobs)
    EditStep.objects.bulk_create(rows)
    EditCandidate.objects.bulk_create(
        EditCandidate(
            step=row,
            index=index,
            asset=chain.source,
            raw=chain.source,
            width=1536,
            height=1024,
            paste={"pasted": True, "feather": 12},
            drift={"share": 0.0123, "raw": {"share": 0.5}},
        )
        for row in rows
        for index in range(2)
    )
    EditChain.objects.filter(pk=chain.pk).update(length=to)


def asked(client, paths):
    """How many queries each takes, and the last answer."""
    counts = []
    for path in paths:
        with CaptureQueriesContext(connection) as found:
            answer = client.ask("GET", path, status=200)
        counts.append(len(found))
    return counts, answer.content


def test_two_hundred_steps_are_as_many_queries_as_two_and_light(mara, chain):
    path = f"chains/{chain.pk}/"
    paths = (f"{path}steps/?limit=100", f"{path}steps/2/", f"{path}events/", "chains/", path)
    grow(chain, 2)
    asked(mara, paths)
    few, _body = asked(mara, paths)
    grow(chain, 200)
    many, body = asked(mara, paths)
    assert many == few
    assert max(few) <= 10
    assert len(json.loads(body)["steps"]) == 200
    assert len(body) < LIGHT


def test_a_hundred_chains_of_a_replay_are_as_many_queries_as_one(mara, brand, asset, chain):
    grow(chain, 3)
    recipe = save_recipe(OPERATOR, chain.steps.get(number=3), "Green")
    replay = Replay.objects.create(brand=brand, recipe=recipe, title="Green", digest="0" * 64, actor_label="mara")
    paths = (f"replays/{replay.pk}/",)
    counts = []
    for chains in (1, 100):
        for _number in range(replay.chains.count(), chains):
            grow(begun(OPERATOR, brand, asset, replay=replay), 3)
        asked(mara, paths)
        found, body = asked(mara, paths)
        counts.append(found)
    assert counts[0] == counts[1]
    told = json.loads(body)
    assert (told["chains_total"], told["chains_ready"], told["active"]) == (100, 100, False)
    assert told["micro_usd"] == 200 * 123_456
    assert {row["asset"] for row in told["chains"]} == {str(asset.pk)}


def test_recipes_are_listed_by_the_page(mara, brand):
    rows = [EditRecipe(brand=brand, name=f"Recipe {number}", actor_label="mara") for number in range(60)]
    EditRecipe.objects.bulk_create(rows[:1])
    few, _body = asked(mara, ("recipes/",))
    EditRecipe.objects.bulk_create(rows[1:])
    many, body = asked(mara, ("recipes/",))
    assert many == few
    assert len(json.loads(body)["results"]) == 50
