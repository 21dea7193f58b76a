"""Bodies that are no JSON object that we take: one clear problem each, never a 500, nothing done."""

from __future__ import annotations

import json

import pytest

from image_studio.api import parsers
from tests import factories
from tests.api.conftest import is_problem

pytestmark = pytest.mark.django_db

BAD = {
    "empty": b"",
    "blank": b"  \n",
    "a list": b"[]",
    "a list of objects": b'[{"title": "x"}]',
    "a scalar": b"3",
    "null": b"null",
    "a string": b'"title"',
    "cut off": b'{"title": "x"',
    "a comma too many": b'{"title": "x",}',
    "two objects": b"{}{}",
    "single quotes": b"{'title': 'x'}",
    "a NUL": b'{"title": "a\\u0000b"}',
    "a NUL in a key": b'{"ti\\u0000tle": "x"}',
    "a raw NUL": b'{"title": "a\x00b"}',
    "half a pair": b'{"title": "\\ud83d"}',
    "the other half": b'{"title": "\\ude00"}',
    "half a pair in a key": b'{"\\ud83d": 1}',
    "no UTF-8": b'{"title": "\xff"}',
    "UTF-16": '{"title": "x"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"title": "x"}',
    "NaN": b'{"focal": {"x": NaN, "y": 0}}',
    "Infinity": b'{"focal": {"x": -Infinity, "y": 0}}',
    "infinite": b'{"focal": {"x": 1e999, "y": 0}}',
    "a huge number": b'{"focal": {"x": ' + b"9" * 5000 + b', "y": 0}}',
    "beyond exact": b'{"focal": {"x": 9007199254740993, "y": 0}}',
    "said twice": b'{"title": "x", "title": "y"}',
    "said twice inside": b'{"focal": {"x": 0, "x": 1, "y": 0}}',
    "33 levels": b'{"alt":' * 32 + b"{}" + b"}" * 32,
    "3,000 levels": b'{"alt":' * 3000 + b"1" + b"}" * 3000,
    "3,000 lists": b'{"alt":' + b"[" * 3000 + b"]" * 3000 + b"}",
    "100,000 levels": b"[" * 100_000,
    "quotes without end": b'{"title": "' + b'\\"' * 100_000,
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_a_bad_body_is_one_clear_problem(owner, brand, body):
    asset = factories.make_asset(brand, (64, 64), title="Before")
    problem = is_problem(owner.ask("PATCH", f"assets/{asset.pk}/", body), 400, "request.malformed")
    assert problem["fault"] == "caller"
    assert problem["detail"].startswith("The request cannot be read: ")
    asset.refresh_from_db()
    assert asset.title == "Before"


def test_thirty_two_levels_are_read():
    assert parsers.read_object(b'{"a":' * 31 + b'{"b": "\\ud83d\\ude00"}' + b"}" * 31)


def test_a_body_over_a_megabyte_is_too_large(owner, brand):
    asset = factories.make_asset(brand, (64, 64))
    body = json.dumps({"title": "x" * parsers.MOST_BYTES})
    is_problem(owner.ask("PATCH", f"assets/{asset.pk}/", body), 413, "request.too_large")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "*/*"])
def test_a_body_of_another_type_is_not_read(owner, brand, kind):
    asset = factories.make_asset(brand, (64, 64))
    answer = owner.generic(
        "PATCH", f"/studio/v1/assets/{asset.pk}/", b'{"title": "x"}', kind, headers=owner.headers_of_user
    )
    is_problem(answer, 415, "unsupported_media_type")


def test_a_charset_changes_nothing(owner, brand):
    asset = factories.make_asset(brand, (64, 64))
    answer = owner.generic(
        "PATCH",
        f"/studio/v1/assets/{asset.pk}/",
        '{"title": "Tée"}'.encode(),
        "application/json; charset=bz2_codec",
        headers=owner.headers_of_user,
    )
    assert answer.json()["title"] == "Tée"


@pytest.mark.parametrize(
    "path",
    [
        "assets/not-an-id/",
        "assets/01a204c5c6b27d64aa56436b748eb446/",
        "assets/%00/",
        "assets/%ff/",
        "assets/a%0Ab/",
        "assets/00000000-0000-0000-0000-000000000000/",
        "assets/../brands/x/",
        "nothing/",
    ],
)
def test_an_address_that_is_none_is_not_found(owner, path):
    problem = owner.ask("GET", path)
    assert is_problem(problem, 404, "not_found")["detail"]


def test_a_missing_slash_is_named(owner):
    assert "slash" in is_problem(owner.ask("GET", "assets"), 404, "not_found.slash")["detail"]
