"""Schemathesis against the running API: every operation of its document, by who may and by who may not.

All its checks, with one seed. The judge is the API and not the database, so PostgreSQL alone will do.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
from django.core.cache import cache
from django.core.servers.basehttp import WSGIRequestHandler
from django.db import connection, connections

from image_studio import models, testing
from image_studio.api.document import document
from tests.rights import world as worlds

pytestmark = [
    pytest.mark.services,
    pytest.mark.long,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="Schemathesis judges the API once, on PostgreSQL"),
]

SEED = "20260501"
#: Who asks -> (phases, examples an operation). The brand's owner gets everything, chains of requests too.
WHO = {
    "manager": ("examples,coverage,fuzzing,stateful", 6),
    "rival": ("examples,coverage,fuzzing", 2),
    "viewer": ("examples,coverage,fuzzing", 2),
    "anonymous": ("examples,coverage,fuzzing", 2),
}
#: What a JSON schema cannot say, and which operations answer 422 to for it. All others take what the document says.
REFUSALS = {
    "a cursor is one of this list": (
        *("listAssets", "listRenditions", "listVerdicts", "listReviews", "listPublished", "listBrands"),
        *("listBrandRevisions", "listChannels", "listPrompts", "listPromptVersions", "listVariantSets", "listCells"),
        *("listJobs", "listJobEvents", "listChains", "listSteps", "listRecipes"),
        *("listUnknowns", "listBudgets", "listLedger"),
    ),
    "random bytes are no picture, and no chain": ("uploadAsset", "importChain"),
    "a language is one of the brand's": ("changeAsset",),
    "a region lies inside the picture, and a signature has every point": ("reviewAsset",),
    "the picture has alt texts by then": ("publishAsset",),
    "a template's places are its variables, a label is of a version": (
        *("createPrompt", "changePrompt", "addPromptVersion", "previewPrompt"),
    ),
    "channels, routes and prompts are there, and the picture can be bought": (
        *("previewVariantSet", "createVariantSet", "estimatePrice"),
    ),
    "a step fits its picture and its route, and names what is there": (
        *("createChain", "createStep", "previewStep", "changeThis", "previewChange", "createMask"),
    ),
    "a step has what is decided of it, and its chain has it": (
        *("moveHead", "forkChain", "chooseCandidate", "rejectStep", "undecideStep", "takeStep", "createRecipe"),
    ),
    "a recipe fits the pictures and routes": ("previewReplay", "replayRecipe", "replayChain"),
    "a successor is a picture that is there": ("replaceAsset", "previewReplace"),
    "a name is more than blanks": ("changeChain",),
    "a key is not used for another request": (
        *("retryVariantSet", "recomposeVariantSet", "retryCell", "retryJob", "finishCell", "retryStep", "resendJob"),
    ),
    "the first day is not after the last": ("getUsage", "downloadLedger"),
    "a warning comes before the limit, and somebody is there": ("createBudget", "changeBudget"),
    "a correction is more than nothing": ("correctSpending",),
    "a call has one bill": ("writeOffJob",),
    "a reason has more than what nobody sees": ("stopSpending",),
}
TAKEN = ["2xx", "3xx", "401", "403", "404", "409", "429"]
#: How a table's rows belong to a brand.
OF_A_BRAND = {
    models.Asset: "brand",
    models.Rendition: "asset__brand",
    models.CheckResult: "asset__brand",
    models.Review: "asset__brand",
    models.Prompt: "brand",
    models.PromptVersion: "prompt__brand",
    models.VariantSet: "brand",
    models.Variant: "variant_set__brand",
    models.Job: "brand",
    models.JobOutput: "job__brand",
    models.Attempt: "job__brand",
    models.EditChain: "brand",
    models.EditStep: "chain__brand",
    models.EditFile: "chain__brand",
    models.EditRecipe: "brand",
    models.Replay: "brand",
    models.Budget: "brand",
    models.Switch: "brand",
}


@pytest.fixture
def world(transactional_db, settings, tmp_path, monkeypatch):
    """Two brands with one of everything, and a provider that costs money."""
    settings.MEDIA_ROOT = str(tmp_path / "files" / "media")
    settings.IMAGE_STUDIO = {
        "DOORBELL": "poll",
        "PIXEL_THREADS": 1,
        "API_DOCS": True,
        # Nobody works here, and what waits has waited for ever.
        "QUEUE_AGE_SECONDS": 1e10,
        "API_RATES": dict.fromkeys(("read", "write", "upload", "spend", "published"), ""),
        **testing.fake_settings(ledger=tmp_path / "ledger.jsonl"),
    }
    # Head and body of an answer are two writes: with Nagle's algorithm each waits 40 ms for the client to say so.
    monkeypatch.setattr(WSGIRequestHandler, "disable_nagle_algorithm", True)
    # A thread of the server keeps its connection to the database as long as the client keeps the one to it.
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", None)
    cache.clear()
    return worlds.build()


def settings_of(north):
    """Schemathesis's TOML: real ids and names, so that most of what is asked is asked of a thing that is there."""
    known = {
        "asset": [str(north.things[name].pk) for name in worlds.PICTURES],
        "set": [str(north.set.pk), str(north.other_set.pk)],
        "cell": [str(one.pk) for one in (north.ready, north.working, north.failed, north.other_cell)],
        "job": [str(one.pk) for one in (north.working_job, north.failed_job, north.waiting, north.doubtful_job)],
        "budget": [str(north.budget.pk)],
        "prompt": [str(north.prompt.pk)],
        "brand": [north.brand.slug],
        "channel": list(worlds.CHANNELS),
        "locale": ["en", "ar"],
        "route": ["fake", "placeholder", "reframe"],
        "chain": [str(north.chain.pk)],
        "file": [str(north.edit_file.pk)],
        "recipe": [str(north.recipe.pk)],
        "replay": [str(north.replay.pk)],
        "number": [1, 2, 3, 4, 5],
    }
    of_paths = ("asset", "set", "cell", "job", "prompt", "chain", "file", "recipe", "replay", "budget")
    places = {f"path.{name}_id": name for name in of_paths} | {"path.number": "number"}
    places |= {"body.brand": "brand", "body.channels[*]": "channel", "body.locales[*]": "locale"}
    places |= {"body.prompt": "prompt", "body.source": "asset", "body.route": "route", "body.asset": "asset"}
    places |= {"body.successor": "asset"}
    places |= {"body.assets[*]": "asset", "body.step": "number", "body.seen": "number"}
    lines = [f"[dictionaries.{name}]\nvalues = {json.dumps(values)}" for name, values in known.items()]
    lines += ["[parameters]", *(_bound(place, name) for place, name in places.items())]
    for noun in ("brand", "channel"):
        lines += ["[[operations]]", f'include-path-regex = "^/v1/{noun}s/"']
        lines += ["[operations.parameters]", _bound("path.slug", noun)]
    for names in REFUSALS.values():
        lines += ["[[operations]]", f"include-operation-id = {json.dumps(names)}"]
        lines += ["[operations.checks.positive_data_acceptance]", f"expected-statuses = {json.dumps([*TAKEN, '422'])}"]
    # A NUL is JSON and no text that a database keeps: it answers 400, and tests.api.test_bodies sends them.
    lines += ["[generation]", "allow-x00 = false", "[phases.stateful]", "max-steps = 5"]
    return "\n".join(lines)


