"""Refusals in the shape the API gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Problem(Exception):
    """An answer that is an error. ``body`` is what stands under ``error``."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        code: str | None = "invalid_value",
        param: str | None = None,
        type: str = "invalid_request_error",  # noqa: A002 - the word of the API
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status, self.headers = status, dict(headers or {})
        self.body = {"message": message, "type": type, "param": param, "code": code, **more}


def unknown_parameter(name: str) -> Problem:
    return Problem(f"Unknown parameter: '{name}'.", code="unknown_parameter", param=name)


def missing(name: str) -> Problem:
    return Problem(f"Missing required parameter: '{name}'.", code="missing_required_parameter", param=name)


def no_key() -> Problem:
    return Problem(
        "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
        "(i.e. Authorization: Bearer YOUR_KEY).",
        status=401,
        code=None,
    )


def wrong_key() -> Problem:
    return Problem("Incorrect API key provided: sk-***.", status=401, code="invalid_api_key")


def unverified(model: str) -> Problem:
    return Problem(
        f"Your organization must be verified to use the model `{model}`. Please go to: "
        "https://platform.openai.com/settings/organization/general and click on Verify Organization. If you just "
        "verified, it can take up to 15 minutes for access to propagate.",
        status=403,
        code=None,
    )


def quota() -> Problem:
    return Problem(
        "You exceeded your current quota, please check your plan and billing details.",
        status=429,
        code="insufficient_quota",
        type="insufficient_quota",
    )


def rate_limited(headers: Mapping[str, str]) -> Problem:
    return Problem(
        "Rate limit reached for images per minute (IPM): Limit 5, Used 5, Requested 1. Please try again in 12s.",
        status=429,
        code="rate_limit_exceeded",
        type="requests",
        headers=headers,
    )


def no_model(model: str) -> Problem:
    return Problem(
        f"The model '{model}' does not exist or you do not have access to it.", status=404, code="model_not_found"
    )


def no_such(path: str) -> Problem:
    return Problem(f"Invalid URL (POST {path})", status=404, code="unknown_url")


def no_deployment() -> Problem:
    return Problem(
        "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, "
        "please wait a moment and try again.",
        status=404,
        code="DeploymentNotFound",
    )


def blocked(stage: str, categories: list[str], request_id: str) -> Problem:
    """``stage`` is ``input`` or ``output``."""
    return Problem(
        "Your request was rejected by the safety system. If you believe this is an error, contact us at "
        f"help.openai.com and include the request ID {request_id}. safety_violations=[{', '.join(categories)}].",
        code="moderation_blocked",
        type="image_generation_user_error",
        moderation_details={"moderation_stage": stage, "categories": categories},
    )
