"""From a host name to a connection that takes messages, step by step.

The same steps serve sending and the gateway's test, so that a test that passes means what it says.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

import aiosmtplib

from cxconsole.gateways.port import GatewayError, TestStep
from cxconsole.gateways.smtp.address import parse_sender
from cxconsole.gateways.smtp.dialogue import Dialogue, Reply, as_dialogue
from cxconsole.gateways.smtp.settings import SmtpSecrets, SmtpSettings, TlsMode
from cxconsole.gateways.smtp.verdicts import code_of, said, temporary_verdict
from cxconsole.gateways.tls import describe_connection, make_client_context


@dataclass(kw_only=True)
class Steps:
    """What was done so far and how long each took."""

    done: list[TestStep] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        """Time one step; the block appends what it found. A GatewayError is noted and passes on."""
        found: list[str] = []
        begun = time.perf_counter()
        try:
            yield found
        except GatewayError as error:
            self._note(name, ok=False, detail=error.detail, begun=begun)
            raise
        self._note(name, ok=True, detail=" ".join(found), begun=begun)

    def _note(self, name: str, *, ok: bool, detail: str, begun: float) -> None:
        milliseconds = round((time.perf_counter() - begun) * 1000)
        self.done.append(TestStep(name=name, ok=ok, detail=detail, milliseconds=milliseconds))


def make_tls_context(settings: SmtpSettings) -> ssl.SSLContext | None:
    """The rules of TLS for these settings; None when it is not used."""
    if settings.tls is TlsMode.NONE:
        return None
    return make_client_context(verify=settings.verify, ca_certificate=settings.ca_certificate)


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """A connection ready for messages, and what its server can do."""

    dialogue: Dialogue
    smtputf8: bool
    pipelining: bool


async def sign_in(
    settings: SmtpSettings, secrets: SmtpSecrets, tls: ssl.SSLContext | None, *, steps: Steps | None = None
) -> SignedIn:
    """Connect and sign in. Raises GatewayError that speaks about the whole gateway."""
    steps = steps or Steps()
    with steps.step("Name found") as found:
        found.append(await _find_name(settings))
    client = aiosmtplib.SMTP(
        hostname=settings.host,
        port=settings.port,
        use_tls=settings.tls is TlsMode.IMPLICIT,
        start_tls=False,
        tls_context=tls,
        timeout=settings.connect_timeout_seconds,
        local_hostname=settings.hello_name or parse_sender(settings.sender).address.rpartition("@")[2],
    )
    try:
        with steps.step("Connected") as found:
            await _with_verdicts(settings, lambda: _connect(client, settings, found))
        if settings.username:
            with steps.step("Signed in") as found:
                await _with_verdicts(settings, lambda: _log_in(client, settings, secrets, found))
    except BaseException:
        if client.transport is not None:
            cast(asyncio.Transport, client.transport).abort()  # an orderly end of TLS can take long
        client.close()
        raise
    pipelining = settings.pipelining and client.supports_extension("pipelining")
    assert client.transport is not None
    dialogue = as_dialogue(client.transport, pipelining=pipelining, timeout_seconds=settings.timeout_seconds)
    return SignedIn(dialogue=dialogue, smtputf8=client.supports_extension("smtputf8"), pipelining=pipelining)


async def _find_name(settings: SmtpSettings) -> str:
    try:
        async with asyncio.timeout(settings.connect_timeout_seconds):
            found = await asyncio.get_running_loop().getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
    except TimeoutError:
        raise _whole(f"The name {settings.host} was not answered in time. Check this machine's name server.") from None
    except (OSError, UnicodeError) as error:
        raise _whole(f"The name {settings.host} was not found ({_os_words(error)}). Check its spelling.") from None
    return f"{settings.host} is {found[0][4][0]}."


async def _connect(client: aiosmtplib.SMTP, settings: SmtpSettings, found: list[str]) -> None:
    await client.connect()
    if settings.tls is TlsMode.STARTTLS:
        await client.ehlo()
        if not client.supports_extension("starttls"):
            raise _whole(
                f"{settings.host}:{settings.port} does not offer STARTTLS. Use port 465 with TLS mode implicit, "
                "or TLS mode none if the way to the server is safe."
            )
        await client.starttls()
    await client.ehlo()
    found.append(describe_connection(client.get_transport_info("ssl_object"), verify=settings.verify))


async def _log_in(client: aiosmtplib.SMTP, settings: SmtpSettings, secrets: SmtpSecrets, found: list[str]) -> None:
    assert settings.username is not None
    if not client.supported_auth_methods:
        hint = " Many servers offer it after TLS only." if settings.tls is TlsMode.NONE else ""
        raise _whole(f"The server does not offer a sign-in that we know.{hint} Or leave the user name empty.")
    await client.login(settings.username, secrets.password)
    found.append(f"Signed in as {settings.username}.")


async def _with_verdicts(settings: SmtpSettings, act: Callable[[], Awaitable[None]]) -> None:
    where = f"{settings.host}:{settings.port}"
    try:
        await act()
    except aiosmtplib.SMTPAuthenticationError as error:
        reply = Reply(error.code, error.message)
        if 400 <= error.code < 500 and error.code != 432:
            raise temporary_verdict(reply) from None
        raise _whole(
            f"{where} did not accept the sign-in of {settings.username}: {said(reply)} Check user name and password.",
            code=code_of(reply),
        ) from None
    except aiosmtplib.SMTPResponseException as error:
        reply = Reply(error.code, error.message)
        if 400 <= error.code < 500:
            raise temporary_verdict(reply) from None
        raise _whole(f"{where} does not take connections: {said(reply)}", code=code_of(reply)) from None
    except (aiosmtplib.SMTPTimeoutError, TimeoutError):
        raise _whole(
            f"{where} did not answer within {settings.connect_timeout_seconds:g} seconds. Check host, port and "
            f"firewall{_wrong_mode(settings)}."
        ) from None
    except (aiosmtplib.SMTPException, OSError) as error:
        raise _connection_verdict(error, settings, where) from None


def _connection_verdict(error: BaseException, settings: SmtpSettings, where: str) -> GatewayError:
    causes = [error]
    while causes[-1].__cause__ is not None:
        causes.append(causes[-1].__cause__)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _whole(
                f"The certificate of {where} is not trusted: {cause.verify_message}. Use the name that is in the "
                "certificate, add the authority that signed it, or turn the check off if the way there is safe."
            )
        if isinstance(cause, ssl.SSLError):
            return _whole(
                f"TLS with {where} failed: {cause.reason or cause}. Port 465 wants TLS mode implicit, 587 and 25 "
                "want starttls."
            )
        if isinstance(cause, ConnectionRefusedError):
            return _whole(f"{where} refused the connection. Check the port, and that the server runs.")
    return _whole(f"The connection to {where} failed: {_os_words(causes[-1])}{_wrong_mode(settings)}.")


def _wrong_mode(settings: SmtpSettings) -> str:
    if settings.tls is TlsMode.IMPLICIT:
        return "; a server without TLS on this port behaves like this too"
    return "; a server that wants TLS mode implicit behaves like this too"


def _os_words(error: BaseException) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".")


def _whole(detail: str, *, code: str = "") -> GatewayError:
    return GatewayError(detail, permanent=False, code=code, whole_gateway=True)
