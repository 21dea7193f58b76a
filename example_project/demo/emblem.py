"""The demo brand's mark and wordmark, drawn as geometry: two tea leaves that lean into an A, with a sun between.

``python example_project/demo/emblem.py`` writes the brand folder's logo files anew; they are kept in the repository,
because a brand's logo is a file that somebody gives you.
"""

from collections.abc import Iterable
from itertools import pairwise
from math import cos, hypot, pi, sin
from pathlib import Path

from PIL import Image, ImageDraw

Point = tuple[float, float]
Colour = tuple[int, int, int, int]

GREEN: Colour = (23, 61, 48, 255)
GOLD: Colour = (146, 94, 20, 255)
CREAM: Colour = (250, 244, 232, 255)
PALE_GOLD: Colour = (232, 190, 112, 255)
#: Everything is drawn this much larger and reduced once.
FINE = 4


def leaf(tip: Point, foot: Point, width: float) -> list[Point]:
    """The outline of a leaf between two points: two sine arcs, fullest a little below the middle."""
    dx, dy = foot[0] - tip[0], foot[1] - tip[1]
    length = hypot(dx, dy)
    side = (-dy / length, dx / length)
    steps = [i / 40 for i in range(41)]

    def edge(t: float, sign: float) -> Point:
        out = sign * width * sin(pi * t**1.15) ** 0.92
        return tip[0] + dx * t + side[0] * out, tip[1] + dy * t + side[1] * out

    return [edge(t, 1) for t in steps] + [edge(t, -1) for t in reversed(steps)]


def mark(size: int, leaves: Colour, sun: Colour) -> Image.Image:
    """The mark on a transparent square.

    :param size: edge in pixels.
    """
    full = size * FINE
    image = Image.new("RGBA", (full, full), (*leaves[:3], 0))
    draw = ImageDraw.Draw(image)

    def at(points: Iterable[Point]) -> list[Point]:
        return [(x * full, y * full) for x, y in points]

    draw.polygon(at(leaf((0.49, 0.06), (0.13, 0.94), 0.135)), fill=leaves)
    draw.polygon(at(leaf((0.51, 0.06), (0.87, 0.94), 0.135)), fill=leaves)
    for foot in (0.155, 0.845):  # the midribs, cut out of the leaves
        top = 0.49 if foot < 0.5 else 0.51
        rib = at([(top + (foot - top) * t, 0.06 + 0.88 * t) for t in (0.26, 0.94)])
        draw.line(rib, fill=(*leaves[:3], 0), width=round(full * 0.016))
    x, y, radius = 0.5, 0.78, 0.115
    draw.ellipse(at([(x - radius, y - radius), (x + radius, y + radius)]), fill=sun)
    return image.resize((size, size), Image.Resampling.LANCZOS)


def _arc(x: float, y: float, radius: float, begin: float, end: float) -> list[Point]:
    """Points on a circle; angles in half turns, clockwise from the right."""
    return [
        (
            x + radius * cos(pi * (begin + (end - begin) * i / 24)),
            y + radius * sin(pi * (begin + (end - begin) * i / 24)),
        )
        for i in range(25)
    ]


#: Letter -> (advance, strokes), in capital heights; the origin is the top left.
LETTERS: dict[str, tuple[float, list[list[Point]]]] = {
    "A": (0.82, [[(0.0, 1.0), (0.41, 0.0), (0.82, 1.0)], [(0.13, 0.69), (0.69, 0.69)]]),
    "U": (0.70, [[(0.0, 0.0), (0.0, 0.65), *_arc(0.35, 0.65, 0.35, 1.0, 0.0), (0.70, 0.65), (0.70, 0.0)]]),
    "R": (
        0.62,
        [
            [(0.0, 1.0), (0.0, 0.0), (0.30, 0.0), *_arc(0.30, 0.28, 0.28, -0.5, 0.5), (0.0, 0.56)],
            [(0.26, 0.56), (0.62, 1.0)],
        ],
    ),
    "E": (0.52, [[(0.52, 0.0), (0.0, 0.0), (0.0, 1.0), (0.52, 1.0)], [(0.0, 0.48), (0.44, 0.48)]]),
    "L": (0.48, [[(0.0, 0.0), (0.0, 1.0), (0.48, 1.0)]]),
    "I": (0.0, [[(0.0, 0.0), (0.0, 1.0)]]),
    "T": (0.62, [[(0.0, 0.0), (0.62, 0.0)], [(0.31, 0.0), (0.31, 1.0)]]),
}


def word_width(text: str, height: float, spacing: float) -> float:
    return sum(LETTERS[letter][0] for letter in text) * height + spacing * (len(text) - 1)


def write_word(
    draw: ImageDraw.ImageDraw, text: str, at: Point, height: float, weight: float, spacing: float, ink: Colour
) -> None:
    """Draw a word of :data:`LETTERS` with even strokes; all in pixels of ``draw``."""
    x = at[0]
    for letter in text:
        advance, strokes = LETTERS[letter]
        for stroke in strokes:
            points = [(x + px * height, at[1] + py * height) for px, py in stroke]
            for begin, end in pairwise(points):
                draw.line([begin, end], fill=ink, width=round(weight))
            for px, py in points:
                draw.ellipse((px - weight / 2, py - weight / 2, px + weight / 2, py + weight / 2), fill=ink)
        x += advance * height + spacing


def logo(width: int, ink: Colour, sun: Colour, quiet: Colour) -> Image.Image:
    """Mark and wordmark in a row, cut to the ink.

    :param quiet: for the small word under the name.
    """
    full = width * FINE
    unit = full / 5.1  # the height of the mark
    image = Image.new("RGBA", (full, round(unit * 1.04)), (*ink[:3], 0))
    size = round(unit / FINE)
    big = mark(size * FINE, ink, sun)
    image.alpha_composite(big, (0, 0))
    draw = ImageDraw.Draw(image)
    left, height = unit * 1.16, unit * 0.56
    spacing = (full - left - unit * 0.06 - word_width("AURELIA", height, 0)) / 6
    write_word(draw, "AURELIA", (left, unit * 0.07), height, unit * 0.058, spacing, ink)
    small = unit * 0.17
    gap = unit * 0.17
    write_word(draw, "TEA", (left, unit * 0.79), small, unit * 0.034, gap, quiet)
    begin = left + word_width("TEA", small, gap) + unit * 0.2
    draw.line([(begin, unit * 0.875), (full - unit * 0.05, unit * 0.875)], fill=quiet, width=round(unit * 0.018))
    small_image = image.resize((width, round(image.height / FINE)), Image.Resampling.LANCZOS)
    return small_image.crop(small_image.getbbox())


def main(folder: Path) -> None:
    for name, ink, sun, quiet in (
        ("logo-on-light", GREEN, GOLD, GOLD),
        ("logo-on-dark", CREAM, PALE_GOLD, PALE_GOLD),
    ):
        logo(1200, ink, sun, quiet).save(folder / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main(Path(__file__).parent / "brand")
