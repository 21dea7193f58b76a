"""The OpenAPI document: whole, named, the same on every site; and the page that is made of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.urls import URLPattern
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.validation import validate_schema

from image_studio.api import urls
from image_studio.api.base import Missing
from image_studio.api.docs import Schema, reference
from image_studio.api.document import ENUMS, TAGS, document
from tests.api.conftest import is_problem

FILE = Path(__file__).parents[2] / "docs" / "openapi.yaml"
#: Views without an operation: they tell of the others.
BESIDE = {Missing, Schema}


@pytest.fixture(autouse=True)
def made_anew():
    document.cache_clear()
    yield
    document.cache_clear()


def operations():
    for address, item in document()["paths"].items():
        for method, said in item.items():
            yield address, method, said


def test_the_document_is_valid_and_raises_no_warning(capsys):
    GENERATOR_STATS.reset()
    made = document()
    validate_schema(made)
    assert not GENERATOR_STATS
    assert capsys.readouterr().err == ""


def test_the_file_in_docs_is_this_document():
    assert FILE.read_bytes() == OpenApiYamlRenderer().render(document(), renderer_context={}), "run: make openapi-write"


def test_every_method_of_every_view_says_what_it_is():
    views = [one.callback for one in urls.urlpatterns if isinstance(one, URLPattern)]
    classes = {view.cls for view in views if hasattr(view, "cls")} - BESIDE
    assert {view for view in views if not hasattr(view, "cls")} == {reference}
    for cls in classes:
        methods = [name for name in ("get", "post", "patch") if hasattr(cls, name)]
        assert methods, cls
        assert cls.tag in {tag["name"] for tag in TAGS}, cls
        for name in methods:
            assert getattr(cls, name).operation.id, (cls, name)


def test_operations_are_named_once_and_told_in_words():
    ids = [said["operationId"] for _address, _method, said in operations()]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", name) for name in ids)
    assert all(said["summary"] and said["tags"] for _address, _method, said in operations())


PROBES = {"/v1/health/live/", "/v1/health/ready/"}


def test_errors_are_problems_everywhere():
    for address, method, said in operations():
        errors = {status: answer for status, answer in said["responses"].items() if status >= "400"}
        # Probes are never throttled: a monitor that is turned away would raise the alarm.
        throttled = set() if address in PROBES else {"429"}
        assert {"400", "406"} | throttled <= set(errors), (address, method)
        if address.startswith("/v1/health/"):
            # A monitor reads one shape, whatever is wrong.
            assert set(errors.pop("503", {"content": {}})["content"]) <= {"application/json"}
        for answer in errors.values():
            content = answer["content"]["application/problem+json"]
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}


def test_only_published_and_health_are_open():
    open_ones = {address for address, _method, said in operations() if said["security"] == [{}]}
    public = "/v1/published/"
    pictures = {public, f"{public}{{asset_id}}/", f"{public}{{asset_id}}/pictures/{{name}}/"}
    assert open_ones == pictures | PROBES


def test_enumerations_have_names():
    schemas = document()["components"]["schemas"]
    assert schemas["AssetState"]["enum"] == ENUMS["AssetState"]
    assert schemas["AssetRow"]["properties"]["state"] == {"$ref": "#/components/schemas/AssetState"}
    assert "x-spec-enum-id" not in str(document())


def test_no_setting_of_the_site_changes_the_document(settings):
    before = document()
    document.cache_clear()
    settings.SPECTACULAR_SETTINGS = {
        "TITLE": "Theirs",
        "COMPONENT_SPLIT_REQUEST": True,
        "CAMELIZE_NAMES": True,
        "ENUM_NAME_OVERRIDES": {"Theirs": ["candidate"]},
        "POSTPROCESSING_HOOKS": [],
        "SCHEMA_PATH_PREFIX_INSERT": "/theirs",
    }
    settings.REST_FRAMEWORK = {"URL_FORMAT_OVERRIDE": "kind", "DEFAULT_SCHEMA_CLASS": None, "DATE_FORMAT": "%d"}
    settings.LANGUAGE_CODE = "ar"
    assert document() == before


# Served -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["schema/", "docs/"])
@pytest.mark.django_db
def test_documentation_is_served_only_where_the_site_asks(nobody, path):
    assert nobody.ask("GET", path).status_code == 404


@pytest.mark.django_db
def test_the_document_is_served_with_the_sites_address(nobody, settings):
    settings.IMAGE_STUDIO = {"API_DOCS": True}
    answer = nobody.ask("GET", "schema/", status=200)
    assert answer.json()["servers"][0]["url"] == "/studio"
    assert answer.json()["paths"].keys() == document()["paths"].keys()
    assert nobody.ask("GET", "schema/", If_None_Match=answer["ETag"]).status_code == 304
    is_problem(nobody.ask("POST", "schema/"), 405, "method_not_allowed")


@pytest.mark.django_db
def test_the_reference_page_holds_every_operation_and_runs_nothing(nobody, settings):
    settings.IMAGE_STUDIO = {"API_DOCS": True}
    page = nobody.ask("GET", "docs/", status=200).content.decode()
    for _address, _method, said in operations():
        assert f'<article id="{said["operationId"]}">' in page
    assert not re.search(r"<script|<style|style=|\son\w+=|https?://|\{\{|\{%", page)
    ids = set(re.findall(r' id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= ids
