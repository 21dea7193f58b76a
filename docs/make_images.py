"""Make the documentation's pictures from what ``make demo SERVE=0`` left in ``var/``: small enough for a repository."""

from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
WIDTH, MOST_BYTES = 1600, 300_000


def main() -> None:
    """:raises SystemExit: without a contact sheet to take."""
    source, target = ROOT / "var" / "contact-sheet.png", ROOT / "docs" / "images" / "contact-sheet.jpg"
    if not source.exists():
        raise SystemExit(f"{source} is missing. Run make demo SERVE=0 first.")
    with Image.open(source) as picture:
        small = picture.convert("RGB").resize((WIDTH, round(picture.height * WIDTH / picture.width)))
    for quality in (86, 80, 74, 68, 60):
        small.save(target, quality=quality, optimize=True, progressive=True)
        if target.stat().st_size <= MOST_BYTES:
            break


if __name__ == "__main__":
    main()
