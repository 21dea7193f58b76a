"""The kit as text and as a folder."""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from PIL import Image, ImageFont

from image_studio.brand.kit import Kit, KitFiles
from image_studio.brand.toml import MAX_TEXT, dump, load_folder, parse, save_folder
from image_studio.exceptions import InvalidKit
from image_studio.wording import explain_error
from tests.corpus import corpus_bytes

from .kits import AURA, kits


def png(colour: str = "#0b3d91") -> bytes:
    data = io.BytesIO()
    Image.new("RGBA", (40, 16), colour).save(data, "PNG")
    return data.getvalue()


def font() -> bytes:
    """A font that every Pillow with FreeType carries."""
    return ImageFont.load_default(12).font_bytes  # type: ignore[union-attr]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A kit's folder as a person would write it."""
    root = tmp_path / "aura"
    (root / "logos").mkdir(parents=True)
    (root / "fonts").mkdir()
    (root / "brand.toml").write_text(dump(AURA), "utf-8")
    (root / "logos" / "aura.png").write_bytes(png())
    (root / "fonts" / "aura.ttf").write_bytes(font())
    return root


def refused(call, *values) -> InvalidKit:
    with pytest.raises(InvalidKit) as caught:
        call(*values)
    assert "{" not in explain_error(caught.value)
    return caught.value


# --- text ----------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(kits())
def test_text_leads_back(kit: Kit) -> None:
    assert parse(dump(kit)) == kit


def test_text_is_readable_and_leaves_out_defaults() -> None:
    text = dump(AURA)
    assert '{ name = "Night", hex = "#0b3d91" }' in text
    assert "Warm.\nShort." in text
    assert "ضوء يبقى" in text
    assert "sha256" not in text
    assert "min_width" not in text


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ('name = "Aura"\nslug = \n', 2, 8),
        ('name = "Aura\n', 1, 13),
        ('name = "Aura"\nname = "Other"\n', 2, 15),
        ("palette = [\n  { name =", 2, 1),
    ],
)
def test_broken_toml_says_where(text: str, line: int, column: int) -> None:
    error = refused(parse, text)
    assert error.code == "kit.broken_toml"
    assert error.params["line"] == line
    if line != text.count("\n") + 1:
        assert error.params["column"] == column
    assert error.params["detail"]
    assert str(line) in explain_error(error)


def line_with(text: str, part: str) -> int:
    return next(i for i, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('hex = "#f2a900"', 'hex = "yellow"', "kit.bad_colour"),
        ('slug = "aura"', 'slug = "Aura!"', "kit.bad_slug"),
        ('file = "logos/aura.png"', 'file = "../aura.png"', "kit.bad_file"),
        ('channel = "story"', 'chanel = "story"', "kit.unknown_key"),
        ('line = "legal"', 'line = "legal", size = 3', "kit.out_of_range"),
        ('severity = "warn"', 'severity = "mild"', "kit.bad_choice"),
        ('text = "cheap"', 'text = ""', "kit.missing_key"),
    ],
)
def test_what_does_not_hold_says_the_line(old: str, new: str, code: str) -> None:
    text = dump(AURA).replace(old, new, 1)
    error = refused(parse, text)
    assert (error.code, error.params["line"]) == (code, line_with(text, new))
    assert f"(line {error.params['line']})" in explain_error(error)


def test_tables_written_out_by_hand_are_found_too() -> None:
    text = (
        'name = "Aura"\nslug = "aura"\n\n[[palette]]\nname = "Night"\nhex = "#0b3d91"\n\n'
        '[[palette]] # accent\nname = "Sun"\nhex = "yellow"\n\n[[layouts]]\n[layouts.logo]\nwidth = 0.1\n'
    )
    assert refused(parse, text).params["line"] == 10
    mended = text.replace("yellow", "#f2a900")
    assert refused(parse, mended.replace("width = 0.1", "width = 7")).params["line"] == 14
    nested = mended + '[[layouts.texts]]\nline = "a"\n[[layouts.texts]]\nline = "b"\nwidth = 7\n'
    assert refused(parse, nested).params["line"] == 19


def test_a_place_that_cannot_be_told_is_line_0() -> None:
    assert refused(parse, 'name = "Aura"').params["line"] == 0


# --- folder --------------------------------------------------------------------------------------------


def test_a_folder_is_read_with_the_sums_of_its_files(folder: Path) -> None:
    kit, files = load_folder(folder)
    assert kit.logos[0].sha256 == hashlib.sha256(png()).hexdigest()
    assert files.get(kit.logos[0].sha256) == png()
    assert files.get(kit.fonts[0].sha256) == font()
    assert replace(kit, logos=AURA.logos, fonts=AURA.fonts) == AURA


def test_a_folder_leads_back(folder: Path, tmp_path: Path) -> None:
    kit, files = load_folder(folder)
    save_folder(kit, files, tmp_path / "new" / "copy")
    assert load_folder(tmp_path / "new" / "copy") == (kit, files)
    written = sorted(p.relative_to(tmp_path / "new").as_posix() for p in (tmp_path / "new").rglob("*") if p.is_file())
    assert written == ["copy/brand.toml", "copy/fonts/aura.ttf", "copy/logos/aura.png"]
    save_folder(kit, files, tmp_path / "new" / "copy")  # over itself, as git wants it
    assert load_folder(tmp_path / "new" / "copy") == (kit, files)


def test_a_byte_order_mark_is_forgiven(folder: Path) -> None:
    (folder / "brand.toml").write_bytes(b"\xef\xbb\xbf" + dump(AURA).encode())
    assert load_folder(folder)[0].name == "Aura"


