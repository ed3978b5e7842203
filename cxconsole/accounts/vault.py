"""Secrets at rest: encrypted with a key from the environment, or from a key file made on first start."""

import base64
import hashlib
import json
import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from cxconsole.errors import CxError


class Vault:
    """Seals and opens small JSON documents."""

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(hashlib.sha256(key).digest()))
        self.signing_key = hashlib.sha256(b"signing:" + key).digest()
        """For tokens in links (unsubscribe, opens, clicks)."""

    @classmethod
    def from_settings(cls, secret_key: str, data_dir: Path) -> "Vault":
        """The key given, or the one in `<data_dir>/secret.key` (made with mode 600 when missing)."""
        if secret_key:
            return cls(secret_key.encode())
        path = data_dir / "secret.key"
        data_dir.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return cls(path.read_bytes())
        with os.fdopen(descriptor, "wb") as file:
            key = Fernet.generate_key()
            file.write(key)
        return cls(key)

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
            raise CxError(
                "A stored secret cannot be read: CXCONSOLE_SECRET_KEY (or secret.key in the data folder) is not "
                "the key it was written with. Put the right key back; nothing is lost."
            ) from error
