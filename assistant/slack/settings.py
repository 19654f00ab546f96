"""The settings of the Slack bot, `SLACK_*` in the environment or `.env`."""

from typing import Annotated

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from index.errors import ConfigurationError

Ids = Annotated[frozenset[str], NoDecode]


class SlackSettings(BaseSettings):
    """Tokens, and who is answered where; ids are separated by commas or spaces."""

    model_config = SettingsConfigDict(env_prefix="SLACK_", env_file=".env", extra="ignore", frozen=True)

    bot_token: SecretStr | None = Field(None, description="xoxb-…, of the installed app")
    app_token: SecretStr | None = Field(None, description="xapp-…, for Socket Mode")
    signing_secret: SecretStr | None = Field(None, description="for HTTP events")
    api_url: str = Field("https://slack.com/api/", pattern=r"^https?://\S+/$", description="Slack's Web API")
    allowed_teams: Ids = Field(frozenset(), description="workspaces; default: the one the bot is installed in")
    allowed_channels: Ids = Field(frozenset(), description="channels; default: all that it is invited to")
    allowed_users: Ids = Field(frozenset(), description="users; default: all members, but no guests")
    admins: Ids = Field(frozenset(), description="users who may change settings besides the workspace's administrators")
    workers: int = Field(4, ge=1, le=64, description="answers that one process makes at once")

    @field_validator("bot_token", "app_token", "signing_secret", mode="before")
    @classmethod
    def _unset(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("allowed_teams", "allowed_channels", "allowed_users", "admins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return frozenset(value.replace(",", " ").split()) if isinstance(value, str) else value

    @property
    def http(self) -> bool:
        """Whether events come to `/slack/events`."""
        return self.bot_token is not None and self.signing_secret is not None and self.app_token is None


def read_slack() -> SlackSettings:
    """The settings of the environment. Raises ConfigurationError, a line for each problem, without any value."""
    try:
        return SlackSettings()
    except ValidationError as error:
        lines = [f"SLACK_{str(e['loc'][0]).upper()} has a bad value: {e['msg']}" for e in error.errors()]
        raise ConfigurationError("\n".join(lines)) from None