def _bound(place, name):
    return f'"{place}" = {{ dictionary = "{name}", probability = 0.8 }}'


def judge(who, world, url, folder):
    """Run it as a person of the world; its report is the failure's text."""
    phases, examples = WHO[who]
    token = world.programs[who].defaults.get("HTTP_AUTHORIZATION")
    (folder / "schemathesis.toml").write_text(settings_of(world.north), "utf-8")
    run = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml", "run"),
            *(f"{url}/studio/v1/schema/", "--checks", "all", "--phases", phases, "--max-examples", str(examples)),
            *("--seed", SEED, "--generation-database", "none", "--no-color", "--continue-on-failure"),
            *(("--header", f"Authorization: {token}") if token else ()),
        ],
        cwd=folder,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr[-4000:]
    assert re.search(r"Tested: (\d+)", run.stdout)[1] == str(sum(map(len, document()["paths"].values())))


def rows_of(brand):
    """Every row of a brand."""
    return {
        model.__name__: sorted(map(repr, model._base_manager.filter(**{path: brand}).values_list()))
        for model, path in OF_A_BRAND.items()
    }


def test_the_owner_finds_nothing_wrong(world, live_server, tmp_path):
    before = rows_of(world.north.brand)
    judge("manager", world, live_server.url, tmp_path)
    # It got through: pictures were decided on, words written, work cancelled.
    after = rows_of(world.north.brand)
    assert {"Asset", "Prompt", "Job"} <= {name for name in before if before[name] != after[name]}


@pytest.mark.parametrize("who", ["rival", "viewer", "anonymous"])
def test_who_may_not_finds_nothing_wrong_and_changes_and_spends_nothing(world, live_server, tmp_path, who):
    everything, before = worlds.snapshot(), rows_of(world.north.brand)
    judge(who, world, live_server.url, tmp_path)
    assert rows_of(world.north.brand) == before
    if who != "rival":  # who has a brand of their own, to work in
        assert worlds.difference(everything, worlds.snapshot()) == {}
    assert testing.charges(tmp_path / "ledger.jsonl") == []
