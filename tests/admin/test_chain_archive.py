"""Export and import of an edit history in the admin."""

from __future__ import annotations

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from image_studio.admin import chain_archive
from image_studio.models import Asset, EditChain
from tests import factories
from tests.workflow.chain_archives import changed, grown, members, packed, upload
from tests.workflow.chains import chain_from, paid_site

pytestmark = pytest.mark.django_db
IMPORT = "admin:image_studio_editchain_import"
CANARY = "<img src=x onerror=alert(1)>"


@pytest.fixture
def chain(brand):
    return chain_from(upload(brand), title="Autumn bottle")


def send(client, brand, data):
    archive = SimpleUploadedFile("history.zip", data.read() if hasattr(data, "read") else data, "application/zip")
    return client.post(reverse(IMPORT), {"brand": str(brand.pk), "archive": archive})


def test_a_history_is_downloaded_as_a_file_that_nobody_keeps(boss, chain):
    answer = boss.get(reverse("admin:image_studio_editchain_archive", args=[chain.pk]))
    data = b"".join(answer.streaming_content)
    assert data == packed(chain)
    assert answer["Content-Disposition"] == 'attachment; filename="autumn-bottle.zip"'
    assert answer["Cache-Control"] == "private, no-store"
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_others_histories_are_not_there(as_role, chain):
    url = reverse("admin:image_studio_editchain_archive", args=[chain.pk])
    allowed = as_role("viewer").get(url)
    assert allowed.status_code == 200
    assert "chain.json" in members(b"".join(allowed.streaming_content))
    assert as_role("creator", own_only=True).get(url).status_code == 404
    assert as_role("manager", of=factories.make_brand()).get(url).status_code == 404


def test_a_history_comes_in_by_a_form_and_opens(as_role, chain):
    there = factories.make_brand()
    client = as_role("creator", of=there)
    page = client.get(reverse(IMPORT))
    assert page.status_code == 200
    assert there.name in page.text
    assert chain.brand.name not in page.text
    answer = send(client, there, packed(chain))
    made = EditChain.objects.get(brand=there)
    assert answer.status_code == 302
    assert answer["Location"] == reverse("admin:image_studio_editchain_change", args=[made.pk])
    shown = client.get(answer["Location"])
    assert "Imported with 1 step. " in shown.text
    assert made.requested_by == client.user
    again = client.get(send(client, there, packed(chain))["Location"])
    assert "imported this archive before" in again.text
    assert EditChain.objects.filter(brand=there).count() == 1


def test_what_is_wrong_with_an_archive_stands_at_the_field(boss, brand):
    answer = send(boss, brand, b"no zip")
    assert answer.status_code == 200
    assert "can&#x27;t be opened" in answer.text
    assert not EditChain.objects.exists()


def test_who_may_only_look_gets_no_form_and_no_other_brand_is_offered(as_role, chain):
    assert as_role("viewer").get(reverse(IMPORT)).status_code == 403
    client = as_role("creator", of=factories.make_brand())
    assert send(client, chain.brand, packed(chain)).status_code == 200
    assert EditChain.objects.count() == 1


def test_the_whole_tree_opens_where_it_came_in_and_no_text_of_it_runs(boss, settings, tmp_path):
    with paid_site(settings, tmp_path):
        chain = grown(factories.make_brand())
        data = packed(chain)

        def infect(plain):
            plain["chain"]["title"] = f"T {CANARY}"
            for step in plain["steps"]:
                step.update(note=CANARY, who=CANARY, instruction=f"{CANARY} words", route=CANARY)
                if step["fault"]:
                    step["fault"]["params"] = dict.fromkeys(step["fault"]["params"], CANARY)
                for one in step["candidates"]:
                    if one["paste"]:
                        one["paste"].update(pasted=False, code="paste.parent_gone", params={"detail": CANARY})
            for row in plain["pictures"].values():
                row.update(title=CANARY, alt={"en": CANARY}, tags=["<i>x"])
                row["rights"]["owner"] = CANARY

        there = factories.make_brand()
        answer = send(boss, there, changed(data, infect))
        assert answer.status_code == 302, answer.text
        made = EditChain.objects.get(brand=there)
        pages = [f"{answer['Location']}?step={step.number}" for step in made.steps.all()]
        pages.append(reverse("admin:image_studio_editchain_changelist"))
        pages += [reverse("admin:image_studio_asset_change", args=[a.pk]) for a in Asset.objects.filter(brand=there)]
        for url in pages:
            page = boss.get(url)
            assert page.status_code == 200, url
            assert CANARY not in page.text, url
            assert "&lt;img src=x" in page.text, url


def test_an_archive_that_is_too_large_is_not_opened(boss, brand, chain, monkeypatch):
    monkeypatch.setattr(chain_archive, "MOST_ARCHIVE", 100)
    answer = send(boss, brand, io.BytesIO(packed(chain)))
    assert "at most 100 are taken" in answer.text
    assert members(packed(chain))
