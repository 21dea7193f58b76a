"""The CIEDE2000 colour difference, vectorised.

Source: Sharma, Wu, Dalal 2005, "The CIEDE2000 Color-Difference Formula: Implementation Notes, Supplementary Test
Data, and Mathematical Observations"; numbers in brackets are its equations. Tested on its 34 pairs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]


def ciede2000(first: Any, second: Any) -> Floats:
    """The CIEDE2000 distance of CIELAB colours; the two broadcast. Numbered as in Sharma et al., kL = kC = kH = 1."""
    one, two = np.asarray(first), np.asarray(second)
    c1, h1, c2, h2 = _chroma_and_hue(one, two)
    light_step, chroma_step = two[..., 0] - one[..., 0], c2 - c1
    turn = _hue_turn(h1, h2, c1 * c2)
    hue_step = 2 * np.sqrt(c1 * c2) * np.sin(turn / 2)  # (11)
    chroma = (c1 + c2) / 2  # (13)
    hue = _mean_hue(h1, h2, c1 * c2)  # (14)
    from_50 = ((one[..., 0] + two[..., 0]) / 2 - 50) ** 2
    sl = 1 + 0.015 * from_50 / np.sqrt(20 + from_50)  # (18)
    sc = 1 + 0.045 * chroma  # (19)
    sh = 1 + 0.015 * chroma * _hue_weight(hue)  # (20)
    light, tint, shade = light_step / sl, chroma_step / sc, hue_step / sh
    total = light * light + tint * tint + shade * shade + _rotation(hue, chroma) * tint * shade  # (22)
    distance: Floats = np.sqrt(np.maximum(total, 0))
    return distance


def _saturation(chroma: Floats) -> Floats:
    """C^7 / (C^7 + 25^7), whose root stands in equations (4) and (17)."""
    part = chroma / 25.0
    cube = part * part * part  # multiplied out: a float power costs as much as all the rest
    seventh = cube * cube * part
    root: Floats = np.sqrt(seventh / (seventh + 1.0))
    return root


def _chroma_and_hue(one: Floats, two: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    plain = (_length(one[..., 1], one[..., 2]) + _length(two[..., 1], two[..., 2])) / 2
    stretch = 1.5 - 0.5 * _saturation(plain)  # (4) and (5): 1 + G
    a1, a2 = one[..., 1] * stretch, two[..., 1] * stretch
    c1, c2 = _length(a1, one[..., 2]), _length(a2, two[..., 2])
    return c1, _hue(a1, one[..., 2]), c2, _hue(a2, two[..., 2])


def _length(a: Floats, b: Floats) -> Floats:
    length: Floats = np.sqrt(a * a + b * b)
    return length


def _hue(a: Floats, b: Floats) -> Floats:
    """From 0 to 2 pi."""
    angle: Floats = np.arctan2(b, a)
    return np.where(angle < 0, angle + 2 * np.pi, angle)


def _hue_turn(h1: Floats, h2: Floats, product: Floats) -> Floats:
    """The signed hue difference (10), radians; 0 where either colour is neutral."""
    turn = h2 - h1
    turn = np.where(turn > np.pi, turn - 2 * np.pi, np.where(turn < -np.pi, turn + 2 * np.pi, turn))
    return np.where(product == 0, 0, turn)


def _mean_hue(h1: Floats, h2: Floats, product: Floats) -> Floats:
    """The mean hue (14), radians; the sum of both where either colour is neutral."""
    total = h1 + h2
    far = np.abs(h1 - h2) > np.pi
    mean = np.where(far, np.where(total < 2 * np.pi, total + 2 * np.pi, total - 2 * np.pi), total) / 2
    return np.where(product == 0, total, mean)


def _hue_weight(hue: Floats) -> Floats:
    """T of equation (15)."""
    return (
        1
        - 0.17 * np.cos(hue - np.pi / 6)
        + 0.24 * np.cos(2 * hue)
        + 0.32 * np.cos(3 * hue + np.pi / 30)
        - 0.20 * np.cos(4 * hue - 63 * np.pi / 180)
    )


def _rotation(hue: Floats, chroma: Floats) -> Floats:
    """R_T of equation (21), the turn of the ellipses in the blues."""
    bend = np.exp(-(((hue * 180 / np.pi - 275) / 25) ** 2)) * np.pi / 3  # (16), twice delta theta
    return -np.sin(bend) * 2 * _saturation(chroma)
