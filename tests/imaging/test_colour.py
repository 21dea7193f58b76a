"""Colour against published oracles, and the fast palette measure against the slow truth."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from image_studio.imaging import colour
from image_studio.imaging.geometry import Box
from tests.corpus import corpus

BRAND = (("#0b3d91", 5.0), ("#f2a900", 5.0), ("#ffffff", 3.0), ("#111111", 4.0), ("#d7263d", 5.0), ("#2e8b57", 8.0))


def table(name: str) -> list[list[str]]:
    text = corpus(name).read_text("utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("# ")]
    return [line.split("\t") for line in lines[1:]]


def sharma() -> np.ndarray:
    return np.array([[float(cell) for cell in row[1:]] for row in table("ciede2000.tsv")])


def test_ciede2000_on_sharmas_34_pairs() -> None:
    pairs = sharma()
    assert len(pairs) == 34
    np.testing.assert_allclose(colour.ciede2000(pairs[:, :3], pairs[:, 3:6]), pairs[:, 6], atol=1e-4)
    np.testing.assert_allclose(colour.ciede2000(pairs[:, 3:6], pairs[:, :3]), pairs[:, 6], atol=1e-4)


def test_ciede2000_in_float32_is_close_enough_to_judge_by() -> None:
    rng = np.random.default_rng(5)
    one, two = (colour.lab(rng.integers(0, 256, (5000, 3), dtype=np.uint8)) for _ in range(2))
    single = colour.ciede2000(one.astype(np.float32), two.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, colour.ciede2000(one, two), atol=2e-3)


def test_ciede2000_broadcasts_one_against_many() -> None:
    many = colour.lab(np.arange(60, dtype=np.uint8).reshape(4, 5, 3))
    one = colour.lab((10, 200, 30))
    assert colour.ciede2000(many, one).shape == (4, 5)
    assert colour.ciede2000(many, one)[2, 3] == pytest.approx(colour.ciede2000(one, many[2, 3]))


@pytest.mark.parametrize(
    ("rgb", "expected"),
    [  # Bruce Lindbloom's calculator, sRGB, D65
        ((255, 255, 255), (100.0, 0.0, 0.0)),
        ((0, 0, 0), (0.0, 0.0, 0.0)),
        ((255, 0, 0), (53.2408, 80.0925, 67.2032)),
        ((0, 255, 0), (87.7347, -86.1827, 83.1793)),
        ((0, 0, 255), (32.2970, 79.1875, -107.8602)),
    ],
)
def test_lab_of_the_primaries(rgb: tuple[int, int, int], expected: tuple[float, float, float]) -> None:
    np.testing.assert_allclose(colour.lab(rgb), expected, atol=2e-3)


def test_lab_of_bytes_equals_lab_of_numbers() -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (50, 3), dtype=np.uint8)
    np.testing.assert_allclose(colour.lab(rgb), colour.lab(rgb.astype(float)), atol=1e-9)


def test_contrast_ratio_on_published_pairs() -> None:
    for foreground, ground, _published, computed, *_rest in table("wcag_contrast.tsv"):
        assert colour.contrast_ratio(foreground, ground) == pytest.approx(float(computed), abs=1e-4)
        assert colour.contrast_ratio(ground, foreground) == pytest.approx(float(computed), abs=1e-4)


def test_contrast_ratio_is_never_rounded_up_to_a_pass() -> None:
    assert 4.478 <= colour.contrast_ratio("#777777", "#ffffff") < 4.5


def test_luminance_agrees_with_the_ratio_of_two_colours() -> None:
    light = colour.luminance(np.array([[[119, 119, 119], [255, 255, 255]]], dtype=np.uint8))
    assert light.shape == (1, 2)
    assert float(colour.ratios(light[0, 0], light[0, 1])) == pytest.approx(4.478089, abs=1e-4)


def test_parse_hex_and_back() -> None:
    assert colour.parse_hex("#0B3d91") == (11, 61, 145)
    assert colour.to_hex((11, 61, 145)) == "#0b3d91"


@pytest.mark.parametrize("text", ["", "#fff", "#12345g", "#1234567", "red", "#12 456"])
def test_parse_hex_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="not a colour"):
        colour.parse_hex(text)


# --- palette shares ------------------------------------------------------------------------------------


def slow_shares(image: Image.Image, tones: tuple[tuple[str, float], ...]) -> tuple[list[float], float]:
    """The definition, pixel by pixel in double precision."""
    pixels = colour.lab(np.asarray(image.convert("RGB")).reshape(-1, 3))
    distances = np.stack([colour.ciede2000(pixels, colour.lab(colour.parse_hex(tone))) for tone, _ in tones])
    held = np.where(distances <= np.array([[tolerance] for _, tolerance in tones]), distances, np.inf)
    nearest = np.where(np.isinf(held.min(axis=0)), -1, held.argmin(axis=0))
    return [float((nearest == i).mean()) for i in range(len(tones))], float((nearest == -1).mean())


def busy_picture(seed: int) -> Image.Image:
    """Discs, gradients and noise in and around the brand's colours, so that thresholds are crossed everywhere."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (300, 200), BRAND[seed % 6][0])
    draw = ImageDraw.Draw(image)
    for _ in range(40):
        base = np.array(colour.parse_hex(BRAND[rng.integers(6)][0])) + rng.integers(-40, 40, 3)
        x, y, radius = rng.integers(0, 300), rng.integers(0, 200), rng.integers(10, 60)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=tuple(np.clip(base, 0, 255).tolist()))
    noisy = np.asarray(image).astype(int) + rng.integers(-9, 10, (200, 300, 3))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("seed", range(6))
