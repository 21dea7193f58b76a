"""Methods that nothing is said with, forged requests, and people without the site's own permissions."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.test import Client

from tests.rights.asking import address, ask, body_of
from tests.rights.routes import API, ROWS, Row
from tests.rights.world import difference, snapshot

pytestmark = pytest.mark.django_db
#: The checked views of bytes hang on the brand alone, here as at the studio's own addresses.
BY_BRAND = ("admin:image_studio_asset_picture", "admin:image_studio_job_partial")


# Methods ------------------------------------------------------------------------------------------------------------


def unsaid() -> list[Row]:
    """Each route with the methods that no row names."""
    first = {row.name: row for row in reversed(ROWS)}
    said = {(row.name, row.method) for row in ROWS}
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE")
    silent = [(row, method) for row in first.values() for method in methods if (row.name, method) not in said]
    return [replace(row, method=method, body="") for row, method in silent if row.name != API + "missing"]


@pytest.mark.parametrize(
    "row", [row for row in unsaid() if row.method in ("GET", "POST") or "v1:" in row.name], ids=str
)
def test_a_method_that_no_row_names_is_refused(world, row):
    before = snapshot()
    assert ask(world, row, "superuser", "north", {}).status_code == 405
    assert difference(before, snapshot()) == {}


def test_methods_of_no_form_change_nothing_in_the_admin(world):
    """Django's own pages take PUT, PATCH and DELETE for a look."""
    before = snapshot()
    rows = [row for row in unsaid() if row.name.startswith("admin") and row.method not in ("GET", "POST")]
    statuses = {ask(world, row, "superuser", "north", {}).status_code for row in rows}
    assert statuses <= {200, 302, 400, 403, 405}
    assert difference(before, snapshot()) == {}


# Forged requests ----------------------------------------------------------------------------------------------------

UNSAFE = [row for row in ROWS if row.method != "GET" and row.scope != "open"]


@pytest.mark.parametrize("row", UNSAFE, ids=str)
def test_no_other_site_can_say_it_in_a_persons_name(world, row):
    """A session needs the token of the page, in the admin and in the API."""
    url, _said = address(row, world.north)
    body = body_of(world, row, "north")
    if "csrfmiddlewaretoken" in body.get("data", ()):
        del body["data"]["csrfmiddlewaretoken"]
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.users["superuser"])
    before = snapshot()
    response = getattr(client, row.method.lower())(url, **body)
    assert response.status_code == 403, response.content[:300]
    assert difference(before, snapshot()) == {}
    if row.name.startswith(API):
        assert response.json()["code"] == "auth.csrf"


@pytest.mark.parametrize("row", [row for row in UNSAFE if row.name.startswith(API)], ids=str)
def test_a_program_needs_no_token_of_a_page(world, row):
    url, _said = address(row, world.north)
    client = Client(enforce_csrf_checks=True, headers={"Authorization": world.tokens["superuser"]})
    assert getattr(client, row.method.lower())(url, **body_of(world, row, "north")).status_code == row.ok


# Django's own permissions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [row for row in ROWS if row.name.startswith("admin")], ids=str)
def test_a_manager_without_the_sites_permissions_may_nothing_in_the_admin(world, row):
    """Both are needed: Django's permission for the model, and the brand's for the thing. Pictures ask the brand."""
    url, _said = address(row, world.north)
    before = snapshot()
    response = getattr(world.browsers["bare"], row.method.lower())(url, **body_of(world, row, "north"))
    redirects = row.name.endswith("<path:object_id>/")
    wanted = (200,) if row.name in BY_BRAND else (302,) if redirects else (403, 404)
    if row.verb == "original":
        wanted = (200,)
    assert response.status_code in wanted, response.content[:300]
    assert difference(before, snapshot()) == {}
