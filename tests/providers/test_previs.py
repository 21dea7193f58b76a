"""The provider on this machine: what it makes, what it says about it, what it refuses."""

import asyncio
import errno
import io
import os
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from image_studio.catalog.specs import models
from image_studio.exceptions import ProviderRefused, ProviderUnavailable, StorageFailed
from image_studio.imaging.decode import decode
from image_studio.imaging.metadata import source_type_of
from image_studio.providers import previs
from image_studio.providers.base import Input, InputRef, PictureRequest
from image_studio.providers.previs import MAX_TAKE, Provider
from image_studio.wording import explain

REFRAME, PLACEHOLDER = models()["previs-reframe"], models()["previs-placeholder"]
SOURCE = InputRef(asset="a", sha256="0" * 64)
PALETTE = ("#1f5f5b", "#d9a441")


def picture(mode="RGB", size=(160, 120)):
    image = Image.new(mode, size, "#d8d2c8" if mode == "RGB" else (0, 0, 0, 0))
    ImageDraw.Draw(image).ellipse((90, 20, 140, 70), fill="#c22a1a")
    target = io.BytesIO()
    image.save(target, "PNG")
    return target.getvalue()


def reframing(**options):
    return PictureRequest(
        **{"model": REFRAME.id, "size": (120, 160), "inputs": (SOURCE,), "palette": PALETTE, **options}
    )


def placeholder(**options):
    return PictureRequest(**{"model": PLACEHOLDER.id, "size": (120, 90), "palette": PALETTE, "prompt": "a", **options})


def run(request, tmp_path, *, data=None, source_type="", provider=None, deadline=30.0, on_partial=None):
    inputs = tuple(Input(ref=ref, data=data or picture(), source_type=source_type) for ref in request.inputs)
    call = (provider or Provider("previs")).run(
        request, inputs, spool=tmp_path, deadline=deadline, on_partial=on_partial
    )
    return asyncio.run(call)


def codes(request, spec):
    return [finding.code for finding in Provider("previs").supports(request, spec)]


# What it makes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quality", ["low", "medium", "high"])
@pytest.mark.parametrize(("format_", "extension"), [("png", "png"), ("jpeg", "jpg"), ("webp", "webp")])
@pytest.mark.parametrize("build", [reframing, placeholder])
def test_every_quality_and_format_gives_files_of_the_exact_size(build, format_, extension, quality, tmp_path):
    request = build(n=2, quality=quality, output_format=format_)
    answer = run(request, tmp_path)
    assert [output.path.name for output in answer.outputs] == [f"output-0.{extension}", f"output-1.{extension}"]
    for output in answer.outputs:
        found = decode(output.path.read_bytes())
        assert (found.size, found.format) == (request.size, format_)
        assert found.source_type == output.source_type
    assert answer.micro_usd == 0


@pytest.mark.parametrize("build", [reframing, placeholder])
def test_equal_requests_give_equal_bytes_and_ids(build, tmp_path):
    first, again = (run(build(n=3, seed=4), tmp_path / name) for name in ("one", "two"))
    for one, other in zip(first.outputs, again.outputs, strict=True):
        assert one.path.read_bytes() == other.path.read_bytes()
    assert first.request_id == again.request_id
    assert first.effective == again.effective
    assert run(build(n=3, seed=5), tmp_path / "three").request_id != first.request_id