def test_text_that_is_not_utf_8_is_refused_with_its_line(folder: Path) -> None:
    (folder / "brand.toml").write_bytes(b'name = "A"\nslug = "\xff"\n')
    error = refused(load_folder, folder)
    assert (error.code, error.params["line"]) == ("kit.broken_toml", 2)


@pytest.mark.parametrize("missing", ["brand.toml", "logos/aura.png", "fonts/aura.ttf"])
def test_a_missing_file_is_named(folder: Path, missing: str) -> None:
    (folder / missing).unlink()
    error = refused(load_folder, folder)
    assert (error.code, error.params) == ("kit.no_such_file", {"file": missing})


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert refused(load_folder, tmp_path / "nowhere").code == "kit.no_such_file"


@pytest.mark.parametrize(
    "name", ["../secret.png", "/etc/passwd", "logos/../../secret.png", "logos\\aura.png", "C:/a.png"]
)
def test_no_name_leads_out(folder: Path, name: str) -> None:
    (folder.parent / "secret.png").write_bytes(png())
    text = (folder / "brand.toml").read_text("utf-8").replace("logos/aura.png", name.replace("\\", "\\\\"))
    (folder / "brand.toml").write_text(text, "utf-8")
    assert refused(load_folder, folder).code == "kit.bad_file"


def test_no_link_leads_out(folder: Path) -> None:
    outside = folder.parent / "secret.png"
    outside.write_bytes(png())
    (folder / "logos" / "aura.png").unlink()
    (folder / "logos" / "aura.png").symlink_to(outside)
    error = refused(load_folder, folder)
    assert (error.code, error.params["file"]) == ("kit.linked_file", "logos/aura.png")


def test_no_linked_folder_leads_out_neither_to_read_nor_to_write(folder: Path) -> None:
    kit, files = load_folder(folder)
    (folder / "logos").rename(folder.parent / "elsewhere")
    (folder / "logos").symlink_to(folder.parent / "elsewhere", target_is_directory=True)
    assert refused(load_folder, folder).code == "kit.linked_file"
    (folder.parent / "elsewhere" / "aura.png").unlink()
    assert refused(save_folder, kit, files, folder).code == "kit.linked_file"
    assert list((folder.parent / "elsewhere").iterdir()) == []


def test_a_pipe_is_no_file(folder: Path) -> None:
    (folder / "logos" / "aura.png").unlink()
    os.mkfifo(folder / "logos" / "aura.png")
    assert refused(load_folder, folder).code == "kit.no_such_file"


@pytest.mark.parametrize("data", [b"", b"not a picture", b"<svg xmlns='http://www.w3.org/2000/svg'/>", png()[:60]])
def test_a_logo_passes_the_picture_gate(folder: Path, data: bytes) -> None:
    (folder / "logos" / "aura.png").write_bytes(data)
    error = refused(load_folder, folder)
    assert (error.code, error.params["name"]) == ("kit.bad_logo", "logos/aura.png")


def test_a_jpeg_is_no_logo_whatever_its_name(folder: Path) -> None:
    (folder / "logos" / "aura.png").write_bytes(corpus_bytes("valid_odd/pil__hopper_orientation_6.jpg"))
    error = refused(load_folder, folder)
    assert (error.code, error.params["format"]) == ("kit.logo_format", "jpeg")


def test_what_is_no_font_is_refused(folder: Path) -> None:
    (folder / "fonts" / "aura.ttf").write_bytes(png())
    error = refused(load_folder, folder)
    assert (error.code, error.params["name"]) == ("kit.bad_font", "fonts/aura.ttf")


def test_a_sum_in_the_text_is_held_against_the_file(folder: Path) -> None:
    kit, _files = load_folder(folder)
    (folder / "brand.toml").write_text(dump(kit), "utf-8")
    assert load_folder(folder)[0] == kit
    (folder / "logos" / "aura.png").write_bytes(png("#ffffff"))
    error = refused(load_folder, folder)
    assert (error.code, error.params["file"]) == ("kit.other_file", "logos/aura.png")


def test_a_huge_text_is_not_read(folder: Path) -> None:
    (folder / "brand.toml").write_text("#" * (MAX_TEXT + 1), "utf-8")
    assert refused(load_folder, folder).code == "kit.file_too_large"


def test_saving_without_the_bytes_writes_nothing(folder: Path, tmp_path: Path) -> None:
    kit, _files = load_folder(folder)
    assert refused(save_folder, kit, KitFiles(), tmp_path / "copy").code == "kit.file_missing"
    assert not (tmp_path / "copy").exists()


def test_two_files_under_one_name_are_refused(folder: Path, tmp_path: Path) -> None:
    kit, files = load_folder(folder)
    other = replace(kit.logos[0], name="Dark", file="logos/AURA.png", sha256=hashlib.sha256(b"x").hexdigest())
    both = KitFiles(by_sum={**files.by_sum, other.sha256: b"x"})
    error = refused(save_folder, replace(kit, logos=(*kit.logos, other)), both, tmp_path / "copy")
    assert (error.code, error.params["value"]) == ("kit.twice", "logos/AURA.png")


def test_a_kit_without_files_is_one_text(tmp_path: Path) -> None:
    kit = Kit(name="Bare", slug="bare")
    save_folder(kit, KitFiles(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["brand.toml"]
    assert load_folder(tmp_path) == (kit, KitFiles())


def test_a_disk_that_refuses_leaves_the_old_file(folder: Path, monkeypatch) -> None:
    kit, files = load_folder(folder)

    def full(_self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    before = (folder / "brand.toml").read_bytes()
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        save_folder(replace(kit, voice="New."), files, folder)
    assert (folder / "brand.toml").read_bytes() == before
    assert (folder / "logos" / "aura.png").read_bytes() == png()
