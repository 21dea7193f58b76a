"""From an order to a request: sizes, canvases, inputs in their order, and the words that a model is told."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from image_studio.brand.kit import Kit
from image_studio.catalog.specs import ModelSpec, RouteSpec, models
from image_studio.exceptions import InvalidRequest
from image_studio.imaging.canvas import cut_out
from image_studio.providers.base import InputRef, PictureRequest
from image_studio.runner.edit_requests import Base, FileRef, StepOrder, compiled, parsed_ratio
from image_studio.runner.edit_words import prompt_for

KIT = Kit(name="A", slug="a", guidance="Warm light, no people")
EDITORS = [spec for spec in models().values() if spec.takes_instruction and spec.needs_source is not False]
SIZES = st.tuples(st.integers(64, 6000), st.integers(64, 6000))


def route(spec: ModelSpec) -> RouteSpec:
    return RouteSpec(name="r", title="R", provider="openai", model=spec.id, quality="low")


def build(order, size=(1024, 768), spec=None, files=None, references=()):
    spec = spec or models()["gpt-image-2"]
    base = Base(asset="a", sha256="s", size=size)
    return compiled(order, base, route=route(spec), model=spec, kit=KIT, files=files, references=references)


@given(size=SIZES, spec=st.sampled_from(EDITORS), detail=st.sampled_from(["standard", "full"]))
def test_every_picture_is_asked_for_at_a_size_that_the_model_makes(size, spec, detail):
    found = build(StepOrder(instruction="x", detail=detail), size, spec)
    assert spec.size_faults(*found.request.size) == ()
    sent = found.request.inputs[0].size
    asked = found.request.size
    # What is sent has the shape of what is asked for, as far as whole pixels go.
    assert abs(math.log(sent[0] / sent[1] * asked[1] / asked[0])) < 0.012 + 2 / min(*sent, *asked)
    frame = found.request.inputs[0].canvas
    if frame:
        assert frame[0] >= size[0]
        assert frame[1] >= size[1]


@given(size=SIZES, spec=st.sampled_from(EDITORS), ratio=st.sampled_from(["16:9", "1:1", "9:16", "4:5", "3:1"]))
def test_an_extension_keeps_the_whole_picture_on_its_canvas(size, spec, ratio):
    found = build(StepOrder(kind="extend", ratio=ratio), size, spec)
    width, height, left, top = found.edit["extend"]
    assert 0 <= left <= width - size[0]
    assert 0 <= top <= height - size[1]
    assert found.result == (width, height)
    frame = found.edit.get("frame")
    if frame:
        assert left + 0 <= frame[2]
        assert frame[0] >= width
        assert frame[1] >= height
        assert 0 <= frame[2] - left <= frame[0] - width
        assert 0 <= frame[3] - top <= frame[1] - height


def test_ordinary_detail_stays_near_a_megapixel_and_a_half():
    assert math.prod(build(StepOrder(instruction="x"), (6000, 4000)).request.size) <= 1536 * 1024 * 1.05
    assert build(StepOrder(instruction="x", detail="full"), (2048, 2048)).request.size == (2048, 2048)


def test_inputs_stand_in_the_order_in_which_words_number_them():
    files = {"mask": FileRef(file="m", sha256="ms", size=(1024, 768))}
    refs = [("style", InputRef(asset="b", sha256="t", role="reference", size=(10, 10)))]
    found = build(StepOrder(instruction="Greener", mask="m"), files=files, references=refs)
    assert [(ref.role, ref.asset, ref.file) for ref in found.request.inputs] == [
        ("source", "a", ""),
        ("reference", "b", ""),
        ("mask", "", "m"),
    ]
    assert found.request.counted_inputs == ((1024, 768), (10, 10))
    assert found.edit == {"paste": True}


def test_old_requests_keep_their_digests():
    ref = InputRef(asset="a", sha256="s", size=(1, 1))
    plain = PictureRequest(model="m", inputs=(ref,)).to_dict()["inputs"][0]
    assert set(plain) == {"asset", "sha256", "role", "focal", "size"}
    framed = PictureRequest(model="m", inputs=(InputRef(asset="a", sha256="s", canvas=(4, 2, 1, 0)),))
    assert PictureRequest.from_dict(framed.to_dict()) == framed


@pytest.mark.parametrize(
    "order",
    [
        StepOrder(),
        StepOrder(kind="inpaint", instruction="x", region=(0.1, 0.2, 0.3, 0.4), feather=3, paste=False),
        StepOrder(polygons=(((0.0, 0.0), (1.0, 0.0), (0.5, 1.0)),), references=(("style", "x"), ("other", "y"))),
        StepOrder(
            kind="extend", ratio="16:9", anchor="left", detail="full", early=True, candidates=4, parent=3, candidate=0
        ),
    ],
)
def test_an_order_comes_back_from_plain_values(order):
    assert StepOrder.from_dict(order.to_dict()) == order


@pytest.mark.parametrize(("text", "ratio"), [("16:9", 16 / 9), ("1:1", 1.0), ("1.91:1", 1.91)])
def test_ratios_are_read(text, ratio):
    assert parsed_ratio(text) == pytest.approx(ratio)


@pytest.mark.parametrize("text", ["", "16", "16:0", "a:b", "16:9:1", "nan:1", "inf:1", "1:1000", "-1:1"])
def test_what_is_no_ratio_is_refused(text):
    with pytest.raises(InvalidRequest, match=r"step\.bad_ratio"):
        parsed_ratio(text)


@given(size=SIZES, spec=st.sampled_from(EDITORS), ratio=st.sampled_from(["", "16:9", "1:3"]))
def test_the_size_that_is_told_is_the_one_that_comes(size, spec, ratio):
    order = StepOrder(kind="extend", ratio=ratio, paste=False) if ratio else StepOrder(instruction="x")
    found = build(order, size, spec)
    frame, extended = found.edit.get("frame"), found.edit.get("extend")
    shown = Image.new("L", found.request.size)
    if frame:
        outer = extended or (*size, 0, 0)
        shown = cut_out(shown, (*frame[:2], frame[2] - outer[2], frame[3] - outer[3]), outer[:2])
    assert found.result == shown.size


# Words -------------------------------------------------------------------------------------------------------------


def test_a_model_is_told_what_must_stay_and_that_nothing_is_lettered():
    words = prompt_for("edit", "Make it green", guidance=KIT.guidance)
    assert words.splitlines()[0] == "Make it green."
    assert "Change nothing else" in words
    assert "Brand guidance: Warm light, no people." in words
    assert words.endswith("Add no logo and no lettering that is not asked for.")


def test_a_mask_says_it_more_sharply():
    assert "Change only what the mask leaves open" in prompt_for("inpaint", "x", masked=True)
    assert "mask" not in prompt_for("edit", "x")


def test_references_are_numbered_after_the_picture_itself():
    words = prompt_for("combine", "x", references=("subject", "background"))
    assert "Image 2 shows the subject" in words
    assert "image 3 shows the background" in words
    assert "Image 1 is a reference" in prompt_for("generate", "x", references=("other",))


def test_words_of_any_script_stay_as_they_are():
    assert "اجعلها خضراء۔" in prompt_for("edit", "اجعلها خضراء۔")