def test_exact_shares_equal_the_definition(seed: int) -> None:
    image = busy_picture(seed)
    expected, off = slow_shares(image, BRAND)
    found = colour.palette_shares(image, BRAND, exact=True)
    np.testing.assert_allclose(found.on, expected, atol=2e-5)
    assert found.off == pytest.approx(off, abs=2e-5)
    assert sum(found.on) + found.off == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("seed", range(6))
def test_fast_shares_are_within_a_percentage_point(seed: int) -> None:
    image = busy_picture(seed).resize((900, 600), Image.Resampling.NEAREST)
    expected, off = slow_shares(busy_picture(seed), BRAND)
    found = colour.palette_shares(image, BRAND)
    np.testing.assert_allclose(found.on, expected, atol=0.01)
    assert found.off == pytest.approx(off, abs=0.01)


@pytest.mark.parametrize("tolerance", [0.0, 0.4, 2.0, 11.0])
def test_no_sure_cell_hides_a_colour_that_belongs_elsewhere(tolerance: float) -> None:
    palette = tuple((tone, tolerance) for tone, _ in BRAND)
    colours = np.random.default_rng(7).integers(0, 256, (60_000, 3), dtype=np.uint8)
    near = np.concatenate([np.array(colour.parse_hex(tone)) + d for tone, _ in BRAND for d in deltas()])
    everything = np.concatenate([colours, np.clip(near.reshape(-1, 3), 0, 255).astype(np.uint8)])
    image = Image.fromarray(everything[None])
    expected, off = slow_shares(image, palette)
    found = colour.palette_shares(image, palette, exact=True)
    np.testing.assert_allclose(found.on, expected, atol=2e-5)
    assert found.off == pytest.approx(off, abs=2e-5)


def deltas() -> np.ndarray:
    steps = np.arange(-4, 5)
    return np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)


def test_a_pattern_of_two_colours_cannot_fool_the_sample() -> None:
    """A checkerboard whose halves lie on both sides of a threshold beats with every regular stride."""
    edge = [(90, 90, value) for value in range(90, 130)]
    limits = [float(colour.ciede2000(colour.lab((90, 90, 90)), colour.lab(rgb))) for rgb in edge]
    inner, outer = next((i, i + 1) for i in range(len(edge) - 1) if limits[i] <= 4 < limits[i + 1])
    board = np.indices((400, 400)).sum(axis=0) % 2
    pixels = np.where(board[..., None] == 0, edge[inner], edge[outer]).astype(np.uint8)
    found = colour.palette_shares(Image.fromarray(pixels), [("#5a5a5a", 4.0)])
    assert found.off == pytest.approx(0.5, abs=0.04)
    assert colour.palette_shares(Image.fromarray(pixels), [("#5a5a5a", 4.0)], exact=True).off == 0.5


def test_the_nearest_of_two_tones_that_hold_a_colour_counts() -> None:
    image = Image.new("RGB", (8, 8), "#808080")
    assert colour.palette_shares(image, [("#868686", 20), ("#818181", 20)]).on == (0.0, 1.0)


