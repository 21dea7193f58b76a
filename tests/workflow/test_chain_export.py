"""An edit history as JSON and files: what is in it, who gets what, and that it is the same every time."""

from __future__ import annotations

import json

import pytest
from django.utils import translation

from image_studio import storage
from image_studio.exceptions import NotAllowed
from image_studio.imaging.decode import decode
from image_studio.models import Asset, EditCandidate
from image_studio.policy import Policy
from image_studio.workflow.chain_export import export_chain_to
from tests import factories
from tests.workflow.chain_archives import SIZE, document, grown, members, packed, sum_of, upload
from tests.workflow.chains import LEFT, OPERATOR, ask, chain_from, paid_site

pytestmark = pytest.mark.django_db


@pytest.fixture
def brand(db, tmp_path, settings):
    with paid_site(settings, tmp_path):
        yield factories.make_brand()


@pytest.fixture
def chain(brand):
    return grown(brand)


@pytest.fixture
def short(brand):
    """A picture and one change of a part of it."""
    chain = chain_from(upload(brand))
    ask(chain, region=LEFT)
    chain.refresh_from_db()
    return chain


def test_every_file_is_there_once_under_its_sum_and_every_named_one_is_there(chain):
    inside = members(packed(chain))
    plain = json.loads(inside.pop("chain.json"))
    assert {name.split("/")[1].split(".")[0]: name for name in inside} == {
        sum_of(data): name for name, data in inside.items()
    }
    named = [row["file"] for part in ("pictures", "files") for row in plain[part].values()]
    named += [one["heat"]["file"] for step in plain["steps"] for one in step["candidates"] if one["heat"]]
    assert set(named) == set(inside)
    assert plain["left_out"] == []


def test_a_step_says_how_it_was_made_and_what_it_cost(short):
    step = short.steps.get(number=2)
    row = document(packed(short))["steps"][1]
    made, attempt = row["made"], row["made"]["attempts"][0]
    assert (made["prompt"], made["model"], made["size"]) == (
        step.job.request["prompt"],
        step.job.model,
        step.job.request["size"],
    )
    assert made["cost_micro_usd"] == step.job.cost_micro_usd > 0
    assert attempt["request_id"]
    assert attempt["usage"]
    assert row["candidates"][0]["micro_usd"] == step.job.cost_micro_usd
    assert (document(packed(short))["currency"], document(packed(short))["unit"]) == ("USD", "micro_usd")
    assert "user_key" not in json.dumps(made)


def test_pictures_are_byte_for_byte_the_answer_below_the_pasted_one_too(short):
    plain, inside = document(packed(short)), members(packed(short))
    one = EditCandidate.objects.get(step__number=2)
    row = plain["steps"][1]["candidates"][0]
    for key, asset in ((row["picture"], one.asset), (row["raw"], one.raw)):
        stored = storage.read(storage.private(), asset.file, asset.sha256)
        assert inside[plain["pictures"][key]["file"]] == stored
    assert row["picture"] != row["raw"]
    assert plain["pictures"][row["picture"]]["verdicts"]
    assert {"rule", "score", "kind", "reason"} <= set(plain["pictures"][row["picture"]]["verdicts"][0])


def test_the_same_history_gives_the_same_bytes_in_any_language(short):
    first = packed(short)
    with translation.override("de"):
        assert packed(short) == first


def test_a_folder_has_the_same_files(short, tmp_path):
    assert export_chain_to(OPERATOR, short, tmp_path / "out").pictures == 3
    found = {
        path.relative_to(tmp_path / "out").as_posix(): path.read_bytes()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    }
    assert found == members(packed(short))


def test_what_a_client_uploaded_goes_out_cleaned_to_who_may_not_fetch_originals(brand, short):
    viewer = Policy(factories.make_user("viewer", brand=brand))
    inside = members(packed(short, viewer))
    plain = json.loads(inside["chain.json"])
    source = Asset.objects.get(origin="upload")
    row = plain["pictures"]["p1"]
    assert row["copy_of"] == source.sha256 != row["sha256"]
    assert source.sha256 not in inside
    copy = decode(inside[row["file"]])
    assert copy.size == SIZE
    assert copy.source_type == "digitalCapture"
    manager = Policy(factories.make_user("manager", brand=brand))
    assert document(packed(short, manager))["pictures"]["p1"]["sha256"] == source.sha256


def test_who_sees_only_own_things_gets_only_own_histories(brand, short):
    other = Policy(factories.make_user("creator", brand=brand, own_only=True))
    with pytest.raises(NotAllowed):
        packed(short, other)
    with pytest.raises(NotAllowed):
        packed(short, Policy(factories.make_user()))


def test_pictures_that_the_person_may_not_see_are_left_out_and_named(brand):
    user = factories.make_user("creator", brand=brand, own_only=True)
    chain = chain_from(upload(brand, policy=Policy(user)), Policy(user))
    foreign = ask(chain, region=LEFT)
    Asset.objects.exclude(origin="upload").update(created_by=None, requested_by=None)
    plain = document(packed(chain, Policy(user)))
    row = plain["steps"][1]["candidates"][0]
    assert (row["picture"], row["raw"], row["sha256"]) == (None, None, "")
    assert {(line["step"], line["what"], line["why"]) for line in plain["left_out"]} == {
        (2, "picture", "hidden"),
        (2, "raw", "hidden"),
    }
    assert foreign.candidates.get().sha256 not in json.dumps(plain)


def test_a_picture_whose_file_is_gone_is_left_out_and_named(short):
    raw = EditCandidate.objects.get(step__number=2).raw
    storage.remove(storage.private(), raw.file)
    plain = document(packed(short))
    assert plain["left_out"] == [{"step": 2, "candidate": 0, "what": "raw", "why": "unreadable"}]
    assert plain["steps"][1]["candidates"][0]["picture"]


def test_a_longer_history_asks_the_database_no_more(chain, django_assert_max_num_queries):
    with django_assert_max_num_queries(9):
        assert len(document(packed(chain))["steps"]) == 8
