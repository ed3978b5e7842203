"""What an admin describes of a vendor's HTTP interface."""

import re
from enum import StrEnum
from typing import Literal

from pydantic import Field, field_validator, model_validator

from cxconsole.gateways.http.paths import BadPath, parse_path
from cxconsole.gateways.http.templates import BadTemplate, RequestTemplates
from cxconsole.gateways.kind import GatewaySettings
from cxconsole.gateways.tls import check_certificate

_STATUS = re.compile(r"\s*([1-5]\d\d)(?:\s*-\s*([1-5]\d\d))?\s*")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")
_NESTED_REPEAT = re.compile(r"[+*}]\)*\)[+*{]")


class IdSource(StrEnum):
    """Where the vendor's own id of a message is in its answer."""

    NONE = "none"
    JSON = "json"
    HEADER = "header"
    REGEX = "regex"


class HttpSettings(GatewaySettings):
    """URL, headers and body are Jinja templates over target, text, subject, message_id, sender, fields and secrets."""

    method: Literal["GET", "POST", "PUT", "PATCH"] = Field("POST", description="The HTTP method.")
    url: str = Field(min_length=1, max_length=2000, description="The address; merged values are URL-encoded.")
    headers: dict[str, str] = Field(default_factory=dict, description="Name to template of its value.")
    body: str = Field(
        "", max_length=20_000, description="In JSON write {{ target | tojson }} for the number and {{ text | tojson }}."
    )
    sender: str = Field("", max_length=120, description="The sender's name or number, for the templates.")
    success_status: str = Field("200-299", description="Status codes that mean taken, such as “200-299, 409”.")
    success_path: str = Field("", description="JSON path that must have the value below, such as “messages[0].status”.")
    success_equals: str = Field("", description="That value; several are separated by “|”.")
    id_from: IdSource = Field(IdSource.NONE, description="none, json, header or regex.")
    id_at: str = Field("", max_length=200, description="The JSON path, header name or regular expression.")
    error_path: str = Field("", description="JSON path of the vendor's words when it refuses.")
    verify: bool = Field(True, description="Whether the server's certificate is checked.")
    ca_certificate: str = Field("", description="PEM of an authority of the house, trusted besides the known ones.")
    connections: int = Field(10, ge=1, le=100, description="Requests at once.")
    connect_timeout_seconds: float = Field(5, gt=0, le=60, description="Time to connect.")
    timeout_seconds: float = Field(15, gt=0, le=120, description="Time for the whole request.")

    @field_validator("success_status")
    @classmethod
    def _are_codes(cls, value: str) -> str:
        parse_statuses(value)
        return value

    @field_validator("success_path", "error_path")
    @classmethod
    def _is_a_path(cls, value: str) -> str:
        return _checked_path(value)

    @field_validator("ca_certificate")
    @classmethod
    def _is_pem(cls, value: str) -> str:
        return check_certificate(value)

    @field_validator("headers")
    @classmethod
    def _are_headers(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if not _HEADER_NAME.fullmatch(name):
                raise ValueError(f"“{name}” is not the name of a header.")
            if name.lower() in ("host", "content-length", "transfer-encoding", "connection"):
                raise ValueError(f"The header {name} is written by the console itself.")
        return value

    @model_validator(mode="after")
    def _fit_together(self) -> "HttpSettings":
        if self.success_path and not self.success_equals:
            raise ValueError("success_equals: say which value at the success path means taken.")
        if self.id_from is not IdSource.NONE and not self.id_at:
            raise ValueError("id_at: say where the message id is.")
        if self.id_from is IdSource.JSON:
            _checked_path(self.id_at)
        if self.id_from is IdSource.REGEX:
            _check_pattern(self.id_at)
        try:
            RequestTemplates(url=self.url, headers=self.headers, body=self.body).try_out(sender=self.sender)
        except BadTemplate as error:
            raise ValueError(str(error)) from None
        return self


class HttpSecrets(GatewaySettings):
    """What is kept sealed; a template writes {{ secrets.token }}."""

    token: str = Field("", description="A bearer token or API key.")
    username: str = Field("", description="A user name, for {{ secrets.basic }}.")
    password: str = Field("", description="A password, for {{ secrets.basic }}.")


def parse_statuses(text: str) -> list[tuple[int, int]]:
    """“200-299, 409” as ranges. Raises ValueError."""
    ranges = []
    for part in text.split(","):
        found = _STATUS.fullmatch(part)
        if not found:
            raise ValueError("Write status codes as “200-299” or “200, 202”.")
        ranges.append((int(found[1]), int(found[2] or found[1])))
    return ranges


def _checked_path(value: str) -> str:
    if value:
        try:
            parse_path(value)
        except BadPath as error:
            raise ValueError(str(error)) from None
    return value


def _check_pattern(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"id_at: this regular expression does not work: {error}.") from None
    if _NESTED_REPEAT.search(pattern):
        raise ValueError("id_at: a repeat within a repeat can take for ever. Simplify the expression.")
