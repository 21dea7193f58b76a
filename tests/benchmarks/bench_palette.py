"""SPEED row 10: how much of a 1024 x 1024 picture lies on six colours, against scikit-image's CIEDE2000.

Both sides judge the same pictures in one run, medians. The picture is busy and drawn around the brand's own colours:
a photograph, which hardly meets a threshold, would be the easier case.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from image_studio.imaging import colour

EDGE = 1024
PALETTE = (
    ("#0b3d91", 5.0),
    ("#f2a900", 5.0),
    ("#ffffff", 5.0),
    ("#111111", 5.0),
    ("#d7263d", 5.0),
    ("#2e8b57", 5.0),
)
GOALS = {"fast": 0.01, "exact": 0.06}
POINT = 0.01


def measure(short: bool) -> list[dict[str, Any]]:
    """One row per way of measuring and per picture. ``ok`` asks for the goal and for a share within one point.

    :raises ImportError: without scikit-image, see ``requirements.txt`` beside this file.
    """
    rounds = 3 if short else 9
    return [row for name, image in pictures().items() for row in _rows(name, image, rounds)]


def pictures() -> dict[str, Image.Image]:
    """``art``: shapes in the brand's colours, softened and grained. ``photo-like``: broad gradients with grain."""
    rng = np.random.default_rng(10)
    art = Image.new("RGB", (EDGE, EDGE), PALETTE[2][0])
    draw = ImageDraw.Draw(art)
    for i in range(120):
        (x, y), radius = rng.integers(0, EDGE, 2).tolist(), int(rng.integers(20, 140))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=PALETTE[i % 6][0])
    small = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
    broad = small.resize((EDGE, EDGE), Image.Resampling.BICUBIC)
    return {
        "art": _grained(art.filter(ImageFilter.GaussianBlur(2)), 6, rng),
        "photo-like": _grained(broad, 8, rng),
    }


def _grained(image: Image.Image, grain: float, rng: np.random.Generator) -> Image.Image:
    noisy = np.asarray(image) + rng.normal(0, grain, (EDGE, EDGE, 3))
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def _rows(name: str, image: Image.Image, rounds: int) -> list[dict[str, Any]]:
    theirs, truth = _timed(lambda: _scikit_image(image), max(1, rounds // 3))
    rows = []
    for way, goal in GOALS.items():
        exact = way == "exact"
        colour.palette_shares(image, PALETTE, exact=exact)  # the table of a palette is made once per process
        ours, shares = _timed(lambda exact=exact: colour.palette_shares(image, PALETTE, exact=exact), rounds)
        error = float(np.abs(np.array([*shares.on, shares.off]) - truth).max())
        ratio = ours / theirs
        rows.append(
            {
                "name": f"palette {way}, {name}",
                "ours": round(ours * 1000, 2),
                "theirs": round(theirs * 1000, 1),
                "ratio": round(ratio, 4),
                "goal": goal,
                "ok": ratio <= goal and error <= POINT,
                "unit": "ms",
                "peer": "scikit-image deltaE_ciede2000",
                "error": round(error, 6),
            }
        )
    return rows


def _timed(call: Callable[[], Any], rounds: int) -> tuple[float, Any]:
    """The median seconds of a call, and its last answer."""
    seconds, answer = [], None
    for _ in range(rounds):
        start = time.perf_counter()
        answer = call()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), answer


def _scikit_image(image: Image.Image) -> np.ndarray:
    """The shares of each colour and the share off them all, as one would write it with scikit-image."""
    from skimage.color import deltaE_ciede2000, rgb2lab  # noqa: PLC0415 - a peer, only in the benchmarks' environment

    pixels = rgb2lab(np.asarray(image))
    tones = rgb2lab(np.array([[colour.parse_hex(tone) for tone, _ in PALETTE]], dtype=np.uint8))[0]
    distances = np.stack([deltaE_ciede2000(pixels, np.broadcast_to(tone, pixels.shape)) for tone in tones])
    limits = np.array([tolerance for _, tolerance in PALETTE])[:, None, None]
    held = np.where(distances <= limits, distances, np.inf)
    nearest = np.where(np.isinf(held.min(axis=0)), len(PALETTE), held.argmin(axis=0))
    return np.bincount(nearest.reshape(-1), minlength=len(PALETTE) + 1) / nearest.size
