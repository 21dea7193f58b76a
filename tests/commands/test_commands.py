"""The commands: lines, exit statuses, and a clear word for every wrong input."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from PIL import Image

from image_studio.models import Asset, Brand, Channel, VariantSet
from tests import factories

pytestmark = pytest.mark.django_db

GENERATE_KEYS = ["variant", "channel", "locale", "state", "asset", "verdicts", "micro_usd", "message"]


@pytest.fixture
def run(capsys):
    """Runs a command and gives (exit status, parsed JSON lines, words on stderr)."""

    def run(*args):
        status = 0
        try:
            call_command(*args, "--json")
        except SystemExit as end:
            status = end.code
        except CommandError as error:
            return error.returncode, [], str(error)
        out, err = capsys.readouterr()
        return status, [json.loads(line) for line in out.splitlines()], err

    return run


@pytest.fixture
def brand():
    """A brand on a site whose channels are half as large as shipped: no test waits for pixels it does not need."""
    for channel in factories.make_channels():
        channel.width, channel.height = channel.width // 2, channel.height // 2
        channel.save()
    return factories.make_brand("aurum")


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(factories.encoded(factories.draw_photo((900, 700)), "jpeg"))
    return path


def test_setup_is_idempotent_and_keeps_edits(run):
    status, lines, _ = run("studio_setup")
    assert status == 0
    assert {line["status"] for line in lines} == {"made"}
    assert Group.objects.get(name="Studio editors").permissions.exists()
    Channel.objects.filter(slug="square").update(width=900)
    status, lines, _ = run("studio_setup")
    assert {line["status"] for line in lines} == {"kept"}
    assert Channel.objects.get(slug="square").width == 900
    assert Brand.objects.count() == 1


def test_a_brand_goes_out_and_in(run, brand, tmp_path):
    status, lines, _ = run("studio_brand", "export", "aurum", str(tmp_path / "kit"))
    assert (status, lines[0]["revision"]) == (0, 1)
    toml = tmp_path / "kit" / "brand.toml"
    toml.write_text(toml.read_text().replace("While stocks last.", "As long as it lasts."))
    status, lines, _ = run("studio_brand", "import", str(tmp_path / "kit"))
    assert (status, lines) == (0, [{"brand": "aurum", "revision": 2, "folder": str(tmp_path / "kit")}])


def test_a_broken_brand_toml_names_the_line(run, tmp_path):
    (tmp_path / "brand.toml").write_text('name = "A"\nslug = [\n')
    status, _, words = run("studio_brand", "import", str(tmp_path))
    assert status == 2
    assert "brand.toml" in words
    assert "line" in words
    assert not Brand.objects.exists()


def test_ingest_says_what_became_of_each_file(run, brand, photo, tmp_path):
    (tmp_path / "notes.png").write_text("not a picture")
    (tmp_path / "twin.jpg").write_bytes(photo.read_bytes())
    status, lines, _ = run("studio_ingest", str(tmp_path), str(tmp_path / "gone.jpg"), "--brand", "aurum")
    assert status == 1
    assert [line["status"] for line in lines] == ["refused", "accepted", "duplicate", "refused"]
    assert all(line["message"] for line in lines if line["status"] == "refused")
    assert set(lines[0]) == {"file", "status", "code", "message", "asset"}
    assert Asset.objects.count() == 1


def test_generate_runs_the_main_job(run, brand, photo):
    status, lines, _ = run(
        "studio_generate", "--brand", "aurum", "--route", "reframe", "--source", str(photo),
        "--channel", "square", "--channel", "story", "--locale", "en", "--locale", "ar", "--count", "2",
    )  # fmt: skip
    assert status == 0
    assert len(lines) == 8
    assert list(lines[0]) == GENERATE_KEYS
    assert {line["state"] for line in lines} == {"ready"}
    assert {line["micro_usd"] for line in lines} == {0}
    assert all(sum(line["verdicts"].values()) > 3 for line in lines)
    assert len({line["asset"] for line in lines}) == 8


def test_generate_from_a_prompt_with_variables_and_texts(run, brand):
    prompt = factories.make_prompt(brand).prompt
    status, lines, _ = run(
        "studio_generate", prompt.slug, "--brand", "aurum", "--route", "placeholder", "--channel", "square",
        "--set", "mood=hard", "--text", "headline:en=Hello there",
    )  # fmt: skip
    assert status == 0
    made = VariantSet.objects.get()
    assert made.prompt_text.endswith("hard light")
    texts = {layer["text"] for layer in Asset.objects.get(pk=lines[0]["asset"]).recipe["layers"]}
    assert "Hello there" in texts


def test_generate_takes_a_prompt_s_own_words_and_keeps_them_once(run, brand):
    words = "A red tin, {plain} and  _quiet_"
    for said in (words, f" {words} ", "مرحبا يا شاي"):
        status, rows, _err = run("studio_generate", said, "--brand", brand.slug, "--route", "placeholder", "--json")
        assert (status, {row["state"] for row in rows}) == (0, {"ready"})
    first, second = brand.prompts.order_by("created_at")
    assert first.slug.startswith("a-red-tin-plain-and-quiet-")
    assert second.slug.startswith("words-")
    assert first.versions.get().render({}) == "A red tin, {plain} and _quiet_"


def test_generate_can_leave_the_work_to_a_worker(run, brand, photo, settings):
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "DOORBELL": "poll"}
    status, lines, _ = run(
        "studio_generate", "--brand", "aurum", "--route", "reframe", "--source", str(photo), "--no-wait"
    )
    assert status == 0
    assert {line["state"] for line in lines} == {"waiting"}


def test_the_same_key_gives_the_same_set(run, brand, photo):
    args = ("studio_generate", "--brand", "aurum", "--route", "reframe", "--source", str(photo), "--channel", "square")
    first = run(*args, "--key", "k1")[1]
    assert run(*args, "--key", "k1")[1] == first
    assert VariantSet.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"--brand": "nobody"}, "nobody"),
        ({"--route": "premium-plus"}, "premium-plus"),
        ({"--channel": "billboard"}, "billboard"),
        ({"--locale": "tlh"}, "tlh"),
        ({"--source": "no-such-file.jpg"}, "no-such-file.jpg"),
        ({"--set": "moon"}, "NAME=VALUE"),
        ({"--text": "headline=x"}, "KEY:LOCALE=WORDS"),
        ({"--count": "99"}, "99"),
    ],
)
def test_wrong_input_is_exit_status_2_and_a_sentence(run, brand, photo, changes, word):
    values = {"--brand": "aurum", "--route": "reframe", "--source": str(photo), "--channel": "square", **changes}
    status, _, words = run("studio_generate", *(part for pair in values.items() for part in pair))
    assert status == 2
    assert word in words
    assert not VariantSet.objects.exists()


def test_a_file_that_is_no_picture_is_exit_status_2(run, brand, tmp_path):
    (tmp_path / "a.jpg").write_text("<html>")
    status, _, words = run(
        "studio_generate", "--brand", "aurum", "--route", "reframe", "--source", str(tmp_path / "a.jpg")
    )
    assert status == 2
    assert "HTML" in words or "html" in words


def test_a_prohibited_prompt_is_refused_before_anything_is_made(run, brand):
    prompt = factories.make_prompt(brand, "A miracle", variables=[]).prompt
    status, _, words = run("studio_generate", prompt.slug, "--brand", "aurum", "--route", "placeholder")
    assert status == 2
    assert "miracle" in words
    assert not VariantSet.objects.exists()


def test_check_is_lint_for_files(run, brand, photo, tmp_path):
    flat = tmp_path / "flat.jpg"
    flat.write_bytes(factories.encoded(Image.new("RGB", (540, 540), "#fbf7ef"), "jpeg"))
    status, lines, _ = run("studio_check", str(flat), str(photo), "--brand", "aurum", "--channel", "square")
    assert status == 1
    assert list(lines[0]) == ["file", "check", "verdict", "kind", "score", "reason"]
    assert "fail" in {line["verdict"] for line in lines if line["file"] == str(photo) and line["check"] == "file"}
    assert all(line["reason"] and line["reason"] != line["check"] for line in lines)
    unknowable = {line["verdict"] for line in lines if line["check"] in ("contrast", "logo_geometry", "lines")}
    assert "pass" not in unknowable


def test_check_refuses_what_is_no_picture(run, brand, tmp_path):
    (tmp_path / "a.png").write_bytes(b"GIF89a")
    status, lines, _ = run("studio_check", str(tmp_path / "a.png"), "--brand", "aurum", "--channel", "square")
    assert (status, lines[0]["check"], lines[0]["verdict"]) == (1, "gate", "fail")