def test_nothing_but_the_pictures_is_left_in_the_spool(tmp_path):
    run(reframing(n=3), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["output-0.png", "output-1.png", "output-2.png"]


def test_takes_count_on_from_the_first(tmp_path):
    four = run(reframing(n=4), tmp_path / "four").outputs
    third = run(reframing(n=1, extra={"take": 2}), tmp_path / "one").outputs[0]
    assert third.path.read_bytes() == four[2].path.read_bytes()
    assert len({output.path.read_bytes() for output in four}) == 4


def test_effective_says_what_was_done(tmp_path):
    answer = run(reframing(n=2, seed=3, quality="low", output_format="webp"), tmp_path)
    told = answer.effective
    assert told["size"] == [120, 160]
    assert (told["quality"], told["output_format"], told["background"], told["seed"]) == ("low", "webp", "auto", 3)
    assert [row["take"] for row in told["outputs"]] == [0, 1]
    assert told["outputs"][0]["method"].startswith(("crop:", "extend:"))
    assert len(told["outputs"][0]["box"]) == 4
    assert told["outputs"][0]["upscaled"] > 1


def test_quality_changes_the_weight_and_compression_overrides_it(tmp_path):
    size = {"size": (400, 300), "output_format": "jpeg"}

    def weight(name, **options):
        return run(placeholder(**size, **options), tmp_path / name).outputs[0].path.stat().st_size

    assert weight("a", quality="low") < weight("b", quality="medium") < weight("c", quality="high")
    assert weight("d", compression=5) < weight("e", compression=100)


def test_the_focal_point_leads_the_crop(tmp_path):
    def left(x):
        ref = replace(SOURCE, focal=(x, 0.5))
        answer = run(reframing(inputs=(ref,), size=(40, 120)), tmp_path)
        return next(row["box"] for row in answer.effective["outputs"])

    assert left(0.0)[0] == 0
    box = left(1.0)
    assert box[0] + box[2] == 160


# Transparency -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("build", [reframing, placeholder])
@pytest.mark.parametrize("format_", ["png", "webp"])
def test_a_transparent_background_is_transparent(build, format_, tmp_path):
    """For Reframe the take that shows the whole picture; a crop covers the canvas and has nothing to leave empty."""
    request = build(background="transparent", output_format=format_, size=(300, 100), extra={"take": 1})
    assert decode(run(request, tmp_path).outputs[0].path.read_bytes()).has_alpha


@pytest.mark.parametrize(
    ("background", "format_", "kept"),
    [("auto", "png", True), ("auto", "webp", True), ("auto", "jpeg", False), ("opaque", "png", False)],
)
def test_a_cut_out_keeps_its_alpha_unless_told_otherwise(background, format_, kept, tmp_path):
    answer = run(reframing(background=background, output_format=format_), tmp_path, data=picture("RGBA"))
    assert decode(answer.outputs[0].path.read_bytes()).has_alpha is kept


# Source types -------------------------------------------------------------------------------------------------------


def by_extension(source_type, tmp_path):
    """The source types of takes that extended the canvas, and of those that only cut."""
    answer = run(reframing(n=8), tmp_path, source_type=source_type)
    rows = list(zip(answer.outputs, answer.effective["outputs"], strict=True))
    extended = {output.source_type for output, row in rows if row["extended"]}
    return extended, {output.source_type for output, row in rows if not row["extended"]}


@pytest.mark.parametrize("origin", ["", "digitalCapture", "humanEdits"])
def test_a_cut_photograph_stays_one_and_an_extended_one_is_enhanced(origin, tmp_path):
    assert by_extension(origin, tmp_path) == ({"algorithmicallyEnhanced"}, {origin})


@pytest.mark.parametrize("origin", ["trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "digitalArt"])
def test_a_generated_picture_stays_generated_however_it_is_reframed(origin, tmp_path):
    assert by_extension(origin, tmp_path) == ({origin}, {origin})


def test_a_source_type_inside_the_file_counts_where_none_is_given(tmp_path):
    made = run(placeholder(), tmp_path / "made").outputs[0].path.read_bytes()
    assert source_type_of(made) == "algorithmicMedia"
    assert run(reframing(), tmp_path, data=made).outputs[0].source_type == "algorithmicMedia"


def test_a_placeholder_says_that_an_algorithm_drew_it(tmp_path):
    assert run(placeholder(), tmp_path).outputs[0].source_type == "algorithmicMedia"


# Early versions, time and disk --------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 3])
def test_early_versions_come_in_order_and_sharpen(count, tmp_path):
    seen = {}

    async def keep(index, number, data):
        seen.setdefault(index, []).append((number, decode(data).size))

    run(reframing(n=2, size=(240, 160), partial_images=count), tmp_path, on_partial=keep)
    assert sorted(seen) == ([0, 1] if count else [])
    for rows in seen.values():
        assert [number for number, _size in rows] == list(range(count))
        widths = [size[0] for _number, size in rows]
        assert widths == sorted(set(widths))
        assert widths[-1] == 120


def test_a_run_past_its_deadline_may_be_sent_again(tmp_path):
    with pytest.raises(ProviderUnavailable) as caught:
        run(reframing(n=2), tmp_path, provider=Provider("previs", delay=30), deadline=0.3)
    assert caught.value.code == "provider.deadline"
    assert not list(tmp_path.iterdir())


def test_delay_plays_a_slow_provider(tmp_path):
    slept = []

    async def timed():
        loop = asyncio.get_running_loop()
        begun = loop.time()
        provider = Provider("previs", delay=0.25, max_threads=1)
        await provider.run(placeholder(n=2, size=(16, 16)), (), spool=tmp_path, deadline=30)
        slept.append(loop.time() - begun)

    asyncio.run(timed())
    assert slept[0] >= 0.5


def test_the_event_loop_stays_free_while_pictures_are_made(tmp_path):
    ticks = []

    async def both():
        async def tick():
            while True:
                ticks.append(1)
                await asyncio.sleep(0.002)

        ticking = asyncio.create_task(tick())
        await Provider("previs").run(
            placeholder(n=2, size=(900, 900), output_format="jpeg"), (), spool=tmp_path, deadline=60
        )
        ticking.cancel()

    asyncio.run(both())
    assert len(ticks) > 5


def test_cancelling_a_run_ends_it_without_a_file(tmp_path):
    async def cancelled():
        provider = Provider("previs", delay=30)
        task = asyncio.create_task(
            provider.run(reframing(), (Input(ref=SOURCE, data=picture()),), spool=tmp_path, deadline=60)
        )
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("data", [b"", b"GIF89a", picture()[:200]])
def test_a_broken_source_is_refused_with_its_reason(data, tmp_path):
    with pytest.raises(ProviderRefused) as caught:
        asyncio.run(Provider("previs").run(reframing(), (Input(ref=SOURCE, data=data),), spool=tmp_path, deadline=30))
    assert caught.value.code == "provider.source_broken"
    assert caught.value.params["reason"].startswith("image.")


def test_a_full_disk_is_named_and_leaves_no_half_file(tmp_path, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFailed) as caught:
        run(reframing(n=2), tmp_path)
    assert caught.value.code == "storage.full"
    assert not list(tmp_path.iterdir())


# What it refuses ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [reframing(), reframing(background="transparent"), reframing(n=16, partial_images=3, output_format="webp")],
)
def test_what_reframe_can_do_is_supported(request_):
    assert codes(request_, REFRAME) == []


@pytest.mark.parametrize("request_", [placeholder(), placeholder(prompt=""), placeholder(extra={"take": 3})])
def test_what_placeholder_can_do_is_supported(request_):
    assert codes(request_, PLACEHOLDER) == []


REFUSALS = [
    (reframing(inputs=(SOURCE, replace(SOURCE, role="mask"))), REFRAME, "provider.mask"),
    (reframing(inputs=(SOURCE, replace(SOURCE, role="reference"))), REFRAME, "provider.reference"),
    (reframing(prompt="make the sky blue"), REFRAME, "provider.instruction"),
    (reframing(inputs=()), REFRAME, "provider.needs_source"),
    (reframing(inputs=(SOURCE, SOURCE)), REFRAME, "provider.one_source"),
    (reframing(inputs=(replace(SOURCE, focal=(1.2, 0.5)),)), REFRAME, "provider.focal"),
    (placeholder(inputs=(SOURCE,)), PLACEHOLDER, "provider.takes_no_source"),
    (reframing(size=(15, 100)), REFRAME, "provider.size"),
    (reframing(size=(100, 4097)), REFRAME, "provider.size"),
    (reframing(size=(4000, 4000)), REFRAME, "provider.pixels"),
    (reframing(n=17), REFRAME, "provider.count"),
    (reframing(n=0), REFRAME, "provider.count"),
    (reframing(partial_images=4), REFRAME, "provider.partials"),
    (reframing(partial_images=-1), REFRAME, "provider.partials"),
    (reframing(quality="ultra"), REFRAME, "provider.choice"),
    (reframing(output_format="gif"), REFRAME, "provider.choice"),
    (reframing(background="pink"), REFRAME, "provider.choice"),
    (reframing(background="transparent", output_format="jpeg"), REFRAME, "provider.transparent_jpeg"),
    (reframing(background="transparent"), replace(REFRAME, transparent=False), "provider.transparent"),
    (reframing(output_format="jpeg", compression=101), REFRAME, "provider.compression"),
    (reframing(output_format="webp", compression=-1), REFRAME, "provider.compression"),
    (reframing(compression=50), REFRAME, "provider.compression_png"),
    (reframing(palette=("teal",)), REFRAME, "provider.colour"),
    (reframing(extra={"moderation": "low"}), REFRAME, "provider.extra"),
    (reframing(extra={"take": -1}), REFRAME, "provider.take"),
    (reframing(extra={"take": MAX_TAKE + 1}), REFRAME, "provider.take"),
    (reframing(extra={"take": "2"}), REFRAME, "provider.take"),
]


@pytest.mark.parametrize(("request_", "spec", "code"), REFUSALS)
def test_what_cannot_be_done_blocks_and_says_why(request_, spec, code):
    findings = Provider("previs").supports(request_, spec)
    assert [finding.code for finding in findings] == [code]
    assert findings[0].blocks
    assert findings[0].where
    words = explain(code, findings[0].params)
    assert words != code
    assert "{" not in words


def test_all_that_is_wrong_is_said_at_once():
    request = reframing(prompt="more sky", n=99, quality="ultra", size=(9, 9))
    assert codes(request, REFRAME) == ["provider.instruction", "provider.size", "provider.count", "provider.choice"]


def test_every_code_has_words():
    for code in ("provider.source_broken", "provider.deadline", *(code for _request, _spec, code in REFUSALS)):
        assert explain(code) != code


# The class ----------------------------------------------------------------------------------------------------------


def test_it_is_repeatable_and_free():
    provider = Provider("previs", max_threads=1, delay=0)
    assert provider.repeatable
    assert provider.estimate(reframing(n=9), REFRAME).free


def test_leftover_options_raise():
    with pytest.raises(TypeError, match="api_key"):
        Provider("previs", api_key="x")


@pytest.mark.parametrize("options", [{"max_threads": 0}, {"delay": -1}])
def test_senseless_options_raise(options):
    with pytest.raises(ValueError, match="max_threads"):
        Provider("previs", **options)


def test_reframed_pixels_come_from_the_source(tmp_path):
    """The disc of the source is in the answer, so nothing was invented in its place."""
    output = run(reframing(), tmp_path).outputs[0]
    pixels = np.asarray(decode(output.path.read_bytes()).image, int)
    assert ((pixels[..., 0] > 170) & (pixels[..., 1] < 70)).mean() > 0.03


def test_every_quality_is_one_that_the_catalog_knows():
    assert set(previs.GRADES) == set(REFRAME.qualities) == set(PLACEHOLDER.qualities)
