"""Masks, drawings, recipes, replays and *Change this* over the API."""

# ruff: noqa: F811 fixtures and the arguments that are given them have one name

from __future__ import annotations

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from image_studio.models import EditChain, EditFile, EditRecipe, EditStep, Job, Replay
from image_studio.runner import drain
from image_studio.workflow import change_this
from tests import factories
from tests.api.conftest import is_problem
from tests.api.edits import GREEN, SIZE, ask, brand, chain, fake, keyed, mara, source, step  # noqa: F401 fixtures
from tests.api.work import NOWHERE, fresh_key, matrix, order
from tests.workflow.chains import LEFT, OPERATOR

pytestmark = pytest.mark.django_db(transaction=True)


def painted(size=SIZE, box=(100, 100, 300, 300), colour=(255, 0, 0, 255), ground=(0, 0, 0, 0), name="mask.png"):
    image = Image.new("RGBA", size, ground)
    if box:
        factories.ImageDraw.Draw(image).rectangle(box, fill=colour)
    return SimpleUploadedFile(name, factories.encoded(image), "image/png")


def masks(chain):
    return f"chains/{chain['id']}/masks/"


# Masks -------------------------------------------------------------------------------------------------------------


def test_a_painted_mask_is_kept_and_sent_as_it_is(mara, chain):
    told = mara.upload(masks(chain), {"file": painted(), "step": 1, "reads": "painted"}, status=201)
    row = told.json()
    assert told["Location"] == row["url"]
    assert row["share"] == pytest.approx(201 * 201 / (SIZE[0] * SIZE[1]), abs=0.001)
    assert row["bounds"] == pytest.approx([100 / 640, 100 / 480, 201 / 640, 201 / 480], abs=0.001)
    file = mara.ask("GET", row["url"], status=200)
    assert (file["Content-Type"], file["X-Content-Type-Options"]) == ("image/png", "nosniff")
    assert "sandbox" in file["Content-Security-Policy"]
    alpha = Image.open(io.BytesIO(file.content)).getchannel("A")
    assert (alpha.size, alpha.getpixel((200, 200)), alpha.getpixel((5, 5))) == (SIZE, 0, 255)
    assert mara.ask("GET", row["url"], if_none_match=file["ETag"]).status_code == 304
    ask(mara, chain, mask=row["id"])
    found = step(mara, chain, 2)
    assert (found["kind"], found["candidates"][0]["pasted"]) == ("inpaint", True)


@pytest.mark.parametrize(
    "told",
    [{"region": LEFT}, {"polygons": [[[0.1, 0.1], [0.5, 0.1], [0.1, 0.5]], [[0.6, 0.6], [0.9, 0.6], [0.6, 0.9]]]}],
)
def test_a_mask_is_told_in_fractions(mara, chain, told):
    row = mara.say(masks(chain), told, status=201)
    assert (row["role"], row["width"], row["height"]) == ("mask", *SIZE)
    assert 0 < row["share"] < 0.5
    ask(mara, chain, mask=row["id"])
    assert step(mara, chain, 2)["status"] == "ready"


def test_a_drawing_goes_over_the_picture(mara, chain):
    row = mara.upload(masks(chain), {"file": painted(), "role": "markup"}, status=201).json()
    assert (row["role"], row["share"], row["bounds"]) == ("markup", None, None)
    ask(mara, chain, kind="markup", markup=row["id"], route="hinted")
    assert step(mara, chain, 2)["order"]["markup"] == row["id"]


