"""Windows of people in Chromium, as the sites' conftests make their own editors of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import override_settings
from pytest_django.live_server_helper import LiveServer

from tests.browser.chromium import SIZES, launched


@pytest.fixture(scope="session")
def live_server(django_db_setup):
    server = LiveServer("localhost")
    with override_settings(ALLOWED_HOSTS=["*"]):
        yield server
    server.stop()


@contextmanager
def chromium_here() -> Iterator[Any]:
    """The browser. Playwright holds a loop in this thread for as long."""
    pytest.importorskip("playwright.sync_api")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        with launched() as browser:
            yield browser


@contextmanager
def windows(browser: Any, address: str, *, patience: int) -> Iterator[Callable[..., Any]]:
    """A call that opens a window of its own for a person, or for the public; all are closed behind it.

    :param patience: milliseconds that a window waits for anything.
    """
    opened = []

    def opening(user: Any = None, *, width: int = 1280, scheme: str = "light") -> Any:
        wide, high = SIZES.get(width, (width, 800))
        size = {"width": wide, "height": high}
        context = browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")
        opened.append(context)
        if user is not None:
            client = Client()  # one of them all would end the session of whoever came before
            client.force_login(user)
            cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": address}
            context.add_cookies([cookie])
        page = context.new_page()
        page.set_default_timeout(patience)
        return page

    yield opening
    for context in opened:
        context.close()
    connections.close_all()
