"""What every test shares: a server that is not there is said once, and skips; in CI it fails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.operations import BaseDatabaseOperations
from django.utils import translation
from hypothesis import settings as hypothesis_settings

from image_studio import conf
from image_studio.models import guards
from tests.settings import ENGINE

# A machine that does other work is slow now and then; an example that never ends is found all the same.
hypothesis_settings.register_profile("image_studio", deadline=None)
hypothesis_settings.load_profile("image_studio")


@cache
def unreachable() -> str:
    """Why the database of this run cannot be reached, or empty. SQLite always can."""
    if ENGINE == "sqlite":
        return ""
    row = settings.DATABASES["default"]
    place = f"{ENGINE} at {row['HOST']}:{row['PORT']}"
    driver, name = ("psycopg", "dbname") if ENGINE == "postgresql" else ("MySQLdb", "database")
    try:
        module: Any = import_module(driver)
    except ImportError as error:
        return f"no driver for {ENGINE}: {error}; make test-services installs it"
    options = {name: row["NAME"], "user": row["USER"], "password": row["PASSWORD"], "connect_timeout": 5}
    try:
        module.connect(host=row["HOST"], port=int(row["PORT"]), **options).close()
    except module.Error as error:
        return f"no {place}: {str(error).strip().splitlines()[0]}"
    return ""


#: Modules that would take the default suite over its minute on two cores. tox runs them, see tox.ini; the
#: ledger's, runner's and workflow's run on PostgreSQL and MariaDB.
THOROUGH = (
    "admin/test_asset.py",
    "admin/test_blur.py",
    "admin/test_brand.py",
    "admin/test_chain.py",
    "admin/test_chain_archive.py",
    "admin/test_changing.py",
    "admin/test_generate.py",
    "admin/test_generate_openai.py",
    "admin/test_generate_price.py",
    "admin/test_library.py",
    "admin/test_orders.py",
    "admin/test_pages.py",
    "admin/test_prompt.py",
    "admin/test_replay.py",
    "admin/test_review_board.py",
    "admin/test_sheet.py",
    "admin/test_sheet_inspector.py",
    "admin/test_sheet_live.py",
    "api/test_cells.py",
    "api/test_chain_archive.py",
    "api/test_chains.py",
    "api/test_chains_masks.py",
    "api/test_chains_speed.py",
    "api/test_money.py",
    "api/test_prompts.py",
    "api/test_schema.py",
    "api/test_usage.py",
    "api/test_variant_sets.py",
    "commands/test_chain.py",
    "commands/test_commands.py",
    "commands/test_generate_openai.py",
    "commands/test_money.py",
    "fakes/test_openai_faults.py",
    "fakes/test_openai_refusals.py",
    "fakes/test_openai_server.py",
    "imaging/test_colour.py",
    "imaging/test_compose.py",
    "imaging/test_drift.py",
    "imaging/test_pasteback.py",
    "imaging/test_recompose.py",
    "imaging/test_registration.py",
    "ledger/test_entries.py",
    "ledger/test_replays.py",
    "providers/test_openai.py",
    "providers/test_openai_moderation.py",
    "providers/test_openai_recover.py",
    "providers/test_previs.py",
    "rights/test_bad_input.py",
    "rights/test_canary.py",
    "rights/test_matrix.py",
    "rights/test_methods.py",
    "rights/test_owned_fields.py",
    "rights/test_private.py",
    "rights/test_sources.py",
    "rights/test_spending.py",
    "runner/test_doctor_hosts.py",
    "runner/test_early.py",
    "runner/test_editing.py",
    "runner/test_inheriting.py",
    "runner/test_machine.py",
    "runner/test_moderating.py",
    "runner/test_openai_faults.py",
    "runner/test_outcomes.py",
    "runner/test_restore.py",
    "runner/test_travel.py",
    "runner/test_worker.py",
    "services/test_races.py",
    "services/test_twins.py",
    "test_api_guide.py",
    "workflow/test_archive.py",
    "workflow/test_chain_export.py",
    "workflow/test_chain_import.py",
    "workflow/test_chains.py",
    "workflow/test_changing.py",
    "workflow/test_costs.py",
    "workflow/test_edit_files.py",
    "workflow/test_finish.py",
    "workflow/test_real_input.py",
    "workflow/test_refused_options.py",
    "workflow/test_replays.py",
    "workflow/test_request.py",
    "workflow/test_review.py",
    "workflow/test_steps.py",
    "workflow/test_unknowns.py",
)
HERE = Path(__file__).parent


def _is_superuser(connection: BaseDatabaseWrapper) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SHOW is_superuser")
        return cursor.fetchone()[0] == "on"


def _delete(connection: BaseDatabaseWrapper) -> None:
    """What the flush would truncate; sequences go on, as in Django's own flush."""
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table in tables:
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")


@pytest.fixture(scope="session", autouse=True)
def _triggers_let_flush():
    """The ledger's triggers are on in every test; whoever empties the tables between two takes them away first.

    ``post_migrate``, which a flush sends, makes them anew. On PostgreSQL a superuser looks past triggers and foreign
    keys instead, and deletes: a TRUNCATE makes new files for each table and index, a second where a DELETE takes 10 ms.
    """
    real = BaseDatabaseOperations.execute_sql_flush

    def flush(ops, sql_list):
        if ops.connection.vendor == "postgresql" and _is_superuser(ops.connection):
            return _delete(ops.connection)
        guards.remove(ops.connection.alias)
        return real(ops, sql_list)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseDatabaseOperations, "execute_sql_flush", flush)
        yield


@pytest.fixture(autouse=True)
def _own_language():
    """A request in another language leaves it behind in its thread; a server's next request would choose anew."""
    yield
    translation.deactivate()


#: The day on which the tests run, whenever that is: models end, and routes switch. Tests of that set another.
DAY = date(2026, 11, 22)


@pytest.fixture(scope="session", autouse=True)
def _day():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conf, "today", lambda: DAY)
        yield


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Half of the tests are in the thorough modules: whoever asked for none of them should not read them either."""
    return True if "not thorough" in config.option.markexpr and _is_thorough(collection_path) else None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Marks before ``-m`` looks at them; once the order is shuffled, what takes minutes comes first."""
    _mark(items)
    yield
    items[:] = _long_first(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def _long_first(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """Each worker begins with its share of what takes minutes: xdist gives each a run of the list, of one length."""
    long = [item for item in items if item.get_closest_marker("long")]
    rest = [item for item in items if not item.get_closest_marker("long")]
    found: list[pytest.Item] = []
    for worker in range(workers):
        mine, size = long[worker::workers], (len(items) - len(found)) // (workers - worker)
        more = max(0, size - len(mine))
        found += [*mine, *rest[:more]]
        rest = rest[more:]
    return found + rest


def _is_thorough(path: Path) -> bool:
    return path.is_relative_to(HERE) and path.relative_to(HERE).as_posix() in THOROUGH


def _mark(items: list[pytest.Item]) -> None:
    for item in items:
        if _is_thorough(item.path):
            item.add_marker(pytest.mark.thorough)
    reason = unreachable()
    if not reason or not items:
        return
    if os.environ.get("CI") == "true":
        pytest.exit(f"{reason}. CI runs these tests, so this is a failure.", returncode=1)
    for item in items:
        item.add_marker(pytest.mark.skip(reason=reason))