WHITE = SimpleUploadedFile("white.png", factories.encoded(Image.new("L", SIZE, 255)), "image/png")
PHOTO = SimpleUploadedFile("photo.png", factories.encoded(factories.draw_photo(SIZE)), "image/png")
SMALL = painted((320, 240), (10, 10, 99, 99))
BAD_MASKS = {
    "another shape": ({"file": painted((500, 500)), "reads": "painted"}, 422, "mask.other_ratio", "640x480"),
    "another size": ({"file": SMALL, "reads": "painted"}, 422, "mask.other_size", "640x480"),
    "empty": ({"file": painted(box=None), "reads": "painted"}, 422, "mask.empty", "nothing"),
    "full": ({"file": WHITE, "reads": "white"}, 422, "mask.full", "."),
    "a photograph": ({"file": PHOTO}, 422, "mask.no_alpha", "."),
    "a photograph for black and white": ({"file": PHOTO, "reads": "white"}, 422, "mask.not_a_mask", "."),
    "no picture": ({"file": SimpleUploadedFile("a.png", b"Dear all")}, 422, "image.not_accepted", "."),
    "no file": ({"reads": "painted"}, 400, "request.invalid", ""),
    "another way to read": ({"file": painted(), "reads": "green"}, 400, "request.invalid", ""),
    "a huge step": ({"file": painted(), "step": "9" * 30}, 400, "request.invalid", ""),
    "a drawing of nothing": ({"file": painted(box=None), "role": "markup"}, 422, "markup.empty", "."),
    "a drawing of another size": ({"file": painted((500, 500)), "role": "markup"}, 422, "markup.other_size", "640x480"),
}


@pytest.mark.parametrize(("form", "status", "code", "words"), BAD_MASKS.values(), ids=BAD_MASKS)
def test_masks_that_will_not_do_are_refused_with_words(mara, chain, form, status, code, words):
    if "file" in form:
        form["file"].seek(0)
    body = is_problem(mara.upload(masks(chain), form), status, code)
    assert words in body["detail"]
    assert not EditFile.objects.exists()


@pytest.mark.parametrize(
    ("told", "status", "code"),
    [
        ({}, 422, "request.invalid"),
        ({"region": LEFT, "polygons": [[[0, 0], [1, 0], [0, 1]]]}, 422, "request.invalid"),
        ({"region": [1.5, 1.5, 0.2, 0.2]}, 422, "mask.outside"),
        ({"region": [0, 0, 1, 1]}, 422, "mask.full"),
        ({"region": [0, 0, 300, 300]}, 400, "request.invalid"),
        ({"polygons": [[[1.2, 1.2], [1.5, 1.2], [1.2, 1.5]]]}, 422, "mask.outside"),
        ({"region": LEFT, "step": 9}, 422, "chain.no_such_step"),
        ({"region": LEFT, "candidate": 3}, 422, "chain.no_such_candidate"),
    ],
)
def test_places_that_will_not_do_are_refused(mara, chain, told, status, code):
    is_problem(mara.ask("POST", masks(chain), told), status, code)
    assert not EditFile.objects.exists()


def test_a_mask_is_scaled_only_where_that_is_asked(mara, chain):
    form = {"file": painted((320, 240), (10, 10, 99, 99)), "reads": "painted", "scale": "true"}
    assert mara.upload(masks(chain), form, status=201).json()["width"] == SIZE[0]


def test_a_file_of_another_chain_is_not_here(mara, brand, source, chain):
    other = keyed(mara, "chains/", {"brand": brand.slug, "asset": str(source.pk)}, status=201).json()
    row = mara.say(masks(other), {"region": LEFT}, status=201)
    assert mara.ask("GET", f"chains/{chain['id']}/files/{row['id']}/").status_code == 404
    refused = keyed(mara, f"chains/{chain['id']}/steps/", {**GREEN, "mask": row["id"]}, status=422)
    is_problem(refused, 422, "step.no_such_file")


# Recipes and replays -----------------------------------------------------------------------------------------------


@pytest.fixture
def recipe(mara, chain):
    ask(mara, chain, region=LEFT)
    ask(mara, chain, kind="extend", ratio="2:1", instruction="", route="reframe", parent=2)
    return mara.say(f"chains/{chain['id']}/steps/3/recipe/", {"name": "Green and wide"}, status=201)


def test_a_recipe_is_the_path_to_a_step(mara, chain, recipe):
    found = mara.read(recipe["url"])
    assert [one["kind"] for one in found["steps"]] == ["inpaint", "extend"]
    assert (found["name"], found["chain"], found["step"]) == ("Green and wide", chain["id"], 3)
    assert mara.read("recipes/")["results"] == [recipe]
    is_problem(mara.ask("POST", f"chains/{chain['id']}/steps/1/recipe/", {"name": "x"}), 409, "recipe.no_steps")
    is_problem(mara.ask("POST", f"chains/{chain['id']}/steps/2/recipe/", {"name": " "}), 400, "request.invalid")


