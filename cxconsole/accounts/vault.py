"""Secrets at rest: encrypted with a key from the environment, or from a key file made on first start."""

import base64
import hashlib
import json
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cxconsole.errors import CxError

_NONCE = 12
_WRONG_KEY = (
    "A stored secret cannot be read: CXCONSOLE_SECRET_KEY (or, without it, secret.key in the data folder) is missing or"
    " is not the key it was written with. Put the right key back; nothing is lost."
)


class Vault:
    """Seals and opens small JSON documents."""

    def __init__(self, key: bytes, *, made: Path | None = None) -> None:
        """`made`: the key file, if it was made just now."""
        self._made = made
        self._fernet = Fernet(base64.urlsafe_b64encode(hashlib.sha256(key).digest()))
        self.signing_key = hashlib.sha256(b"signing:" + key).digest()
        """For tokens in links (unsubscribe, opens, clicks)."""
        self._keys = AESGCM(hashlib.sha256(b"keys of persons:" + key).digest())

    @classmethod
    def from_settings(cls, secret_key: str, data_dir: Path) -> "Vault":
        """The key given, or the one in `<data_dir>/secret.key` (made with mode 600 when missing)."""
        if secret_key:
            return cls(secret_key.encode())
        path = data_dir / "secret.key"
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return cls(path.read_bytes())
        with os.fdopen(descriptor, "wb") as file:
            key = Fernet.generate_key()
            file.write(key)
        return cls(key, made=path)

    def prove(self) -> str:
        """A text that only this key opens; kept, it tells later which key is wanted (see `check`)."""
        return self.seal({"of": "cxconsole"})

    def check(self, sealed: str) -> None:
        """Raise CxError unless our key opens this. A key file that was made just now, in vain, goes again."""
        try:
            self.open(sealed)
        except CxError:
            if self._made is not None:
                self._made.unlink(missing_ok=True)
            raise

    def seal(self, secrets: dict[str, str]) -> str:
        """Encrypted text of a document of secrets."""
        return self._fernet.encrypt(json.dumps(secrets).encode()).decode()

    def open(self, sealed: str) -> dict[str, str]:
        """The document again; an empty text is an empty document. Raises CxError on a wrong key."""
        if not sealed:
            return {}
        try:
            return json.loads(self._fernet.decrypt(sealed.encode()))
        except InvalidToken as error:
            raise CxError(_WRONG_KEY) from error

    def seal_key(self, key: bytes, owner: int) -> str:
        """Encrypted text of a person's key, of use for this person alone. Made by the hundred, so it is quick."""
        nonce = os.urandom(_NONCE)
        return base64.b64encode(nonce + self._keys.encrypt(nonce, key, str(owner).encode())).decode()

    def open_key(self, sealed: str, owner: int) -> bytes:
        """The key again. Raises CxError on a wrong key of ours."""
        given = base64.b64decode(sealed)
        try:
            return self._keys.decrypt(given[:_NONCE], given[_NONCE:], str(owner).encode())
        except InvalidTag as error:
            raise CxError(_WRONG_KEY) from error
