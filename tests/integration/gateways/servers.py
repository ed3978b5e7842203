"""Mail servers that misbehave in ways a well-meaning library cannot."""

import asyncio
import datetime
import ssl
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class RawServer:
    """Speaks just enough SMTP. `script[word]` is what it does at a command, at “hello”, or at “dot”.

    A script is the bytes to answer, “drop” to cut the line, “hang” to say nothing more, or a
    function of how often this came that returns one of these. `commands` is what it was sent.
    """

    def __init__(self, *, pipelining: bool = True, **script: bytes | str | Callable[[int], bytes | str | None]) -> None:
        self.script = script
        self.pipelining = pipelining
        self.commands: list[str] = []
        self.messages: list[bytes] = []
        self.connections = 0

    def __call__(self) -> "_RawSession":
        return _RawSession(self)

    def answer(self, word: str, usual: bytes) -> bytes | str:
        told = self.script.get(word)
        if callable(told):
            told = told(sum(one.split()[0] == word for one in self.commands) if word != "hello" else self.connections)
        return told or usual


class _RawSession(asyncio.Protocol):
    def __init__(self, server: RawServer) -> None:
        self.server = server
        self.buffer = b""
        self.in_data = False
        self.hanging = False

    def connection_made(self, transport) -> None:
        self.transport = transport
        self.server.connections += 1
        self.say("hello", b"220 raw.test ready\r\n")

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while not self.hanging and not self.transport.is_closing():
            if self.in_data:
                message, dot, rest = self.buffer.partition(b"\r\n.\r\n")
                if not dot and self.buffer.startswith(b".\r\n"):
                    message, dot, rest = b"", b".", self.buffer[3:]
                if not dot:
                    return
                self.buffer, self.in_data = rest, False
                self.server.messages.append(message)
                self.server.commands.append("dot")
                self.say("dot", b"250 2.0.0 queued\r\n")
                continue
            line, end, rest = self.buffer.partition(b"\r\n")
            if not end:
                return
            self.buffer = rest
            word = line.split()[0].decode().upper()
            self.server.commands.append(line.decode())
            self.say(word, self.usual(word))

    def usual(self, word: str) -> bytes:
        if word == "EHLO":
            return b"250-raw.test\r\n" + (b"250-PIPELINING\r\n" if self.server.pipelining else b"") + b"250 HELP\r\n"
        return {"DATA": b"354 go ahead\r\n", "QUIT": b"221 bye\r\n"}.get(word, b"250 OK\r\n")

    def say(self, word: str, usual: bytes) -> None:
        answer = self.server.answer(word, usual)
        if answer == "drop":
            self.transport.abort()
        elif answer == "hang":
            self.hanging = True
        else:
            assert isinstance(answer, bytes)
            self.transport.write(answer)
            self.in_data = word == "DATA" and answer.startswith(b"354")
            if word == "QUIT" or answer.startswith(b"421"):
                self.transport.close()


class Authority:
    """A certificate authority of the tests."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of the tests")])
        self._certificate = (
            self._builder(self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .add_extension(_usage(signs=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.pem = self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    def serve_as(self, name: str) -> ssl.SSLContext:
        """TLS for a server with this name."""
        key = ec.generate_private_key(ec.SECP256R1())
        signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            self._builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(signer, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        path = self._folder / f"{name}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=signs, crl_sign=signs, encipher_only=False, decipher_only=False,
    )  # fmt: skip
