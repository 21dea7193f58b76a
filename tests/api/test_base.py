"""The API is the same on every site: rights, methods, types, rates and errors, whatever REST_FRAMEWORK says."""

from __future__ import annotations

import logging

import pytest
from django.test import Client
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from image_studio.api import base, throttling
from image_studio.api.pagination import Cursor
from image_studio.conf import ConfigurationError
from image_studio.workflow import released
from tests import factories
from tests.api.conftest import API, is_problem

pytestmark = pytest.mark.django_db

#: Everything a site may have set otherwise than DRF, as far as it can be loaded.
HOSTILE = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.StaticHTMLRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.FileUploadParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.BasicAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.ScopedRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"read": "1/day", "write": "1/day", "user": "1/day", "anon": "1/day"},
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "rest_framework.negotiation.DefaultContentNegotiation",
    "DEFAULT_METADATA_CLASS": "rest_framework.metadata.SimpleMetadata",
    "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.AcceptHeaderVersioning",
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "DEFAULT_FILTER_BACKENDS": ["rest_framework.filters.SearchFilter"],
    "DEFAULT_SCHEMA_CLASS": "rest_framework.schemas.openapi.AutoSchema",
    "ALLOWED_VERSIONS": ["9"],
    "DEFAULT_VERSION": "9",
    "PAGE_SIZE": 1,
    "NUM_PROXIES": 3,
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
    "EXCEPTION_HANDLER": "tests.api.test_base.break_everything",
    "NON_FIELD_ERRORS_KEY": "__all__",
    "LIST_SERIALIZER_ERRORS_AS_DICT": False,
    "URL_FORMAT_OVERRIDE": "which",
    "FORMAT_SUFFIX_KWARG": "asset_id",
    "URL_FIELD_NAME": "link",
    "DATE_FORMAT": "%d.%m.%y",
    "DATETIME_FORMAT": "%d.%m.%y",
    "DATETIME_INPUT_FORMATS": ["%d.%m.%y"],
    "UNICODE_JSON": False,
    "COMPACT_JSON": False,
    "STRICT_JSON": False,
    "COERCE_DECIMAL_TO_STRING": False,
    "COERCE_BIGINT_TO_STRING": True,
    "UPLOADED_FILES_USE_URL": False,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "SEARCH_PARAM": "q",
    "ORDERING_PARAM": "sort",
}


def break_everything(error, context):
    raise AssertionError("the site's handler was asked")


def conversation(owner, nobody, asset):
    """One of each kind of request: status, type, headers that matter, body."""
    found = []
    for client, method, path, body in (
        (owner, "GET", "assets/?limit=1", None),
        (owner, "GET", f"assets/{asset.pk}/", None),
        (owner, "GET", f"assets/{asset.pk}/content/?which=preview", None),
        (owner, "GET", "assets/?q=x&sort=used", None),
        (owner, "PATCH", f"assets/{asset.pk}/", {"title": "Tea", "expires_at": "2031-05-01T12:00:00Z"}),
        (owner, "PATCH", f"assets/{asset.pk}/", {"tags": [1, "a", 2], "focal": {"x": 9}}),
        (owner, "POST", f"assets/{asset.pk}/reviews/", {"decision": "approve", "reason": "other"}),
        (owner, "POST", f"assets/{asset.pk}/publish/", None),
        (owner, "PATCH", f"assets/{asset.pk}/", b"{"),
        (owner, "DELETE", f"assets/{asset.pk}/", None),
        (owner, "OPTIONS", f"assets/{asset.pk}/", None),
        (owner, "GET", "nothing/", None),
        (nobody, "GET", "assets/", None),
        (nobody, "GET", "published/", None),
    ):
        answer = client.ask(method, path, body, X_Forwarded_For="1.1.1.1, 2.2.2.2")
        headers = {name: answer.get(name) for name in ("Content-Type", "Allow", "WWW-Authenticate", "Cache-Control")}
        found.append((method, path, answer.status_code, headers, answer.content))
    return found


def test_no_setting_of_the_site_changes_an_answer(settings, owner, nobody, brand):
    asset = factories.make_asset(brand, (64, 64))
    conversation(owner, nobody, asset)
    before = conversation(owner, nobody, asset)
    settings.REST_FRAMEWORK = HOSTILE
    assert api_settings.PAGE_SIZE == 1
    assert conversation(owner, nobody, asset) == before
    assert {status for _method, _path, status, *_rest in before} >= {200, 204, 400, 401, 404, 405, 409}


def test_every_setting_that_drf_reads_off_a_view_is_said():
    read = {
        name for name, value in vars(APIView).items() if name.endswith(("_classes", "_class", "settings", "schema"))
    }
    assert not read - set(vars(base.StudioView))


# Who asks -----------------------------------------------------------------------------------------------------------


