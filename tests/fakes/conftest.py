"""A fake of OpenAI's images API and a client of it, for the tests of both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from tests.fakes.openai_server import Fake, serve


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    with serve(ledger=tmp_path / "ledger.jsonl", refuse_seconds=30) as server:
        yield server


@pytest.fixture(scope="session")
def sdk() -> Iterator[openai.OpenAI]:
    """One for all, since each reads the machine's certificates when it is made."""
    with openai.OpenAI(api_key="sk-test", max_retries=0, timeout=10) as sdk:
        yield sdk


@pytest.fixture
def client(fake: Fake, sdk: openai.OpenAI) -> openai.OpenAI:
    return sdk.with_options(base_url=fake.base_url)
