"""The run as something to look at: a page with the pictures beside it, and one large picture."""

import html
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

import image_studio
from demo.job import state_of
from image_studio.policy import Policy
from image_studio.wording import explain
from image_studio.workflow import Cell, Sheet, file_for

PAGE = "contact-sheet.html"
PICTURE = "contact-sheet.png"
FOLDER = "contact-sheet"
FONTS = Path(image_studio.__file__).parent / "fonts"
STYLE = Path(__file__).with_name("contact_sheet.css")
WIDTH, ROW, GAP, CAPTION, EDGE = 2400, 430, 24, 58, 60
PAPER, INK, QUIET = "#f4efe4", "#12241d", "#5d675f"


def write(policy: Policy, folder: Path, sheets: Sequence[tuple[str, Sheet]]) -> Path:
    """Write page, pictures and montage below ``folder``, and return the page's path.

    :param sheets: (what it is, its sheet); the first one is the montage.
    """
    (folder / FOLDER).mkdir(exist_ok=True)
    for _title, shown in sheets:
        for cell in shown.cells:
            if cell.asset:
                (folder / FOLDER / _name(cell)).write_bytes(file_for(policy, cell.asset, "full").data)
    page = folder / PAGE
    page.write_text(_page(sheets), encoding="utf-8")
    montage(sheets[0][1], folder).save(folder / PICTURE, optimize=True)
    return page


def _name(cell: Cell) -> str:
    variant = cell.variant
    ending = cell.asset.format if cell.asset else "jpeg"
    return f"{variant.channel.slug}-{variant.locale}-{variant.pk.hex[-6:]}.{ending}"


def _ordered(shown: Sheet) -> list[Cell]:
    """Wide pictures first, the locales side by side: rows then fill evenly."""

    def ratio(cell: Cell) -> float:
        return -cell.variant.channel_spec["width"] / cell.variant.channel_spec["height"]

    return sorted((cell for cell in shown.cells if cell.asset), key=lambda c: (c.variant.take, ratio(c)))


def montage(shown: Sheet, folder: Path) -> Image.Image:
    """All pictures of a set at true ratio, in full rows, each with its verdicts and state."""
    rows = _rows(_ordered(shown))
    heights = [_fit(row) for row in rows]
    sheet = Image.new("RGB", (WIDTH, EDGE + sum(h + CAPTION + GAP for h in heights) + EDGE - GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    bold = ImageFont.truetype(str(FONTS / "DejaVuSans-Bold.ttf"), 19)
    plain = ImageFont.truetype(str(FONTS / "DejaVuSans.ttf"), 18)
    y = EDGE
    for row, height in zip(rows, heights, strict=True):
        x = EDGE
        for cell in row:
            with Image.open(folder / FOLDER / _name(cell)) as picture:
                width = round(_ratio(cell) * height)
                sheet.paste(picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS), (x, y))
            title = f"{cell.variant.channel_spec['name']}, {cell.variant.locale}"
            draw.text((x, y + height + 9), title, font=bold, fill=INK)
            fitting = [words for words in _captions(cell) if draw.textlength(words, plain) <= width + GAP / 2]
            draw.text((x, y + height + 33), fitting[0] if fitting else "", font=plain, fill=QUIET)
            x += width + GAP
        y += height + CAPTION + GAP
    return sheet


def _ratio(cell: Cell) -> float:
    return float(cell.variant.channel_spec["width"] / cell.variant.channel_spec["height"])


def _rows(cells: list[Cell]) -> list[list[Cell]]:
    """Cells in rows that are about ``ROW`` high when they fill the width."""
    rows: list[list[Cell]] = [[]]
    for cell in cells:
        if rows[-1] and _fit([*rows[-1], cell]) < ROW * 0.86:
            rows.append([])
        rows[-1].append(cell)
    return [row for row in rows if row]


def _fit(row: Sequence[Cell]) -> int:
    free = WIDTH - 2 * EDGE - GAP * (len(row) - 1)
    return min(round(free / sum(_ratio(cell) for cell in row)), round(ROW * 1.5))


def _verdicts(cell: Cell) -> str:
    return _captions(cell)[0]


def _captions(cell: Cell) -> list[str]:
    """The verdicts and the state, from long to short; what did not pass is left out last."""
    counted = [(cell.failed, "failed"), (cell.warned, "warned"), (cell.not_run, "not run")]
    told = [f"{count} {word}" for count, word in counted if count]
    passed = [f"{cell.passed} passed"] if cell.passed else []
    state = state_of(cell)
    return [", ".join([*passed, *told, state]), ", ".join([*told, state]), ", ".join(told), state]


def _page(sheets: Sequence[tuple[str, Sheet]]) -> str:
    parts = "\n".join(_section(title, shown) for title, shown in sheets)
    name = html.escape(sheets[0][1].variant_set.brand.name)
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Contact sheet: {name}</title>
<style>{STYLE.read_text("utf-8")}</style>
<main>
<h1>{name}</h1>
{parts}
</main>
</html>
"""


def _section(title: str, shown: Sheet) -> str:
    cells = "\n".join(_figure(cell) for cell in [*_ordered(shown), *(c for c in shown.cells if not c.asset)])
    spent = shown.micro_usd / 1_000_000
    told = f"{shown.pictures_bought} pictures made, {len(shown.cells)} cells composed, ${spent:.2f} spent"
    return f'<section><h2>{html.escape(title)}</h2><p>{told}.</p><div class="sheet">{cells}</div></section>'


def _figure(cell: Cell) -> str:
    spec, ratio = cell.variant.channel_spec, _ratio(cell)
    findings = "".join(
        f'<li class="{verdict.verdict}"><b>{html.escape(verdict.check_name)}</b> '
        f"{html.escape(explain(verdict.code, verdict.params))}</li>"
        for verdict in cell.verdicts
    )
    title = html.escape(f"{spec['name']}, {cell.variant.locale}")
    size = f"{spec['width']} x {spec['height']}"
    if cell.asset:
        path = f"{FOLDER}/{_name(cell)}"
        alt = html.escape(cell.asset.alt_for(cell.variant.locale) or title)
        size_of = f'width="{cell.asset.width}" height="{cell.asset.height}"'
        picture = f'<a href="{path}"><img src="{path}" alt="{alt}" {size_of}></a>'
    else:
        picture = f'<p class="missing" style="aspect-ratio: {ratio:.4f}">{html.escape(state_of(cell))}</p>'
    return f"""<figure style="--ratio: {ratio:.4f}">{picture}
<figcaption><b>{title}</b> <span>{size}</span><br>{html.escape(_verdicts(cell))}
<details><summary>Every verdict</summary><ul>{findings}</ul></details></figcaption></figure>"""