def test_a_replay_is_priced_ordered_once_and_watched_side_by_side(mara, brand, recipe, fake):
    assets = [str(factories.make_asset(brand, size).pk) for size in ((480, 480), (600, 400))]
    plan = mara.say(f"recipes/{recipe['id']}/preview/", {"assets": assets}, status=200)
    assert (plan["chains"], plan["pictures"], plan["blocked"]) == (2, 4, False)
    assert plan["reproduction"]["code"] == "alike"
    assert "no seed" in plan["reproduction"]["words"]
    assert [row["asset"] for row in plan["walks"]] == assets
    assert sum(row["price"]["most"] for row in plan["walks"]) == plan["price"]["most"] > 0
    assert not Replay.objects.exists()
    body = {"assets": assets, "digest": plan["digest"]}
    path, bought = f"recipes/{recipe['id']}/replay/", len(fake.charged())
    first = keyed(mara, path, body, key="r")
    assert keyed(mara, path, body, key="r").content == first.content
    watched = mara.ask("GET", first["Location"], status=200)
    assert (watched.json()["active"], "Retry-After" in watched) == (True, True)
    assert watched.json()["most_micro_usd"] == plan["price"]["most"]
    drain()
    found = mara.read(first["Location"])
    assert (found["active"], found["chains_total"], found["chains_ready"]) == (False, 2, 2)
    assert [(row["steps_ready"], row["step"], row["status"]) for row in found["chains"]] == [(2, 3, "ready")] * 2
    assert [row["source"] for row in found["chains"]] == assets
    assert len({row["asset"] for row in found["chains"]}) == 2
    assert mara.ask("GET", found["chains"][0]["preview"]).status_code == 200
    assert found["micro_usd"] == sum(line["micro_usd"] for line in fake.charged()[bought:])
    is_problem(keyed(mara, path, {**body, "digest": "0" * 64}, status=409), 409, "preview.changed")


def test_on_a_free_route_a_replay_is_exact(mara, brand, chain):
    ask(mara, chain, kind="extend", ratio="1:1", instruction="", route="reframe")
    made = mara.say(f"chains/{chain['id']}/steps/2/recipe/", {"name": "Square"}, status=201)
    other = factories.make_asset(brand, (90, 60))
    plan = mara.say(f"recipes/{made['id']}/preview/", {"assets": [str(other.pk)], "routes": ["reframe"]}, status=200)
    assert (plan["reproduction"]["code"], plan["price"]["free"]) == ("exact", True)


def test_a_path_is_kept_and_replayed_at_once(mara, brand, chain):
    ask(mara, chain, region=LEFT)
    other = factories.make_asset(brand, (480, 480))
    path, body = (
        f"chains/{chain['id']}/replay/",
        {"step": 2, "assets": [str(other.pk)], "routes": ["quick", "standard"]},
    )
    first = keyed(mara, path, body, key="p")
    assert keyed(mara, path, body, key="p").content == first.content
    assert (EditRecipe.objects.count(), Replay.objects.count(), first.json()["chains"]) == (1, 1, 2)
    drain()
    found = mara.read(first["Location"])
    assert sorted(row["route"] for row in found["chains"]) == ["quick", "standard"]
    assert (found["chains_ready"], found["title"]) == (2, "Tea tin")
    is_problem(keyed(mara, path, {**body, "step": 1}, status=409), 409, "recipe.no_steps")
    assert EditRecipe.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"assets": []}, 400, "request.invalid"),
        ({"assets": [NOWHERE]}, 404, "asset.unknown"),
        ({"assets": ["x"]}, 400, "request.invalid"),
    ],
)
def test_replays_that_will_not_do_are_refused(mara, recipe, body, status, code):
    for path in ("preview/", "replay/"):
        answer = mara.ask("POST", f"recipes/{recipe['id']}/{path}", body, idempotency_key=fresh_key())
        is_problem(answer, status, code)


