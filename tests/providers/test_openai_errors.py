"""The table of errors: what a server answers, and who has to act."""

import pytest

from image_studio.exceptions import OutcomeUnknown, ProviderRefused, ProviderUnavailable
from image_studio.providers.openai_errors import Reply, answered, retry_after, unanswered
from image_studio.wording import explain_error

ABOUT = {"alias": "openai", "model": "gpt-image-2"}


def error(status, *, headers=None, **body):
    told = {"x-request-id": "req_1", **(headers or {})}
    return answered(Reply(status=status, body=body, headers=told, about=ABOUT))


TABLE = [
    (400, {"code": "moderation_blocked"}, ProviderRefused, "provider.moderation_blocked"),
    (200, {"code": "moderation_blocked"}, ProviderRefused, "provider.moderation_blocked"),
    (400, {"code": "content_policy_violation"}, ProviderRefused, "provider.moderation_blocked"),
    (
        400,
        {"code": "400", "innererror": {"code": "ResponsibleAIPolicyViolation"}},
        ProviderRefused,
        "provider.moderation_blocked",
    ),
    (400, {"code": "invalid_value", "message": "No.", "param": "size"}, ProviderRefused, "provider.bad_request"),
    (400, {"code": "billing_hard_limit_reached"}, ProviderRefused, "provider.quota"),
    (401, {"code": "invalid_api_key"}, ProviderRefused, "provider.auth"),
    (403, {"message": "Your organization must be verified to use it"}, ProviderRefused, "provider.unverified"),
    (403, {"message": "Country not supported"}, ProviderRefused, "provider.auth"),
    (404, {"code": "model_not_found"}, ProviderRefused, "provider.model_not_found"),
    (404, {"code": "DeploymentNotFound"}, ProviderRefused, "provider.model_not_found"),
    (404, {}, ProviderRefused, "provider.wrong_address"),
    (307, {}, ProviderRefused, "provider.wrong_address"),
    (413, {}, ProviderRefused, "provider.bad_request"),
    (422, {"message": "quality"}, ProviderRefused, "provider.bad_request"),
    (429, {"code": "rate_limit_exceeded"}, ProviderUnavailable, "provider.rate_limited"),
    (429, {}, ProviderUnavailable, "provider.rate_limited"),
    (429, {"code": "insufficient_quota"}, ProviderRefused, "provider.quota"),
    (429, {"code": None, "type": "insufficient_quota"}, ProviderRefused, "provider.quota"),
    (408, {}, OutcomeUnknown, "provider.outcome_unknown"),
    (500, {"code": "server_error"}, OutcomeUnknown, "provider.outcome_unknown"),
    (500, {"code": "model_not_found"}, OutcomeUnknown, "provider.outcome_unknown"),
    (502, {}, OutcomeUnknown, "provider.outcome_unknown"),
    (503, {"code": "server_is_overloaded"}, OutcomeUnknown, "provider.outcome_unknown"),
    (504, {}, OutcomeUnknown, "provider.outcome_unknown"),
    (200, {"code": "server_error"}, OutcomeUnknown, "provider.outcome_unknown"),
]


@pytest.mark.parametrize(("status", "body", "kind", "code"), TABLE)
@pytest.mark.parametrize("wrapped", [True, False])
def test_every_answer_has_one_error(wrapped, status, body, kind, code):
    found = error(status, **({"error": body} if wrapped else body))
    assert (type(found), found.code) == (kind, code)
    assert {
        "alias": "openai",
        "model": "gpt-image-2",
        "request_id": "req_1",
        "status": status,
    }.items() <= found.params.items()
    assert "{" not in explain_error(found)


@pytest.mark.parametrize("body", [b"<html>", "", None, [], {"error": "words"}, {"error": [1]}, {"error": {"code": {}}}])
@pytest.mark.parametrize(
    ("status", "kind"), [(400, ProviderRefused), (429, ProviderUnavailable), (500, OutcomeUnknown)]
)
def test_a_body_that_makes_no_sense_changes_nothing(status, kind, body):
    assert type(answered(Reply(status=status, body=body, about=ABOUT))) is kind


@pytest.mark.parametrize(
    ("sent", "wire", "kind", "code"),
    [
        (False, True, ProviderUnavailable, "provider.unreachable"),
        (False, False, ProviderRefused, "provider.broken"),
        (True, True, OutcomeUnknown, "provider.outcome_unknown"),
        (True, False, OutcomeUnknown, "provider.outcome_unknown"),
    ],
)
def test_without_an_answer_it_matters_whether_anything_was_sent(sent, wire, kind, code):
    found = unanswered(sent=sent, wire=wire, reason="ConnectError", request_id="-", **ABOUT)
    assert (type(found), found.code) == (kind, code)
    assert "{" not in explain_error(found)


@pytest.mark.parametrize(
    ("body", "stage", "categories"),
    [
        ({"moderation_details": {"moderation_stage": "output", "categories": ["a", "b"]}}, "output", "a, b"),
        ({"message": "... request ID req_1. safety_violations=[sexual,violence]"}, "unknown", "sexual, violence"),
        ({"moderation_details": "nonsense"}, "unknown", "unknown"),
    ],
)
def test_moderation_says_what_is_known(body, stage, categories):
    found = error(400, code="moderation_blocked", **body)
    assert (found.params["stage"], found.params["categories"]) == (stage, categories)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "12"}, 12.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT", "date": "Sun, 22 Nov 2026 12:00:00 GMT"}, 30.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "inf"}, 86_400.0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_a_wait_is_read_as_it_is_written(headers, seconds):
    assert retry_after(headers) == seconds
    assert error(429, headers=headers).params.get("retry_after") == seconds


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
def test_a_key_in_a_message_goes_no_further(status):
    found = error(status, message="Incorrect API key provided: sk-proj-abcdefghij1234. Bearer abcdefghijk")
    assert "abcdefghij" not in str(found)
    assert "abcdefghij" not in explain_error(found)


def test_a_message_has_an_end():
    assert len(error(400, message="x" * 10_000).params["message"]) <= 300


def test_a_parameters_name_has_an_end_and_holds_no_key():
    assert len(error(400, param="x" * 10_000).params["param"]) <= 80
    assert "abcdefghij" not in error(400, param="Bearer abcdefghijk").params["param"]


def test_what_was_sent_as_a_secret_is_not_repeated():
    """Keys of other vendors look like nothing in particular."""
    body = {"message": "No such key 0a1b2c3d4e5f of x", "param": "0a1b2c3d4e5f"}
    found = answered(Reply(status=400, body=body, about=ABOUT, secrets=("0a1b2c3d4e5f", "", "x")))
    assert (found.params["message"], found.params["param"]) == ("No such key ... of x", "...")