def test_nobody_is_told_how_to_sign_in(nobody, settings):
    answer = nobody.ask("GET", "assets/")
    is_problem(answer, 401, "auth.required")
    assert answer["WWW-Authenticate"] == "Token"
    settings.IMAGE_STUDIO = {"API_AUTHENTICATION": ["rest_framework.authentication.SessionAuthentication"]}
    answer = nobody.ask("GET", "assets/")
    is_problem(answer, 401, "auth.required")
    assert answer["WWW-Authenticate"]


@pytest.mark.parametrize("header", ["Token", "Token nobody", "Token a b", "Token \xff"])
def test_bad_tokens(nobody, header):
    is_problem(nobody.ask("GET", "assets/", Authorization=header), 401, "auth.failed")


def test_people_who_were_locked_out_stay_out(owner):
    owner.user.is_active = False
    owner.user.save()
    is_problem(owner.ask("GET", "assets/"), 401, "auth.failed")


def test_a_session_reads_and_needs_a_token_to_write(owner, brand):
    asset = factories.make_asset(brand, (64, 64))
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner.user)
    assert browser.get("/studio/v1/assets/").status_code == 200
    answer = browser.patch(f"/studio/v1/assets/{asset.pk}/", {"title": "x"}, content_type="application/json")
    is_problem(answer, 403, "auth.csrf")


def test_private_answers_are_kept_by_nobody_in_between(owner):
    answer = owner.ask("GET", "assets/")
    assert answer["Cache-Control"] == "private, no-store"
    assert {"Authorization", "Cookie"} <= {part.strip() for part in answer["Vary"].split(",")}
    assert answer["X-Content-Type-Options"] == "nosniff"


# Methods and types --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "LOCK", "POST"])
def test_a_method_that_is_not_taken(owner, brand, method):
    asset = factories.make_asset(brand, (64, 64))
    answer = owner.ask(method, f"assets/{asset.pk}/")
    is_problem(answer, 405, "method_not_allowed")
    assert {"GET", "PATCH", "HEAD"} <= set(answer["Allow"].split(", "))


def test_options_and_head_answer_plainly(owner, brand):
    answer = owner.ask("OPTIONS", "assets/")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "POST" in answer["Allow"]
    head = owner.ask("HEAD", "assets/", status=200)
    assert (head.content, head["Content-Type"]) == (b"", "application/json")


@pytest.mark.parametrize("accept", ["application/json", "*/*", "application/*;q=0.5", "text/html, */*;q=0.1"])
def test_what_accepts_json(owner, accept):
    assert owner.ask("GET", "assets/", Accept=accept, status=200)["Content-Type"] == "application/json"


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/png", ",", "x" * 9000])
def test_what_does_not(owner, accept):
    is_problem(owner.ask("GET", "assets/", Accept=accept), 406, "not_acceptable")


# Rates --------------------------------------------------------------------------------------------------------------


def test_rates_are_counted_a_scope_and_a_person(settings, owner, as_role, brand, monkeypatch):
    monkeypatch.setattr(throttling.time, "time", lambda: 1_000_020.0)
    settings.IMAGE_STUDIO = {"DOORBELL": "inline", "API_RATES": {"read": "2/min", "write": ""}}
    asset = factories.make_asset(brand, (64, 64))
    owner.ask("GET", "assets/", status=200)
    owner.ask("GET", f"assets/{asset.pk}/", status=200)
    late = owner.ask("GET", "assets/")
    is_problem(late, 429, "throttled")
    assert late["Retry-After"] == "60"
    owner.ask("PATCH", f"assets/{asset.pk}/", {"title": "x"}, status=200)
    as_role("viewer").ask("GET", "assets/", status=200)
    monkeypatch.setattr(throttling.time, "time", lambda: 1_000_085.0)
    owner.ask("GET", "assets/", status=200)


def test_a_site_whose_cache_keeps_nothing_is_not_broken(settings, owner):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    for _ in range(3):
        owner.ask("GET", "assets/", status=200)


@pytest.mark.parametrize("rate", ["often", "x/min", "5/", "5/week"])
def test_a_rate_that_is_none_is_named(settings, rate):
    settings.IMAGE_STUDIO = {"API_RATES": {"read": rate}}
    with pytest.raises(ConfigurationError, match="API_RATES"):
        throttling.rate_of("read")


# Defects ------------------------------------------------------------------------------------------------------------


def test_a_defect_is_told_to_the_site_and_not_to_the_client(nobody, monkeypatch, caplog):
    def explode():
        raise RuntimeError("the secret")

    monkeypatch.setattr(released, "released", explode)
    monkeypatch.setattr("image_studio.api.published.released", explode)
    nobody.raise_request_exception = False
    with caplog.at_level(logging.ERROR, logger="django.request"):
        answer = nobody.ask("GET", "published/")
    body = is_problem(answer, 500, "server_error")
    assert body["fault"] == "studio"
    assert b"secret" not in answer.content
    assert [record.exc_info[1].args for record in caplog.records] == [("the secret",)]
    with pytest.raises(RuntimeError):
        API().ask("GET", "published/")


def test_a_cursor_is_plain_ascii():
    assert Cursor(back=False, order="-id", values=("é",)).encode().isascii()
