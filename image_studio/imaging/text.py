"""Lines of text: where they may break, how they are balanced, and the size at which they fit.

All sizes in pixels. Breaking and balancing work on widths measured once at the full size and scaled, which is
cheap; the size that is returned was measured exactly.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import ceil

from PIL import Image, ImageDraw

from image_studio.imaging.shaping import BASIC, Face, clean

#: Distance between baselines, in type sizes: display lines tighter, small ones looser, tall scripts higher.
LEADING_DISPLAY, LEADING_SMALL, LEADING_TALL = 1.16, 1.25, 1.42
DISPLAY_PIXELS = 40
#: Bottom and top of ordinary letters: lines without a descender still stand on the same baseline as others.
PLAIN_LETTERS = "Hp"

_TALL = re.compile("[\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\u0900-\u0dff\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff]")
_WIDE = re.compile(
    "[\u2e80-\u303f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef]|[\U00020000-\U0003ffff]"
)
_SPACE = re.compile("[ \t\u2000-\u2006\u2008-\u200a\u205f\u3000]+")
_NOT_FIRST = frozenset("、。，．・：；？！」』】）〉》〕］｝ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々%‰°!?.,;:)]}»›”’…")
_NOT_LAST = frozenset("「『【（〈《〔［｛([{«‹“‘")
_NUMBER = re.compile(r"\d[.,'’]?$")
_THOUSANDS = re.compile(r"\d{3}(?!\d)")


@dataclass(frozen=True)
class Piece:
    """A part of a line that is never broken; ``space`` stands before it, ``hyphen`` shows where it ends a line."""

    text: str
    space: bool = False
    hyphen: bool = False


def pieces_of(paragraph: str) -> list[Piece]:
    """Where a paragraph may break: between words, after a hyphen, at a soft hyphen, between CJK characters.

    Numbers keep their unit and currency, opening marks their word, closing marks theirs. Thai, Lao, Khmer and
    Burmese break at spaces and zero-width spaces only: finding their words needs a dictionary, and a break in the
    middle of one reads as a mistake.
    """
    words: list[str] = []
    for word in _SPACE.split(paragraph.strip()):
        if words and _glued(words[-1], word):
            words[-1] += " " + word
        elif word:
            words.append(word)
    return [piece for word in words for piece in _parts(word)]


def _glued(before: str, after: str) -> bool:
    if before[-1] in _NOT_LAST or (len(after) == 1 and after in _NOT_FIRST):
        return True
    if unicodedata.category(before[-1]) == "Sc":
        return after[0].isdigit() and not any(char.isdigit() for char in before)
    if not _NUMBER.search(before):
        return False
    unit = len(after) <= 2 or (len(after) == 3 and after.isupper())
    return unit or bool(_THOUSANDS.match(after))


def _parts(word: str) -> Iterator[Piece]:
    start, space = 0, True
    for index in range(1, len(word)):
        if _breakable(word, index):
            part = word[start:index]
            yield Piece(part.strip("\u00ad\u200b"), space, part.endswith("\u00ad"))
            start, space = index, False
    yield Piece(word[start:].strip("\u00ad\u200b"), space)


def _breakable(word: str, index: int) -> bool:
    before, after = word[index - 1], word[index]
    if before in "\u00ad\u200b":
        return True
    if unicodedata.category(after).startswith("M") or after in _NOT_FIRST or before in _NOT_LAST:
        return False
    if before in "-–/" and index > 1:
        return word[index - 2].isalpha() and after.isalpha()
    return bool(_WIDE.match(before) or _WIDE.match(after))


def join(pieces: Sequence[Piece]) -> str:
    """The line that some pieces make."""
    text = "".join(" " * (piece.space and index > 0) + piece.text for index, piece in enumerate(pieces))
    return text + "-" * pieces[-1].hyphen if pieces else ""


@dataclass(frozen=True, kw_only=True)
class Block:
    """Lines set at one size. Everything is measured from the block's top left corner.

    :param inks: left, top, right, bottom of each line's ink from the start of its baseline.
    :param rise: from the top to the first baseline.
    """

    face: Face
    size: int
    lines: tuple[str, ...]
    inks: tuple[tuple[int, int, int, int], ...]
    leading: int
    rise: int
    width: int
    height: int

    def starts(self, align: str) -> list[tuple[int, int]]:
        """Where each baseline starts, so that the ink of the lines is flush at ``left``, ``right`` or centred."""
        return [(_flush(align, self.width, ink), self.rise + i * self.leading) for i, ink in enumerate(self.inks)]

    def mask(self, align: str) -> Image.Image:
        """The ink as a mask (mode L) of the block's size."""
        mask = Image.new("L", (self.width, self.height))
        pen = ImageDraw.Draw(mask)
        for line, start in zip(self.lines, self.starts(align), strict=True):
            self.face.draw(pen, start, line, self.size)
        return mask


