"""An edit history rebuilt on another site from its archive alone, and archives that nobody should trust."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from image_studio import storage
from image_studio.exceptions import InvalidRequest, NotAllowed
from image_studio.models import Asset, Attempt, CheckResult, EditChain, Event, Job, Rendition
from image_studio.policy import Policy
from image_studio.wording import explain_error
from image_studio.workflow import chain_pack
from image_studio.workflow.chain_import import import_chain
from image_studio.workflow.chain_parsing import read_document
from image_studio.workflow.tree import tree
from tests import factories
from tests.workflow.chain_archives import (
    END,
    changed,
    counts,
    document,
    grown,
    members,
    packed,
    same,
    sum_of,
    upload,
    zipped,
)
from tests.workflow.chains import LEFT, OPERATOR, ask, chain_from, paid_site, picture

pytestmark = pytest.mark.django_db


@pytest.fixture
def fake(db, tmp_path, settings):
    with paid_site(settings, tmp_path) as server:
        yield server


@pytest.fixture
def brand(fake):
    return factories.make_brand()


@pytest.fixture
def elsewhere(settings, tmp_path):
    """Another site: a private folder that is empty, and a brand that has nothing."""

    def move():
        settings.MEDIA_ROOT = str(tmp_path / "elsewhere" / "media")
        return factories.make_brand()

    return move


#: An archive needs nothing of the site that wrote it: each is made once for all tests.
_made: dict[str, bytes] = {}


@pytest.fixture
def short(request):
    """The archive of a picture and one change of a part of it."""
    if "short" not in _made:
        chain = chain_from(upload(request.getfixturevalue("brand")))
        ask(chain, region=LEFT)
        _made["short"] = packed(chain)
    return _made["short"]


@pytest.fixture
def wide(request):
    """The archive of a history with three branches."""
    if "wide" not in _made:
        _made["wide"] = packed(grown(request.getfixturevalue("brand")))
    return _made["wide"]


def take(brand, data, policy=OPERATOR):
    return import_chain(policy, brand, data if hasattr(data, "read") else io.BytesIO(data))


def refused(brand, data, policy=OPERATOR):
    """The refusal of an archive, which leaves nothing behind."""
    before = counts()
    with pytest.raises(InvalidRequest) as error:
        take(brand, data, policy)
    assert counts() == before
    assert "{" not in explain_error(error.value).replace("{...}", "")
    return error.value


# The tree ----------------------------------------------------------------------------------------------------------


def test_a_history_with_three_branches_is_rebuilt_from_its_archive_alone(brand, elsewhere, fake):
    chain = grown(brand)
    first = packed(chain)
    before = shape(chain)
    charged = len(fake.charged())
    there = elsewhere()
    made = take(there, first).chain
    assert made.brand == there
    assert same(document(packed(made))) == same(document(first))
    assert {name: sum_of(data) for name, data in members(packed(made)).items() if name != "chain.json"} == {
        name: sum_of(data) for name, data in members(first).items() if name != "chain.json"
    }
    assert shape(made) == before
    assert len(fake.charged()) == charged
    assert not Job.objects.filter(brand=there).exists()


def shape(chain):
    """A tree as it is shown, out of the database."""
    found = tree(OPERATOR, EditChain.objects.get(pk=chain.pk))
    return [
        (
            *(node.number, node.step.parent_number, node.depth, node.children, node.status, node.code, node.is_head),
            *(node.step.kind, node.step.instruction, node.step.state, node.step.choice, node.step.reason),
            node.step.note,
            [(one.index, one.asset and one.asset.sha256, one.candidate.drift) for one in node.shown],
            [(one.candidate.micro_usd, one.candidate.paste) for one in node.shown],
        )
        for node in found.nodes
    ]


def test_a_history_with_three_branches_is_rebuilt_from_the_database_alone(brand):
    chain = grown(brand)
    found = tree(OPERATOR, EditChain.objects.get(pk=chain.pk))
    assert [(node.number, node.step.parent_number, node.status) for node in found.nodes] == [
        (1, None, "ready"),
        (2, 1, "ready"),
        (3, 2, "ready"),
        (4, 1, "ready"),
        (5, 1, "ready"),
        (6, 5, "ready"),
        (7, 1, "ready"),
        (8, 2, "blocked"),
    ]
    assert found.node(1).children == (2, 4, 5, 7)
    assert [node.number for node in found.path(6)] == [1, 5, 6]
    assert found.head.number == 5
    assert (found.node(3).step.state, found.node(3).step.choice) == ("chosen", 1)
    assert (found.node(4).step.state, found.node(4).step.reason) == ("rejected", "off_brand")


def test_an_imported_history_goes_on(wide, elsewhere, fake):
    made = take(elsewhere(), wide).chain
    step = ask(made, parent=2, region=LEFT, instruction="A blue bottle")
    found = step.candidates.get()
    assert (step.status, step.parent_number, step.number) == ("ready", 2, 9)
    assert found.paste["pasted"], found.paste
    before, after = picture(made.steps.get(number=2).candidates.get().asset), picture(found.asset)
    box = (500, 0, 640, 480)
    assert before.crop(box).tobytes() == after.crop(box).tobytes()
    again = ask(made, parent=1, mask=made.steps.get(number=5).order["mask"])
    assert again.candidates.get().paste["pasted"]


def test_what_is_kept_of_a_picture_is_its_bytes_words_and_lineage(wide, elsewhere):
    there = elsewhere()
    made = take(there, wide).chain
    source = made.source
    assert (source.title, source.tags, source.focal, source.expires_at) == ("a bottle", ["bottle"], (0.6, 0.4), END)
    assert (source.state, source.origin, source.kind, source.micro_usd) == ("candidate", "import", "raw", 0)
    one = made.steps.get(number=2).candidates.select_related("asset__parent", "raw").get()
    assert one.asset.parent == one.raw
    assert one.raw.parent == source
    assert one.asset.expires_at == END
    assert set(Asset.objects.filter(brand=there).values_list("state", "micro_usd")) == {("candidate", 0)}
    assert Rendition.objects.filter(asset=one.asset).count() == 2
    assert "bottle" in source.words


def test_costs_are_history_and_in_no_sum_of_this_site(wide, elsewhere):
    there = elsewhere()
    attempts = Attempt.objects.count()
    made = take(there, wide).chain
    assert tree(OPERATOR, made).micro_usd == 0
    assert Attempt.objects.count() == attempts
    assert not Asset.objects.filter(brand=there, micro_usd__gt=0).exists()
    assert made.steps.get(number=2).candidates.get().micro_usd > 0


def test_verdicts_of_another_site_judge_nothing_here(short, elsewhere):
    there = elsewhere()
    made = take(there, short).chain
    asset = made.steps.get(number=2).candidates.get().asset
    assert not CheckResult.objects.filter(asset__brand=there).exists()
    told = asset.recipe["imported"]["verdicts"]
    assert told
    assert {"check", "verdict", "rule", "reason"} <= set(told[0])


def test_a_second_import_gives_the_first(short, elsewhere):
    there = elsewhere()
    first = take(there, short)
    before = counts()
    again = take(there, short)
    assert (first.again, again.again, again.chain) == (False, True, first.chain)
    assert counts() == before
    repacked = zipped(members(short))
    assert take(there, repacked).chain == first.chain


def test_a_history_that_was_deleted_comes_in_again(short, elsewhere):
    there = elsewhere()
    first = take(there, short).chain
    EditChain.objects.filter(pk=first.pk).delete()
    again = take(there, short)
    assert not again.again
    assert again.chain != first
    assert take(there, short).again


def test_another_person_gets_a_history_of_their_own_on_the_same_pictures(short, elsewhere):
    there = elsewhere()
    first = take(there, short).chain
    pictures = Asset.objects.filter(brand=there).count()
    user = factories.make_user("creator", brand=there)
    other = take(there, short, Policy(user))
    assert other.chain != first
    assert other.chain.requested_by == user
    assert Asset.objects.filter(brand=there).count() == pictures
    own = factories.make_user("creator", brand=there, own_only=True)
    mine = take(there, short, Policy(own)).chain
    assert Policy(own).can("view", mine)
    assert {asset.created_by for asset in Asset.objects.filter(candidates__step__chain=mine)} == {own}


def test_pictures_that_are_there_already_are_reused(short, elsewhere):
    there = elsewhere()
    before = upload(there)
    made = take(there, short).chain
    assert made.source == before
    assert Event.objects.get(verb="chain.imported").data["reused"] == 1


def test_whose_it_was_is_told_and_whose_it_is_is_the_importers(short, elsewhere):
    there = elsewhere()
    user = factories.make_user("creator", brand=there, username="ines")
    made = take(there, changed(short, lambda plain: plain["steps"][1].update(who="the boss")), Policy(user)).chain
    assert set(made.steps.values_list("actor_label", flat=True)) == {"ines"}
    assert document(packed(made))["steps"][1]["who"] == "the boss"
    assert document(packed(made))["chain"]["imported"]["by"] == "ines"


def test_importing_needs_both_rights(short, elsewhere):
    there = elsewhere()
    for user in (
        factories.make_user("viewer", brand=there),
        factories.make_user("manager", brand=factories.make_brand()),
    ):
        with pytest.raises(NotAllowed):
            take(there, short, Policy(user))


def test_what_was_under_way_is_over_here(brand, elsewhere):
    chain = chain_from(upload(brand))
    ask(chain, region=LEFT, work=False)
    data = packed(chain)
    assert document(data)["steps"][1]["status"] == "waiting"
    step = take(elsewhere(), data).chain.steps.get(number=2)
    assert (step.status, step.fault[0]) == ("cancelled", "chain.left_unfinished")


def test_what_was_left_out_stays_named_in_the_tree(brand, elsewhere):
    chain = chain_from(upload(brand))
    step = ask(chain, region=LEFT)
    gone = step.candidates.get()
    storage.remove(storage.private(), gone.asset.file)
    data = packed(chain)
    made = take(elsewhere(), data).chain
    one = made.steps.get(number=2).candidates.get()
    assert one.asset is None
    assert one.raw is not None
    assert one.sha256 == gone.sha256


def test_a_closed_history_stays_closed_and_a_prompt_begins_one_too(short, elsewhere):
    there = elsewhere()
    made = take(there, changed(short, lambda plain: plain["chain"].update(state="closed"))).chain
    assert made.state == "closed"

    def begun(plain):
        plain["steps"] = plain["steps"][:1]
        plain["steps"][0].update(kind="generate", inputs=[], order={"kind": "generate", "instruction": "A cup"})

    again = take(there, changed(short, begun)).chain
    assert again.source is None
    assert again.steps.get().candidates.get().asset.source_type == "trainedAlgorithmicMedia"


# Provenance --------------------------------------------------------------------------------------------------------


def claims(key, **values):
    return lambda plain: plain["pictures"][key].update(values)


def test_an_archive_can_make_a_picture_more_artificial_and_never_less(short, elsewhere):
    there = elsewhere()

    def lies(plain):
        for row in plain["pictures"].values():
            row.update(source_type="digitalCapture", origin="upload", kind="raw")

    made = take(there, changed(short, lies)).chain
    one = made.steps.get(number=2).candidates.get()
    assert one.asset.source_type == "compositeWithTrainedAlgorithmicMedia"
    assert one.raw.source_type == "compositeWithTrainedAlgorithmicMedia"
    assert made.source.source_type == "digitalCapture"
    more = take(there, changed(short, claims("p1", source_type="trainedAlgorithmicMedia"))).chain
    assert more.source != made.source
    assert more.source.source_type == "trainedAlgorithmicMedia"


def test_a_picture_of_a_model_is_none_of_a_camera_under_another_key_either(short, elsewhere):
    plain = document(short)
    made = plain["pictures"][plain["steps"][1]["candidates"][0]["raw"]]

    def starts_with_it(plain):
        plain["pictures"]["p1"].update(
            {name: made[name] for name in ("file", "sha256")}, source_type="", origin="upload"
        )

    found = take(elsewhere(), changed(short, starts_with_it)).chain
    assert found.source.source_type == "compositeWithTrainedAlgorithmicMedia"


def test_a_crop_stays_the_photograph_that_it_is(brand, elsewhere):
    chain = chain_from(upload(brand))
    ask(chain, kind="extend", ratio="1:1", instruction="", route="reframe")
    data = packed(chain)
    assert document(data)["steps"][1]["made"]["provider"] == "previs"
    made = take(elsewhere(), data).chain
    term = made.steps.get(number=2).candidates.get().asset.source_type
    assert "Algorithmic" not in term


def test_what_the_bytes_say_is_never_talked_away(brand, elsewhere):
    trained = upload(brand, source_type="trainedAlgorithmicMedia")
    data = packed(chain_from(trained))
    made = take(elsewhere(), changed(data, claims("p1", source_type="digitalCapture"))).chain
    assert made.source.source_type == "trainedAlgorithmicMedia"


def test_rights_end_with_the_first_of_what_a_picture_was_made_from(wide, elsewhere):
    soon = datetime(2028, 1, 1, tzinfo=UTC)

    def forgets(plain):
        for key, row in plain["pictures"].items():
            row["rights"]["expires_at"] = soon.isoformat() if key == "p1" else None

    made = take(elsewhere(), changed(wide, forgets)).chain
    numbers = (2, 3, 5, 6, 7)
    ends = {one.asset.expires_at for n in numbers for one in made.steps.get(number=n).candidates.all()}
    assert ends == {soon}


def test_a_picture_that_may_be_used_longer_here_is_not_reused(wide, elsewhere):
    there = elsewhere()
    mine = upload(there)
    Asset.objects.filter(pk=mine.pk).update(expires_at=END + timedelta(days=1))
    made = take(there, wide).chain
    assert made.source != mine
    assert made.source.expires_at == END


def test_a_stand_in_stays_one(short, elsewhere):
    made = take(elsewhere(), changed(short, claims("p1", publishable=False))).chain
    assert not made.source.publishable


def test_an_alt_text_with_a_term_that_the_brand_never_says_is_refused(short, elsewhere):
    there = elsewhere()
    error = refused(there, changed(short, claims("p1", alt={"en": "A miracle"})))
    assert error.code == "asset.alt_term"


# Hostile archives --------------------------------------------------------------------------------------------------


def put(*path, value):
    def change(plain):
        for key in path[:-1]:
            plain = plain[key]
        plain[path[-1]] = value

    return change


def drop(*path):
    def change(plain):
        for key in path[:-1]:
            plain = plain[key]
        del plain[path[-1]]

    return change


def many(plain):
    step = plain["steps"][1]
    plain["steps"] += [
        {**step, "number": number, "candidates": [], "made": None, "order": {}} for number in range(3, 10_001)
    ]


STEP = ("steps", 1)
ONE = (*STEP, "candidates", 0)
HOSTILE = {
    "other format": (put("format", value="zip"), "chain_archive.other_format", ""),
    "other version": (put("version", value=2), "chain_archive.other_version", ""),
    "version as a flag": (put("version", value=True), "chain_archive.other_version", ""),
    "other currency": (put("currency", value="EUR"), "chain_archive.unknown", "currency"),
    "no steps": (put("steps", value=[]), "chain_archive.bad_value", "steps"),
    "steps are text": (put("steps", value="12"), "chain_archive.bad_value", "steps"),
    "10,000 steps": (many, "chain_archive.too_many", "steps"),
    "its own parent": (put(*STEP, "parent", value=2), "chain_archive.bad_value", "steps[1].parent"),
    "a later parent": (put(*STEP, "parent", value=7), "chain_archive.bad_value", "steps[1].parent"),
    "no parent": (put(*STEP, "parent", value=None), "chain_archive.bad_value", "steps[1].parent"),
    "a parent of the start": (put("steps", 0, "parent", value=1), "chain_archive.bad_value", "steps[0].parent"),
    "a number twice": (put(*STEP, "number", value=1), "chain_archive.bad_value", "steps[1].number"),
    "a gap": (put(*STEP, "number", value=3), "chain_archive.bad_value", "steps[1].number"),
    "a number as a fraction": (put(*STEP, "number", value=2.0), "chain_archive.bad_value", "steps[1].number"),
    "a huge number": (put(*STEP, "number", value=10**30), "chain_archive.bad_json", ""),
    "another start": (put(*STEP, "kind", value="start"), "chain_archive.bad_value", "steps[1].order.kind"),
    "an unknown kind": (put(*STEP, "kind", value="explode"), "chain_archive.unknown", "steps[1].kind"),
    "an order of another kind": (
        put(*STEP, "order", "kind", value="edit"),
        "chain_archive.bad_value",
        "steps[1].order.kind",
    ),
    "an unknown state": (put(*STEP, "state", value="approved"), "chain_archive.unknown", "steps[1].state"),
    "an unknown status": (put(*STEP, "status", value="sending"), "chain_archive.unknown", "steps[1].status"),
    "an unknown reason": (put(*STEP, "reason", value="because"), "chain_archive.unknown", "steps[1].reason"),
    "a choice of nothing": (put(*STEP, "state", value="chosen"), "chain_archive.bad_value", "steps[1].choice"),
    "a choice that is not there": (put("steps", 0, "choice", value=4), "chain_archive.bad_value", "steps[0].choice"),
    "a candidate of the parent that is not there": (
        put(*STEP, "parent_candidate", value=3),
        "chain_archive.bad_value",
        "steps[1].parent_candidate",
    ),
    "an unknown key": (put(*ONE, "picture", value="p99"), "chain_archive.no_such_key", "steps[1].candidates"),
    "grows from another picture": (
        put(*STEP, "inputs", 0, "picture", value="p2"),
        "chain_archive.bad_value",
        "steps[1].inputs",
    ),
    "a head that is not there": (put("chain", "head", value=9), "chain_archive.bad_value", "chain.head"),
    "a file elsewhere": (
        put("pictures", "p1", "file", value="../../etc/passwd"),
        "chain_archive.bad_value",
        "pictures.p1.file",
    ),
    "a sum that is none": (put("pictures", "p1", "sha256", value="x"), "chain_archive.bad_value", "pictures.p1.sha256"),
    "a term that is none": (
        put("pictures", "p1", "source_type", value="human"),
        "chain_archive.unknown",
        "pictures.p1.source_type",
    ),
    "a price below nothing": (
        put(*ONE, "micro_usd", value=-1),
        "chain_archive.bad_value",
        "steps[1].candidates[0].micro_usd",
    ),
    "no drift": (drop(*ONE, "drift", "share"), "chain_archive.bad_value", "steps[1].candidates[0].drift.share"),
    "drift in words": (
        put(*ONE, "drift", "share", value="much"),
        "chain_archive.bad_value",
        "steps[1].candidates[0].drift.share",
    ),
    "a NUL": (put("chain", "title", value="a\0b"), "chain_archive.bad_json", ""),
    "half of a surrogate pair": (put("chain", "title", value="\ud800"), "chain_archive.bad_json", ""),
    "half of a pair as a key": (put("pictures", "\udfff", value={}), "chain_archive.bad_json", ""),
    "a long title": (put("chain", "title", value="x" * 201), "chain_archive.bad_value", "chain.title"),
    "a long instruction": (
        put(*STEP, "instruction", value="x" * 20_000),
        "chain_archive.bad_value",
        "steps[1].instruction",
    ),
    "rights in no time zone": (
        put("pictures", "p1", "rights", "expires_at", value="2030-01-01"),
        "chain_archive.bad_value",
        "pictures.p1.rights.expires_at",
    ),
    "a locale that is none": (put("pictures", "p1", "alt", value={"<b>": "x"}), "request.unknown_locale", ""),
    "polygons without end": (
        put(*STEP, "order", "polygons", value=[[[0, 0]] * 20_001]),
        "chain_archive.too_many",
        "steps[1].order.polygons.points",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_document_that_does_not_hold_is_refused_by_the_place(short, elsewhere, name):
    change, code, place = HOSTILE[name]
    error = refused(elsewhere(), changed(short, change))
    assert error.code == code
    if place:
        assert place in (error.params.get("place"), error.params.get("what"))


def with_document(data, text):
    return zipped({**members(data), "chain.json": text})


DOCUMENTS = {
    "nothing": b"",
    "no json": b"{",
    "a list": b"[]",
    "not utf-8": b'{"format": "\xff"}',
    "deep": b'{"a": ' * 100_000,
    "deep and whole": b'{"format": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "levels": b'{"format": ' + b"[" * 40 + b"]" * 40 + b"}",
    "a key twice": b'{"format": "image_studio.chain", "format": "image_studio.chain"}',
    "no number": b'{"format": NaN}',
    "digits": b'{"format": ' + b"9" * 10_000 + b"}",
    "infinite": b'{"format": 1e999}',
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_that_is_none_is_refused(short, elsewhere, name):
    error = refused(elsewhere(), with_document(short, DOCUMENTS[name]))
    assert error.code == "chain_archive.bad_json"


def test_a_missing_file_is_named(short, elsewhere):
    inside = members(short)
    name = document(short)["pictures"]["p3"]["file"]
    del inside[name]
    error = refused(elsewhere(), zipped(inside))
    assert (error.code, error.params["name"]) == ("chain_archive.missing_file", name)


def test_a_file_with_other_bytes_is_named(short, elsewhere):
    inside = members(short)
    name = document(short)["pictures"]["p3"]["file"]
    inside[name] += b"\0"
    error = refused(elsewhere(), zipped(inside))
    assert (error.code, error.params["name"]) == ("chain_archive.wrong_sum", name)


def test_what_is_no_picture_is_named_and_its_fault_told(short, elsewhere):
    data = b"<svg onload='alert(1)'/>"
    name = f"files/{sum_of(data)}.png"
    claim = claims("p3", file=name, sha256=sum_of(data))
    error = refused(elsewhere(), changed(short, claim, **{name: data}))
    assert (error.code, error.params["name"]) == ("chain_archive.bad_file", name)


def test_a_mask_of_another_size_is_refused(wide, elsewhere):
    error = refused(elsewhere(), changed(wide, put("files", "f1", "width", value=641)))
    assert error.code == "chain_archive.bad_file"


def test_masks_and_heat_maps_are_written_anew_from_their_pixels(short, elsewhere):
    plain = document(short)
    heat = Image.open(io.BytesIO(members(short)[plain["steps"][1]["candidates"][0]["heat"]["file"]]))
    target, words = io.BytesIO(), PngInfo()
    words.add_text("Where", "<script>52.5 N, 13.4 E</script>")
    heat.save(target, "PNG", pnginfo=words)
    dirty = target.getvalue() + b"<script>"
    name = f"files/{sum_of(dirty)}.png"
    change = put(*ONE, "heat", value={"file": name, "sha256": sum_of(dirty), "width": 1, "height": 1})
    made = take(elsewhere(), changed(short, change, **{name: dirty})).chain
    row = Rendition.objects.get(asset=made.steps.get(number=2).candidates.get().asset, spec="drift")
    kept = storage.read(storage.private(), row.file, row.sha256)
    assert b"script" not in kept


NAMES = ["../chain.json", "/etc/passwd", "files/../../x", "C:x", "files\\x", "a/\x07b", "con/./x"]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_climb_out_are_refused(short, elsewhere, name):
    error = refused(elsewhere(), zipped({**members(short), name: b"x"}))
    assert error.code == "chain_archive.bad_name"


def test_a_name_twice_is_refused(short, elsewhere):
    target = io.BytesIO(short)
    with zipfile.ZipFile(target, "a") as opened, pytest.warns(UserWarning, match="Duplicate"):
        opened.writestr("chain.json", b"{}")
    target.seek(0)
    assert refused(elsewhere(), target).code == "chain_archive.bad_name"


def test_a_bomb_is_refused_before_it_is_unpacked(short, elsewhere, monkeypatch):
    there = elsewhere()
    inside = {**members(short)}
    name = document(short)["pictures"]["p3"]["file"]
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as opened:
        for one, data in inside.items():
            opened.writestr(one, bytes(60_000_000) if one == name else data)
    target.seek(0)
    error = refused(there, target)
    assert (error.code, error.params["name"]) == ("chain_archive.too_large", name)
    monkeypatch.setattr(chain_pack, "MOST_TOTAL", 50_000)
    assert refused(there, short).code == "chain_archive.too_large"
    monkeypatch.setattr(chain_pack, "MOST_FILES", 2)
    assert refused(there, short).code in ("chain_archive.too_many", "chain_archive.too_large")


@pytest.mark.parametrize("data", [b"", b"PK", b"not a zip", b"PK\x05\x06" + bytes(18), b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_archive_is_refused(brand, data):
    assert refused(brand, data).code in ("chain_archive.broken", "chain_archive.no_document")


def test_an_archive_with_a_directory_of_a_million_names_is_not_even_opened(brand):
    end = b"PK\x05\x06" + bytes(8) + (100_000_000).to_bytes(4, "little") + bytes(6)
    assert refused(brand, end).code == "chain_archive.too_large"


def test_a_folder_inside_the_archive_and_what_a_mac_adds_are_fine(short, elsewhere):
    inside = {f"Autumn/{name}": data for name, data in members(short).items()}
    made = take(elsewhere(), zipped({**inside, "__MACOSX/._chain.json": b"x", "Autumn/.DS_Store": b"x"}))
    assert made.chain.length == 2


def test_a_link_out_of_a_folder_is_no_file(short, elsewhere, tmp_path):
    there = elsewhere()
    folder = tmp_path / "in"
    for name, data in members(short).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    path = folder / document(short)["pictures"]["p3"]["file"]
    path.rename(tmp_path / "outside.png")
    path.symlink_to(tmp_path / "outside.png")
    with pytest.raises(InvalidRequest, match=r"chain_archive\.missing_file"):
        import_chain(OPERATOR, there, folder)


def test_a_full_disk_leaves_nothing(short, elsewhere, monkeypatch):
    there = elsewhere()
    written = []
    real = storage.write

    def full(store, name, data):
        if len(written) == 4:
            raise storage.failed(OSError(28, "No space left on device"), name, "storage.write_failed")
        written.append(name)
        return real(store, name, data)

    monkeypatch.setattr(storage, "write", full)
    before = counts()
    with pytest.raises(OSError, match=r"storage\.full"):
        take(there, short)
    assert counts() == before


def test_a_failure_between_the_rows_leaves_nothing(short, elsewhere, monkeypatch):
    there = elsewhere()
    before = counts()
    monkeypatch.setattr(Event.objects.__class__, "record_all", lambda *a, **k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        take(there, short)
    assert counts() == before


@hypothesis_settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_archive_is_read_or_refused(short, data):
    broken = bytearray(short)
    tail = len(broken) - 700
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.one_of(st.integers(tail, len(broken) - 1), st.integers(0, len(broken) - 1)))
        broken[place] = data.draw(st.integers(0, 255))
    kept = io.BytesIO(bytes(broken[: data.draw(st.integers(len(broken) - 30, len(broken)))]))
    said = "chain_archive.read"
    try:
        with chain_pack.opened(kept) as pack:
            found = read_document(pack.read("chain.json", 1_000_000))
            assert {len(pack.read(doc.file, 10_000_000)) > 0 for doc in found.pictures.values()} == {True}
    except InvalidRequest as error:
        said = error.code
    assert said.startswith("chain_archive.")


@hypothesis_settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_value_in_any_place_is_read_or_refused(sample, data):
    plain = json.loads(sample)
    values = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=20),
        st.lists(st.integers(), max_size=5),
        st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
    )
    for _ in range(data.draw(st.integers(1, 3))):
        spot, key = data.draw(st.sampled_from(list(spots(plain))))
        spot[key] = data.draw(values)
    try:
        found = read_document(json.dumps(plain).encode())
    except InvalidRequest as error:
        said = error.code
    else:
        said = "chain_archive." if len(found.steps) == len(plain["steps"]) else "other"
    assert said.startswith("chain_archive.")


def spots(found):
    pairs = found.items() if isinstance(found, dict) else enumerate(found)
    for key, value in pairs:
        yield found, key
        if isinstance(value, (dict, list)):
            yield from spots(value)


@pytest.fixture
def sample(wide):
    return members(wide)["chain.json"].decode()
