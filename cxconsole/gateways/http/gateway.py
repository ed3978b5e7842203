"""The custom HTTP gateway: one request a message, over kept connections."""

import asyncio
import contextlib
import logging
import ssl
import time

import httpx

from cxconsole import clock
from cxconsole.gateways.http.settings import HttpSecrets, HttpSettings
from cxconsole.gateways.http.templates import (
    BadTemplate,
    RenderedRequest,
    RequestTemplates,
    message_values,
    sample_values,
)
from cxconsole.gateways.http.verdicts import Answer, AnswerReader
from cxconsole.gateways.kind import GatewayContext
from cxconsole.gateways.outgoing import NameNotFound, OutgoingGuard, OutgoingRefused, PinnedUrl
from cxconsole.gateways.port import GatewayError, OutgoingMessage, Receipt, TestStep
from cxconsole.gateways.tls import describe_connection, make_client_context

_LONGEST_ANSWER = 64 * 1024
_SHORTEST_SECRET = 4  # a shorter one would be found everywhere


class HttpGateway:
    """Sends through the vendor that the settings describe."""

    def __init__(self, settings: HttpSettings, secrets: HttpSecrets, guard: OutgoingGuard) -> None:
        self.concurrency = settings.connections
        self._settings = settings
        self._secrets = {name: value for name, value in secrets.model_dump().items() if value}
        self._guard = guard
        self._templates = RequestTemplates(url=settings.url, headers=settings.headers, body=settings.body)
        self._reader = AnswerReader(settings)
        self._client: httpx.AsyncClient | None = None

    async def send(self, message: OutgoingMessage) -> Receipt:
        """Hand one message over. Raises GatewayError, in whose words no secret occurs."""
        try:
            try:
                request = self._render(message)
            except BadTemplate as error:
                raise GatewayError(f"The request could not be written: {error}", permanent=True) from None
            return self._reader.read(await self._ask(request), now=clock.now())
        except GatewayError as error:
            error.detail = self._redact(error.detail)
            error.args = (error.detail,)
            raise

    async def test(self, target: str | None) -> list[TestStep]:
        """Request written, name found, connected, and with a target a test message taken."""
        steps: list[TestStep] = []
        try:
            begun = time.perf_counter()
            request = self._templates.render(self._sample(target))
            steps.append(_step("Request written", begun, f"{self._settings.method} {request.url.host}."))
            begun = time.perf_counter()
            pinned = await self._guard.pin(request.url)
            steps.append(_step("Name found", begun, f"{request.url.host} is {pinned.address}."))
            begun = time.perf_counter()
            steps.append(_step("Connected", begun, await self._connect(pinned, request.url)))
        except BadTemplate as error:
            return [_step("Request written", begun, str(error), ok=False)]
        except (NameNotFound, OutgoingRefused) as error:
            return [*steps, _step("Name found", begun, str(error), ok=False)]
        except GatewayError as error:
            return [*steps, _step("Connected", begun, self._redact(error.detail), ok=False)]
        if target:
            steps.append(await self._try_message(target))
        return steps

    async def close(self) -> None:
        """Let go of connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _render(self, message: OutgoingMessage) -> RenderedRequest:
        return self._templates.render(
            message_values(
                target=message.target, text=message.text, subject=message.subject, message_id=message.message_id,
                sender=self._settings.sender, fields=message.fields, secrets=self._all_secrets(),
            )
        )  # fmt: skip

    def _sample(self, target: str | None) -> dict:
        return sample_values(self._settings.sender, target=target or "+15550100123")

    def _all_secrets(self) -> dict[str, str]:
        return {"token": "", "username": "", "password": "", **self._secrets}

    async def _ask(self, request: RenderedRequest) -> Answer:
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                pinned = await self._guard.pin(request.url)
                return await self._exchange(request, pinned)
        except (NameNotFound, OutgoingRefused) as error:
            raise _whole(str(error)) from None
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise _whole(_connect_words(error, request.url)) from None
        except httpx.PoolTimeout:
            raise GatewayError("All connections were busy for too long.", permanent=False) from None
        except (httpx.WriteError, httpx.WriteTimeout) as error:
            raise _whole(f"The request could not be sent to the end: {error or type(error).__name__}.") from None
        except (TimeoutError, httpx.TimeoutException):
            raise _whole(
                f"The vendor did not answer within {self._settings.timeout_seconds:g} seconds; it may have taken the "
                "message.", in_doubt=True,
            ) from None  # fmt: skip
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise _whole(
                f"The connection broke off before the answer ({error or type(error).__name__}); the vendor may have "
                "taken the message.", in_doubt=True,
            ) from None  # fmt: skip

    async def _exchange(self, request: RenderedRequest, pinned: PinnedUrl) -> Answer:
        built = self._open_client().build_request(
            self._settings.method, pinned.url, content=request.body or None,
            headers={"User-Agent": "cxconsole", "Accept-Encoding": "identity", **request.headers, **pinned.headers},
            extensions=pinned.extensions,
        )  # fmt: skip
        response = await self._open_client().send(built, stream=True)
        body = bytearray()
        try:
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > _LONGEST_ANSWER:
                    break
        finally:
            await response.aclose()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, headers, bytes(body[:_LONGEST_ANSWER]))

    async def _connect(self, pinned: PinnedUrl, url: httpx.URL) -> str:
        """Connect to the checked address, with TLS when the URL has it, and hang up."""
        port = url.port or (443 if url.scheme == "https" else 80)
        tls = self._tls() if url.scheme == "https" else None
        try:
            async with asyncio.timeout(self._settings.connect_timeout_seconds):
                _, writer = await asyncio.open_connection(
                    pinned.address, port, ssl=tls, server_hostname=url.host if tls else None
                )
        except TimeoutError:
            seconds = self._settings.connect_timeout_seconds
            raise _whole(
                f"{url.host}:{port} did not answer within {seconds:g} seconds. Check port and firewall."
            ) from None
        except OSError as error:
            raise _whole(_connect_words(error, url)) from None
        connection = writer.get_extra_info("ssl_object")
        writer.close()
        with contextlib.suppress(OSError):  # it was reached; how it says goodbye does not matter
            await writer.wait_closed()
        return describe_connection(connection, verify=self._settings.verify)

    def _tls(self) -> ssl.SSLContext:
        return make_client_context(verify=self._settings.verify, ca_certificate=self._settings.ca_certificate)

    async def _try_message(self, target: str) -> TestStep:
        begun = time.perf_counter()
        message = OutgoingMessage(
            delivery_id=None, message_id=f"test.{int(clock.now().timestamp() * 1000)}@cxconsole", target=target,
            text="This message shows that the gateway works. There is nothing to do.",
        )  # fmt: skip
        try:
            receipt = await self.send(message)
        except GatewayError as error:
            return _step("Test message accepted", begun, error.detail, ok=False)
        detail = self._redact(receipt.detail)
        if receipt.provider_id:
            detail += f" Message id {receipt.provider_id}."
        return _step("Test message accepted", begun, detail)

    def _open_client(self) -> httpx.AsyncClient:
        if self._client is None:
            settings = self._settings
            self._client = httpx.AsyncClient(
                verify=self._tls(), follow_redirects=False, trust_env=False,
                timeout=httpx.Timeout(settings.timeout_seconds, connect=settings.connect_timeout_seconds),
                limits=httpx.Limits(
                    max_connections=settings.connections, max_keepalive_connections=settings.connections
                ),
            )  # fmt: skip
        return self._client

    def _redact(self, words: str) -> str:
        secrets = message_values(
            target="", text="", subject="", message_id="", sender="", fields={}, secrets=self._secrets
        )["secrets"]
        for value in secrets.values():
            if len(value) >= _SHORTEST_SECRET:
                words = words.replace(value, "***")
        return words


def build(settings: HttpSettings, secrets: HttpSecrets, context: GatewayContext) -> HttpGateway:
    """The gateway of one row."""
    for noisy in ("httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)  # they log whole URLs and headers, secrets included
    return HttpGateway(settings, secrets, OutgoingGuard(context.console))


def _step(name: str, begun: float, detail: str, *, ok: bool = True) -> TestStep:
    return TestStep(name=name, ok=ok, detail=detail, milliseconds=round((time.perf_counter() - begun) * 1000))


def _whole(detail: str, *, in_doubt: bool = False) -> GatewayError:
    return GatewayError(detail, permanent=False, whole_gateway=True, in_doubt=in_doubt)


def _connect_words(error: BaseException, url: httpx.URL) -> str:
    where = f"{url.host}:{url.port}" if url.port else url.host
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return f"The certificate of {where} is not trusted: {words}. Check the name in the URL, or turn the check off."
    if "SSL" in str(error):
        return f"TLS with {where} failed: {words}. Check whether the URL should begin with http:// instead."
    if isinstance(error, ConnectionRefusedError | httpx.ConnectError):
        return f"{where} refused the connection. Check the URL's host and port."
    return f"The connection to {where} failed: {words}."
