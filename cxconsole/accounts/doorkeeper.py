"""Who sends an `Authorization` header: the holder of a key of the console, or of a token that an app signed."""

import asyncio
from time import monotonic

from cxconsole import clock
from cxconsole.accounts.actor import Actor
from cxconsole.accounts.apps import Holder, check_token, list_origins
from cxconsole.accounts.keys import find_key, is_use_unnoted, note_use
from cxconsole.accounts.shared_access import SCHEME, parse_token
from cxconsole.accounts.vault import Vault
from cxconsole.database import Database
from cxconsole.errors import Forbidden, Unauthorized

ORGANIZATION = "cxconsole"
"""What a holder of a key is told as the organization; a token names its own."""
_REMEMBERED_SECONDS = 1.0
_MOST_REMEMBERED = 10_000


class Doorkeeper:
    """Admits many requests a second: who was let in is known for a second, then looked up again."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._admitted: dict[str, tuple[float, Holder]] = {}
        self._origins: tuple[float, frozenset[str]] = (-_REMEMBERED_SECONDS, frozenset())

    async def admit(self, header: str | None) -> Holder:
        """Who sends this header. Raises Unauthorized when there is none, Forbidden for a wrong one."""
        if not header:
            raise Unauthorized(f"Send `Authorization: {SCHEME} ...` or `Authorization: Bearer <key>`.")
        known = self._admitted.get(header)
        if known is not None and monotonic() - known[0] < _REMEMBERED_SECONDS:
            holder = known[1]
        else:
            holder = await self._admit_again(header, known)
        if holder.expires_at is not None and holder.expires_at <= clock.now():
            raise Forbidden("The token has expired.")
        return holder

    async def knows_origin(self, origin: str) -> bool:
        """Whether pages of this origin may send events at all; which token they need is asked afterwards."""
        read_at, origins = self._origins
        if monotonic() - read_at >= _REMEMBERED_SECONDS:
            origins = await asyncio.to_thread(self._read_origins)
            self._origins = (monotonic(), origins)
        return origin in origins

    def _read_origins(self) -> frozenset[str]:
        with self._database.read() as session:
            return list_origins(session)

    async def _admit_again(self, header: str, known: tuple[float, Holder] | None) -> Holder:
        if known is not None:  # one looks; who comes in the meantime is let in on what was known
            self._admitted[header] = (monotonic(), known[1])
        try:
            holder = await asyncio.to_thread(self._look_up, header)
        except BaseException:
            self._admitted.pop(header, None)
            raise
        if len(self._admitted) >= _MOST_REMEMBERED:
            self._admitted.clear()
        self._admitted[header] = (monotonic(), holder)
        return holder

    def _look_up(self, header: str) -> Holder:
        if header.startswith(SCHEME):
            token = parse_token(header)
            with self._database.read() as session:
                return check_token(session, token, vault=self._vault, now=clock.now())
        try:
            actor = admit_key(self._database, header)
        except Unauthorized as error:
            raise Forbidden(error.detail) from error
        return Holder(actor=actor, organization=ORGANIZATION, expires_at=None, grants=None)


def admit_key(database: Database, header: str | None) -> Actor:
    """Who sends this `Authorization` header. Raises Unauthorized."""
    if not header:
        raise Unauthorized("Send `Authorization: Bearer <key>`; `python -m cxconsole apikey create` makes a key.")
    scheme, _, key = header.partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key or not key.isascii():
        raise Unauthorized("The Authorization header is not of the form `Bearer <key>`.")
    now = clock.now()
    with database.read() as session:
        actor = find_key(session, key, now=now)
        unnoted = actor is not None and is_use_unnoted(session, key, now=now)
    if actor is None:
        raise Unauthorized("This API key is not known, or it has expired or was revoked.")
    if unnoted:
        with database.write() as session:
            note_use(session, key, now=now)
    return actor


__all__ = ["Doorkeeper", "admit_key"]