def test_worst_tile_is_where_the_intruder_is() -> None:
    image = Image.new("RGB", (160, 80), "#0b3d91")
    image.paste((20, 200, 20), (100, 40, 120, 50))
    found = colour.palette_shares(image, BRAND)
    assert found.worst == Box(100, 40, 20, 10)
    assert found.worst_off == 1.0
    assert found.off == pytest.approx(200 / 12800)
    assert found.far == found.off


def test_near_and_far_off_are_told_apart() -> None:
    distance = float(colour.ciede2000(colour.lab((100, 100, 100)), colour.lab((120, 120, 120))))
    assert 7 < distance < 9
    near = colour.palette_shares(Image.new("RGB", (10, 10), (120, 120, 120)), [("#646464", 5)])
    assert (near.off, near.far) == (1.0, 0.0)
    far = colour.palette_shares(Image.new("RGB", (10, 10), (160, 160, 160)), [("#646464", 5)])
    assert (far.off, far.far) == (1.0, 1.0)


def test_transparent_pixels_do_not_count() -> None:
    image = Image.new("RGBA", (100, 100), (0, 255, 0, 0))
    image.paste((11, 61, 145, 255), (0, 0, 50, 100))
    found = colour.palette_shares(image, BRAND)
    assert found.on[0] == 1.0
    assert (found.off, found.worst_off) == (0.0, 0.0)


def test_a_picture_that_is_all_transparent_has_no_shares() -> None:
    found = colour.palette_shares(Image.new("RGBA", (9, 9), (0, 0, 0, 0)), BRAND)
    assert (sum(found.on), found.off) == (0.0, 0.0)


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "LA", "1"])
def test_every_mode_is_measured(mode: str) -> None:
    image = Image.new("RGB", (20, 20), "#ffffff").convert(mode)
    assert colour.palette_shares(image, BRAND).on[2] == 1.0


def test_pictures_smaller_than_the_grid_are_measured() -> None:
    found = colour.palette_shares(Image.new("RGB", (1, 1), "#00ff00"), BRAND)
    assert (found.off, found.worst) == (1.0, Box(0, 0, 1, 1))


@pytest.mark.parametrize("count", [0, colour.MAX_TONES + 1])
def test_too_few_or_too_many_tones_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match="tones"):
        colour.palette_shares(Image.new("RGB", (2, 2)), [("#000000", 5)] * count)


def test_equal_pictures_have_equal_shares() -> None:
    image = busy_picture(3).resize((700, 700))
    assert colour.palette_shares(image, BRAND) == colour.palette_shares(image.copy(), BRAND)


# --- photographic or flat ------------------------------------------------------------------------------


def gradient() -> Image.Image:
    ramp = np.linspace(0, 1, 512)[:, None, None]
    pixels = np.array([11, 61, 145]) * (1 - ramp) + np.array([242, 169, 0]) * ramp
    return Image.fromarray(np.broadcast_to(pixels, (512, 512, 3)).astype(np.uint8))


def test_flat_art_and_gradients_have_little_spread() -> None:
    art = Image.new("RGB", (600, 600), "#ffffff")
    ImageDraw.Draw(art).ellipse((50, 50, 500, 500), fill="#d7263d", outline="#0b3d91", width=30)
    assert colour.spread(art.resize((300, 300), Image.Resampling.LANCZOS)) < colour.PHOTOGRAPHIC
    assert colour.spread(gradient()) < colour.PHOTOGRAPHIC


def test_camera_pictures_have_much() -> None:
    for name in ("ori__Landscape_1.jpg", "pil__hopper_orientation_6.jpg", "rs__jpg_progressive_cat.jpg"):
        with Image.open(corpus(f"valid_odd/{name}")) as image:
            assert colour.spread(image) > colour.PHOTOGRAPHIC


def test_a_photograph_on_white_is_still_one() -> None:
    rng = np.random.default_rng(2)
    pixels = np.full((256, 256, 3), 255, dtype=np.uint8)
    pixels[80:180, 80:180] = rng.normal(128, 40, (100, 100, 3)).clip(0, 255)
    assert colour.spread(Image.fromarray(pixels)) > colour.PHOTOGRAPHIC