def test_a_replay_on_a_route_that_there_is_not_is_refused(mara, brand, source, recipe):
    body = {"assets": [str(source.pk)], "routes": ["teleport"]}
    is_problem(mara.ask("POST", f"recipes/{recipe['id']}/preview/", body), 422, "request.unknown_route")
    is_problem(keyed(mara, f"recipes/{recipe['id']}/replay/", body, status=422), 422, "request.unknown_route")
    assert not Replay.objects.exists()


# Change this -------------------------------------------------------------------------------------------------------


def test_any_picture_is_changed_without_a_word_of_chains(mara, source, fake):
    path = f"assets/{source.pk}/change/"
    empty = {"chain": None, "step": None, "candidate": None, "asked": None}
    assert mara.read(path) == {"base": str(source.pk), **empty, "actions": ["change"]}
    plan = mara.say(f"{path}preview/", {"instruction": "Greener", "region": LEFT}, status=200)
    assert (plan["blocked"], EditChain.objects.count()) == (False, 0)
    body = {"instruction": "Greener", "region": LEFT, "route": plan["route"], "digest": plan["digest"]}
    first = keyed(mara, path, body, key="c")
    assert keyed(mara, path, body, key="c").content == first.content
    drain()
    found = mara.read(first["Location"])
    assert (found["number"], found["kind"], found["status"]) == (2, "inpaint", "ready")
    assert len(fake.charged()) == 1
    picture = found["candidates"][0]["asset"]
    at = mara.read(f"assets/{picture}/change/")
    assert (at["chain"], at["step"], at["candidate"]) == (found["chain"], 2, 0)
    told = keyed(mara, f"assets/{picture}/change/", GREEN).json()
    assert (told["chain"], told["step"]) == (found["chain"], 3)


def test_a_reviewers_wish_comes_ready_to_be_asked(mara, source):
    change_this(OPERATOR, source, note="Warmer, please", region=[0.1, 0.1, 0.4, 0.4])
    asked = mara.read(f"assets/{source.pk}/change/")["asked"]
    assert (asked["note"], asked["order"]["kind"]) == ("Warmer, please", "inpaint")
    wish = {**asked["order"], "route": "quick"}
    told = keyed(mara, f"assets/{source.pk}/change/", wish).json()
    assert EditStep.objects.get(chain=told["chain"], number=2).instruction == "Warmer, please"


def test_a_change_that_will_not_do_writes_nothing(mara, as_role, source):
    path = f"assets/{source.pk}/change/"
    is_problem(keyed(mara, path, {**GREEN, "region": [0, 0, 1, 1]}, status=422), 422, "mask.full")
    is_problem(keyed(mara, path, {**GREEN, "parent": 1}, status=400), 400, "request.invalid")
    viewer = as_role("viewer")
    assert viewer.read(path)["actions"] == []
    is_problem(keyed(viewer, path, GREEN, status=403), 403, "policy.not_allowed")
    assert (EditChain.objects.count(), Job.objects.count(), EditFile.objects.count()) == (0, 0, 0)


def test_a_result_takes_the_place_of_its_cells_picture(mara, brand, as_role):
    sheet = str(factories.make_asset(brand, SIZE).pk)
    body = matrix(brand, locales=["en"], channels=["square"], source=sheet, route="reframe")
    first = order(mara, body)
    drain()
    (cell,) = mara.read(f"{first['Location']}cells/")["results"]
    told = keyed(mara, f"assets/{cell['asset']}/change/", GREEN).json()
    drain()
    found = mara.read(told["url"])
    assert "take" in found["actions"]
    taken = keyed(mara, f"{told['url']}take/", {}, key="t")
    assert keyed(mara, f"{told['url']}take/", {}, key="t").content == taken.content
    drain()
    assert mara.read(taken["Location"])["state"] == "done"
    (again,) = mara.read(f"{first['Location']}cells/")["results"]
    assert again["asset"] != cell["asset"]