def _flush(align: str, width: int, ink: tuple[int, int, int, int]) -> int:
    left, _, right, _ = ink
    free = width - (right - left)
    return {"left": 0, "right": free}.get(align, free // 2) - left


def set_lines(face: Face, lines: Sequence[str], size: int) -> Block:
    """Measure lines at a size."""
    inks = tuple(face.ink(line, size) for line in lines)
    plain = _plain_letters(face, size)
    rise = max(-inks[0][1], -plain[1])
    drop = max(inks[-1][3], plain[3])
    leading = _leading(face, "".join(lines), size, inks)
    return Block(
        face=face,
        size=size,
        lines=tuple(lines),
        inks=inks,
        leading=leading,
        rise=rise,
        width=max(1, *(right - left for left, _, right, _ in inks)),
        height=max(1, rise + leading * (len(lines) - 1) + drop),
    )


def _plain_letters(face: Face, size: int) -> tuple[int, int, int, int]:
    from_latin = Face(font=face.font, direction="ltr", language="en", shaper=BASIC)
    return from_latin.ink(PLAIN_LETTERS, size)


def _leading(face: Face, text: str, size: int, inks: Sequence[tuple[int, int, int, int]]) -> int:
    usual = LEADING_DISPLAY if size >= DISPLAY_PIXELS else LEADING_SMALL
    if _TALL.search(text):
        usual = LEADING_TALL
    tightest = max((above[3] - below[1] for above, below in pairwise(inks)), default=0)
    return max(round(usual * size), ceil(tightest + 0.06 * size))


@dataclass(frozen=True)
class Copy:
    """A text with its face, ready to be set in any room. ``size`` is the full size, ``least`` the smallest."""

    face: Face
    text: str
    size: int
    least: int
    max_lines: int

    @cached_property
    def paragraphs(self) -> list[list[tuple[Piece, float]]]:
        """Pieces with their width at the full size."""
        rows = clean(self.text).split("\n")
        return [[(piece, self._wide(piece.text)) for piece in pieces_of(row)] for row in rows if row.strip()]

    @cached_property
    def space(self) -> float:
        return self._wide("x x") - self._wide("xx")

    def _wide(self, text: str) -> float:
        return self.face.width(text, self.size)

    def fit(self, width: int, height: int, *, largest: int = 0) -> Block | None:
        """The largest setting within ``width`` and ``height`` and the line limit; None where there is none."""
        for size in range(min(largest or self.size, self.size), self.least - 1, -1):
            block = self._try(size, width, height)
            if block is not None:
                return block
        return None

    def _try(self, size: int, width: int, height: int) -> Block | None:
        scale = size / self.size
        room = width / scale
        rows = [row for paragraph in self.paragraphs for row in self._balanced(paragraph, room)]
        if not rows or len(rows) > self.max_lines or len(rows) * size > height * 1.5:
            return None
        block = self._set(tuple(join(row) for row in rows), size)
        return block if block.width <= width and block.height <= height else None

    def _set(self, lines: tuple[str, ...], size: int) -> Block:
        """Measured once: several rooms of a canvas often ask for the same lines."""
        if (lines, size) not in self._known:
            self._known[lines, size] = set_lines(self.face, lines, size)
        return self._known[lines, size]

    @cached_property
    def _known(self) -> dict[tuple[tuple[str, ...], int], Block]:
        return {}

    def _balanced(self, paragraph: list[tuple[Piece, float]], room: float) -> list[list[Piece]]:
        """The fewest lines, broken where their widths are most alike."""
        rows = self._greedy(paragraph, room)
        if not 2 <= len(rows) <= self.max_lines:
            return rows
        return self._evenest(paragraph, room, len(rows))

    def _evenest(self, paragraph: list[tuple[Piece, float]], room: float, count: int) -> list[list[Piece]]:
        """Exactly ``count`` lines with the least sum of squared widths, by dynamic programming."""
        pieces = [piece for piece, _ in paragraph]
        best: list[dict[int, tuple[float, int]]] = [{0: (0.0, 0)}]
        for _ in range(count):
            reached: dict[int, tuple[float, int]] = {}
            for start, (cost, _) in best[-1].items():
                for end, wide in self._ends(paragraph, start, room):
                    total = cost + wide * wide
                    if end not in reached or total < reached[end][0]:
                        reached[end] = (total, start)
            best.append(reached)
        return _traced(pieces, best)

    def _ends(self, paragraph: list[tuple[Piece, float]], start: int, room: float) -> Iterator[tuple[int, float]]:
        """Where a line that begins with piece ``start`` may end, and how wide it then is."""
        used = 0.0
        for index in range(start, len(paragraph)):
            piece, wide = paragraph[index]
            used += wide + (self.space if piece.space and index > start else 0.0)
            if used > room and index > start:
                return
            yield index + 1, used

    def _greedy(self, paragraph: list[tuple[Piece, float]], room: float) -> list[list[Piece]]:
        rows: list[list[Piece]] = []
        used = 0.0
        for piece, wide in paragraph:
            step = wide + (self.space if piece.space else 0.0)
            if rows and used + step <= room:
                rows[-1].append(piece)
                used += step
            else:
                rows.append([piece])
                used = wide
        return rows


def _traced(pieces: list[Piece], best: list[dict[int, tuple[float, int]]]) -> list[list[Piece]]:
    rows: list[list[Piece]] = []
    end = len(pieces)
    for reached in reversed(best[1:]):
        start = reached[end][1]
        rows.append(pieces[start:end])
        end = start
    return rows[::-1]
