"""How answers are made from what services return: by name, with ids as strings."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict

from models.campaign import campaign_code


def _as_id(key: Any) -> Any:
    return str(key) if isinstance(key, int) else key


def _as_campaign_id(key: Any) -> Any:
    return campaign_code(key) if isinstance(key, int) else key


Id = Annotated[str, BeforeValidator(_as_id)]
"""An opaque id."""
CampaignId = Annotated[str, BeforeValidator(_as_campaign_id)]
"""`CMP-1001`."""


class View(BaseModel):
    """An answer, made from an object whose attributes have the same names."""

    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def of(cls, one: Any) -> Self:
        """From what a service returned."""
        return cls.model_validate(one)
