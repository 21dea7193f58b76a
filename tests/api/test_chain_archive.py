"""An edit chain as a file over the API."""

from __future__ import annotations

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from image_studio.models import EditChain
from tests import factories
from tests.api.conftest import API, ROOT, is_problem
from tests.workflow.chain_archives import changed, members, packed, upload
from tests.workflow.chains import LEFT, ask, chain_from, paid_site

pytestmark = pytest.mark.django_db


@pytest.fixture
def chain():
    return chain_from(upload(factories.make_brand()), title="Autumn bottle")


@pytest.fixture
def there():
    return factories.make_brand()


@pytest.fixture
def mara(there):
    return API(factories.make_user("creator", brand=there))


def send(client, brand, data, **more):
    file = SimpleUploadedFile("chain.zip", data, "application/zip")
    body = {"brand": brand.slug, "file": file, **more}
    return client.post(f"{ROOT}chains/import/", body, headers=client.headers_of_user)


def test_a_chain_goes_out_and_comes_in_once(chain, there, mara):
    viewer = API(factories.make_user("viewer", brand=chain.brand))
    answer = viewer.get(f"{ROOT}chains/{chain.pk}/archive/", headers=viewer.headers_of_user)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    assert answer["Cache-Control"] == "private, no-store"
    data = b"".join(answer.streaming_content)
    assert "chain.json" in members(data)
    made = send(mara, there, data)
    assert made.status_code == 201, made.content
    body = made.json()
    assert (body["brand"], body["title"], body["again"]) == (there.slug, "Autumn bottle", False)
    assert made["Location"] == body["url"]
    assert mara.read(body["url"])["length"] == 1
    again = send(mara, there, data)
    assert (again.status_code, again.json()["again"], again.json()["id"]) == (200, True, body["id"])


def test_a_refusal_names_the_place(chain, there, mara):
    data = changed(packed(chain), lambda plain: plain["steps"][0].update(kind="explode")).read()
    answer = send(mara, there, data)
    is_problem(answer, 422, "chain_archive.unknown")
    assert "steps[0].kind" in answer.json()["detail"]


@pytest.mark.parametrize(("data", "status"), [(b"", 400), (b"PK", 422), (b"no zip", 422)])
def test_what_is_no_archive_is_refused(there, mara, data, status):
    assert send(mara, there, data).status_code == status


def test_who_may_not(chain, there, mara):
    data = packed(chain)
    assert send(mara, chain.brand, data).status_code == 404
    viewer = API(factories.make_user("viewer", brand=there))
    assert send(viewer, there, data).status_code == 403
    assert mara.get(f"{ROOT}chains/{chain.pk}/archive/", headers=mara.headers_of_user).status_code == 404
    assert EditChain.objects.count() == 1


def test_only_the_server_says_what_it_owns(chain, there, mara):
    assert send(mara, there, packed(chain), micro_usd="0").status_code == 400
    assert mara.ask("POST", "chains/import/", io.BytesIO(b"{}").read()).status_code == 415


def test_an_imported_tree_is_read_like_any_other(settings, tmp_path, mara, there):
    with paid_site(settings, tmp_path):
        chain = chain_from(upload(factories.make_brand()))
        ask(chain, region=LEFT)
        ask(chain, parent=2, instruction="Make it [flag:violence]")
        made = send(mara, there, packed(chain)).json()
    found = mara.read(made["url"])
    assert [(row["number"], row["parent"], row["status"]) for row in found["steps"]] == [
        (1, None, "ready"),
        (2, 1, "ready"),
        (3, 2, "blocked"),
    ]
    assert found["micro_usd"] == 0
    assert mara.read(f"chains/{made['id']}/steps/2/")["candidates"][0]["asset"]
