"""The keys of persons: each has one of their own, sealed by the vault. Who is erased has none any more."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlmodel import Session

from cxconsole.accounts.vault import Vault
from cxconsole.driver import Driver

_KEPT = 20_000
_KEY_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class KnownKeys:
    """The keys of those who have one, and who was erased or removed."""

    keys: Mapping[int, AESGCM]
    gone: frozenset[int]


class PersonKeys:
    """Finds and makes keys. The rows are asked each time, so a key that was destroyed is gone for every process."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        # kept by its sealed form: who has not got the row does not get the key
        self._open = lru_cache(maxsize=_KEPT)(lambda sealed, owner: AESGCM(vault.open_key(sealed, owner)))

    def find(self, session: Session, person_ids: Iterable[int]) -> KnownKeys:
        """With one question. Who has no key and was not erased is in neither part of the answer."""
        wanted = sorted(set(person_ids))
        driver = Driver(session)
        rows = driver.run(
            "SELECT p.id, p.erased_at, k.sealed FROM person AS p LEFT JOIN person_key AS k ON k.person_id = p.id "  # noqa: S608
            f"WHERE p.id {driver.among_ids}",
            wanted,
        ).all()
        alive = {key: sealed for key, erased_at, sealed in rows if erased_at is None}
        keys = {key: self._open(sealed, key) for key, sealed in alive.items() if sealed is not None}
        return KnownKeys(keys=keys, gone=frozenset(wanted) - alive.keys())

    def find_or_make(self, session: Session, person_ids: Iterable[int], *, now: datetime) -> Mapping[int, AESGCM]:
        """The key of each. Who was erased gets one that is not kept, so that nobody reads what comes late."""
        wanted = sorted(set(person_ids))
        known = self.find(session, wanted)
        without = [one for one in wanted if one not in known.keys and one not in known.gone]
        if without:
            driver = Driver(session)
            at = driver.bind(now)
            # the person is held fast, so that who is erased at this moment does not get a key behind it
            driver.run_many(
                "INSERT INTO person_key (person_id, sealed, created_at) "  # noqa: S608
                "SELECT id, CAST(? AS text), ? FROM person WHERE id = ? AND erased_at IS NULL "
                f"{'' if driver.sqlite else 'FOR SHARE '}ON CONFLICT (person_id) DO NOTHING",
                [(self._vault.seal_key(secrets.token_bytes(_KEY_BYTES), one), at, one) for one in without],
            )
            known = self.find(session, wanted)  # another process may have been quicker
        lost = {one: AESGCM(secrets.token_bytes(_KEY_BYTES)) for one in known.gone}
        return {**known.keys, **lost}


__all__ = ["KnownKeys", "PersonKeys"]
