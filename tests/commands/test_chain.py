"""``studio_chain``: out as a ZIP or a folder, in from either, and a clear word for every wrong input."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from image_studio import storage
from image_studio.models import Asset, EditChain
from tests import factories
from tests.workflow.chain_archives import members, packed, upload
from tests.workflow.chains import chain_from

pytestmark = pytest.mark.django_db
KEYS = ["chain", "title", "brand", "steps", "pictures", "left_out", "again", "path"]


@pytest.fixture
def run(capsys):
    """Runs a command and gives (exit status, parsed JSON lines, words of an error)."""

    def run(*args):
        status = 0
        try:
            call_command("studio_chain", *map(str, args), "--json")
        except SystemExit as end:
            status = end.code
        except CommandError as error:
            return error.returncode, [], str(error)
        return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()], ""

    return run


@pytest.fixture
def chain(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return chain_from(upload(factories.make_brand()), title="Autumn bottle")


@pytest.mark.parametrize("name", ["out.zip", "out"])
def test_a_history_goes_out_and_in(run, chain, tmp_path, name):
    path = tmp_path / name
    status, lines, _ = run("export", chain.pk, path)
    assert (status, list(lines[0])) == (0, KEYS)
    assert (lines[0]["pictures"], lines[0]["left_out"], lines[0]["title"]) == (1, 0, "Autumn bottle")
    there = factories.make_brand()
    status, lines, _ = run("import", path, "--brand", there.slug)
    assert (status, lines[0]["brand"], lines[0]["again"]) == (0, there.slug, False)
    made = EditChain.objects.get(pk=lines[0]["chain"])
    assert (made.brand, made.title, made.source.sha256) == (there, chain.title, chain.source.sha256)
    status, lines, _ = run("import", path, "--brand", there.slug)
    assert (status, lines[0]["again"], lines[0]["chain"]) == (0, True, str(made.pk))


def test_a_zip_is_what_the_page_gives(run, chain, tmp_path):
    run("export", chain.pk, tmp_path / "out.zip")
    assert (tmp_path / "out.zip").read_bytes() == packed(chain)


def test_a_folder_may_be_named_by_its_document(run, chain, tmp_path):
    run("export", chain.pk, tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").rglob("*.*")} == {
        name.rpartition("/")[2] for name in members(packed(chain))
    }
    status, _lines, _ = run("import", tmp_path / "out" / "chain.json", "--brand", factories.make_brand().slug)
    assert status == 0


def test_a_picture_that_is_left_out_is_a_finding(run, chain, tmp_path):
    storage.remove(storage.private(), Asset.objects.get().file)
    status, lines, _ = run("export", chain.pk, tmp_path / "out.zip")
    assert (status, lines[0]["pictures"]) == (1, 0)
    assert lines[0]["left_out"]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("export", "{chain}"), "Write studio_chain"),
        (("export", "{chain}", "x.zip", "--brand", "acme"), "Write studio_chain"),
        (("import", "x.zip"), "Write studio_chain"),
        (("export", "nobody", "x.zip"), "no edit history nobody"),
        (("export", "{chain}", "{folder}/missing/x.zip"), "missing"),
        (("import", "{folder}/missing.zip", "--brand", "{brand}"), "missing.zip"),
        (("import", "{folder}", "--brand", "nobody"), "nobody"),
        (("import", "{folder}", "--brand", "{brand}"), "chain.json"),
    ],
)
def test_wrong_input_is_said_in_words(run, chain, tmp_path, args, words):
    names = {"chain": chain.pk, "folder": tmp_path, "brand": chain.brand.slug}
    status, lines, error = run(*(arg.format(**names) for arg in args))
    assert (status, lines) == (2, [])
    assert words in error
