"""django-tasks wants its task by that name in a module."""

from __future__ import annotations

from django_tasks import task


@task()
def no_op(number: int) -> None:
    """Nothing."""
