"""A studio of its own for every test of the API, and clients with a token."""

from __future__ import annotations

import json

import pytest
from django.core.cache import cache
from django.test import Client
from rest_framework.authtoken.models import Token

from tests import factories

ROOT = "/studio/v1/"


@pytest.fixture(autouse=True)
def folder(tmp_path, settings):
    """Where this test's files lie; work is done at once, and nobody asked anything before."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.IMAGE_STUDIO = {"DOORBELL": "inline", "PIXEL_THREADS": 1}
    cache.clear()
    return tmp_path


class API(Client):
    """A client of the API: paths below ``v1/``, JSON bodies, the answer's data at once."""

    def __init__(self, user=None, **kwargs):
        super().__init__(**kwargs)
        self.user = user
        self.headers_of_user = {}
        if user is not None:
            token, _made = Token.objects.get_or_create(user=user)
            self.headers_of_user = {"Authorization": f"Token {token.key}"}

    def ask(self, method, path, body=None, *, status=None, **headers):
        """An answer of ``path`` (below ``v1/``, or absolute); ``status`` is asserted with the body beside it.

        Header names are written with underscores.
        """
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data = {} if body is None else {"data": body, "content_type": "application/json"}
        if body is not None and not isinstance(body, (bytes, str)):
            data["data"] = json.dumps(body)
        address = path if path.startswith(("/", "http")) else ROOT + path
        answer = self.generic(method, address, headers={**self.headers_of_user, **named}, **data)
        if status is not None:
            assert answer.status_code == status, answer.content[:2000]
        return answer

    def read(self, path, *, status=200, **headers):
        """The data of a GET."""
        return self.ask("GET", path, status=status, **headers).json()

    def say(self, path, body=None, *, status, method="POST", **headers):
        """The data of a POST."""
        return self.ask(method, path, {} if body is None else body, status=status, **headers).json()

    def upload(self, path, data, *, status=None):
        """A form with a file; ``data`` as of Django's test client."""
        answer = self.post(ROOT + path, data, headers=self.headers_of_user)
        if status is not None:
            assert answer.status_code == status, answer.content[:2000]
        return answer


@pytest.fixture
def brand():
    return factories.make_bare_brand()


@pytest.fixture
def as_role(brand):
    """A client with the token of a member of ``brand``."""

    def sign_in(role, *, own_only=False, of=None):
        return API(factories.make_user(role, brand=of or brand, own_only=own_only))

    return sign_in


@pytest.fixture
def owner(as_role):
    return as_role("manager")


@pytest.fixture
def stranger():
    """Somebody with a role in another brand."""
    return API(factories.make_user("manager", brand=factories.make_bare_brand()))


@pytest.fixture
def nobody():
    return API()


def is_problem(answer, status, code):
    """Whether an answer is this problem, whole: returns its body."""
    assert answer.status_code == status, answer.content[:2000]
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert set(body) == {"type", "title", "status", "code", "detail", "fault", "errors"}
    assert (body["status"], body["code"]) == (status, code)
    assert body["detail"].endswith((".", "?"))
    return body
