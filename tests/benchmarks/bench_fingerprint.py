"""SPEED row 11: the perceptual hash against imagehash."""

from __future__ import annotations

from typing import Any

import imagehash

from image_studio.imaging.fingerprint import distance, fingerprint
from tests.benchmarks.measure import by_turns, goal, photograph


def measure(short: bool) -> list[dict[str, Any]]:
    image = photograph(1024)
    bits = distance(fingerprint(image), int(str(imagehash.phash(image)), 16))
    ours, theirs = by_turns(lambda: fingerprint(image), lambda: imagehash.phash(image), rounds=9 if short else 41)
    return [goal("perceptual hash, 1024x1024", ours.cpu, theirs.cpu, 0.25, bits_apart=bits)]
