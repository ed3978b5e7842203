"""Who asks. Every service takes an actor and says which right it needs."""

from dataclasses import dataclass, field

from cxconsole.errors import Forbidden

ALL = frozenset({"*"})


@dataclass(frozen=True, kw_only=True)
class Actor:
    """A person, an API key, the local operator or the engine.

    `name` is what the Tape and the logs show: an id or role, never an address.
    """

    kind: str
    name: str
    rights: frozenset[str] = field(default=ALL)

    def may(self, right: str) -> bool:
        """Whether this actor has the right."""
        return bool(self.rights & {"*", right, f"{right.split('.')[0]}.*"})

    @property
    def may_all(self) -> bool:
        """Whether nothing is kept from this actor."""
        return "*" in self.rights

    def require(self, right: str) -> None:
        """Raise Forbidden unless this actor has the right, such as `campaigns.publish`."""
        if not self.may(right):
            raise Forbidden(f"{self.name} may not do this: the right {right} is missing.")


OPERATOR = Actor(kind="operator", name="operator")
"""Whoever sits at this machine. Until accounts exist, every page acts as this one."""

ENGINE = Actor(kind="engine", name="engine")
"""The jobs."""
