"""What an admin sets of an SMTP gateway."""

from enum import StrEnum

from pydantic import Field, field_validator

from cxconsole.gateways.kind import GatewaySettings
from cxconsole.gateways.smtp.address import BadAddress, parse_sender
from cxconsole.gateways.tls import check_certificate


class TlsMode(StrEnum):
    """None at all, upgraded after connecting (port 587), or from the first byte (port 465)."""

    NONE = "none"
    STARTTLS = "starttls"
    IMPLICIT = "implicit"


class SmtpSettings(GatewaySettings):
    """Where the server is, how to talk to it, and in whose name."""

    host: str = Field(min_length=1, max_length=253, description="Name or address of the mail server.")
    port: int = Field(587, ge=1, le=65535, description="587 with STARTTLS, or 465 when encrypted from the start.")
    tls: TlsMode = Field(TlsMode.STARTTLS, description="none, starttls or implicit.")
    verify: bool = Field(True, description="Whether the server's certificate is checked.")
    ca_certificate: str = Field("", description="PEM of an authority of the house, trusted besides the known ones.")
    username: str | None = Field(None, description="The name to sign in with; null does not sign in.")
    sender: str = Field(description="The From of every message, such as “Acme <hello@acme.example>”.")
    return_path: str = Field("", description="Where bounces go; empty means the sender's address.")
    reply_to: str = Field("", description="Where answers go; empty means the sender.")
    hello_name: str = Field("", description="The name given in EHLO; empty means the sender's domain.")
    connections: int = Field(10, ge=1, le=100, description="Connections kept open at once.")
    messages_per_connection: int = Field(1000, ge=1, description="After so many a connection is made anew.")
    pipelining: bool = Field(True, description="Whether commands are sent together when the server offers it.")
    connect_timeout_seconds: float = Field(10, gt=0, le=120, description="Time to connect and sign in.")
    timeout_seconds: float = Field(60, gt=0, le=600, description="Time for each answer of the server.")

    @field_validator("host", "hello_name")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        value = value.strip()
        if any(character.isspace() or not character.isprintable() or character in "/@" for character in value):
            raise ValueError("Give a name such as mail.example.com, without a scheme or path.")
        return value

    @field_validator("username")
    @classmethod
    def _empty_is_none(cls, value: str | None) -> str | None:
        return value or None

    @field_validator("sender")
    @classmethod
    def _is_a_sender(cls, value: str) -> str:
        return _checked_sender(value)

    @field_validator("return_path", "reply_to")
    @classmethod
    def _is_empty_or_a_sender(cls, value: str) -> str:
        return _checked_sender(value) if value.strip() else ""

    @field_validator("ca_certificate")
    @classmethod
    def _is_pem(cls, value: str) -> str:
        return check_certificate(value)


class SmtpSecrets(GatewaySettings):
    """What is kept sealed."""

    password: str = Field("", description="The password to sign in with.")


def _checked_sender(value: str) -> str:
    try:
        parse_sender(value)
    except BadAddress as error:
        raise ValueError(str(error)) from None
    return value.strip()
