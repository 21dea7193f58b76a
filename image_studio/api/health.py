"""Health: whether this process lives, and whether the studio can do its work. No paid call, and nothing is written.

Everybody may ask both; what exactly is wrong is told to the site's staff alone.
"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from image_studio.api.base import OpenView, StudioView
from image_studio.api.operations import operation
from image_studio.exceptions import NotAllowed
from image_studio.wording import explain
from image_studio.workflow.health import Readiness, readiness

STATES = ("ok", "warn", "fail")


class Alive(serializers.Serializer):
    """That somebody answers."""

    status = serializers.ChoiceField(choices=["live"])


class ReadyState(serializers.Serializer):
    """Whether work can be done."""

    status = serializers.ChoiceField(choices=["ready", "not_ready"])


class HealthCheck(serializers.Serializer):
    """One thing that was looked at."""

    name = serializers.CharField(help_text="`database`, `private_storage`, `public_storage`, `queue` ...")
    state = serializers.ChoiceField(choices=STATES, help_text="A warning is no failure.")
    code = serializers.CharField(help_text="Of what is wrong; empty where nothing is.")
    message = serializers.CharField(help_text="What is wrong and what to do next.")


class HealthReport(ReadyState):
    """What was seen, a few seconds ago at most."""

    at = serializers.DateTimeField()
    oldest_job_seconds = serializers.IntegerField(
        allow_null=True, help_text="Since the oldest waiting job could have begun; null where none waits."
    )
    workers = serializers.IntegerField(allow_null=True, help_text="That are alive.")
    checks = HealthCheck(many=True)


class Probe(OpenView):
    """Asks for nobody, counts nobody, touches neither session nor cache."""

    tag = "health"
    throttle_classes: Any = ()


class Live(Probe):
    """The process."""

    @operation(
        "getLiveness",
        "Ask whether the process answers",
        description="Touches nothing: no database, no session, no storage. For whoever restarts what hangs.",
        answers={200: Alive},
    )
    def get(self, request: Request) -> Response:
        self.only_query()
        return Response({"status": "live"}, headers=FRESH)


class Ready(Probe):
    """The work."""

    @operation(
        "getReadiness",
        "Ask whether work can be done",
        description=(
            "Looks at the database, both storages and the age of the queue, every few seconds at most. For load "
            "balancers and monitors: 503 where something fails. What it is, `health/` tells the site's staff."
        ),
        answers={200: ReadyState, 503: ReadyState},
    )
    def get(self, request: Request) -> Response:
        self.only_query()
        found = readiness()
        return Response(_status(found), status=200 if found.ready else 503, headers=FRESH)


class Health(StudioView):
    """What exactly is wrong."""

    tag = "health"

    @operation(
        "getHealth",
        "See what is wrong",
        description="For the site's staff: the same look as `health/ready/`, each check with what to do next.",
        answers={200: HealthReport, 503: HealthReport},
        errors=(403,),
    )
    def get(self, request: Request) -> Response:
        self.only_query()
        if not getattr(request.user, "is_staff", False):
            raise NotAllowed("auth.denied")
        found = readiness()
        body = {
            **_status(found),
            "at": found.at,
            "oldest_job_seconds": found.oldest_seconds,
            "workers": found.workers,
            "checks": [_check(check) for check in found.checks],
        }
        return Response(body, status=200 if found.ready else 503)


#: Who asks wants to know how it is now.
FRESH = {"Cache-Control": "no-store"}


def _status(found: Readiness) -> dict[str, Any]:
    return {"status": "ready" if found.ready else "not_ready"}


def _check(check: Any) -> dict[str, Any]:
    message = explain(check.code, check.params) if check.code else ""
    return {"name": check.name, "state": check.state, "code": check.code, "message": message}
