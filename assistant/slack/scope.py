"""Who is answered, and where. Pure."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Literal

# silent: nobody is told, as with strangers and bots.
Verdict = Literal["yes", "not_here", "not_you", "silent"]


@dataclass(frozen=True, slots=True)
class Scope:
    """`bot` is the bot's own user and `team` its workspace; empty sets allow its workspace, every channel it is in and
    every member."""

    bot: str
    team: str
    teams: Set[str] = frozenset()
    channels: Set[str] = frozenset()
    users: Set[str] = frozenset()

    def admits(self, team: str, channel: str, user: str, direct: bool = False) -> Verdict:
        """Whether `user`, of the workspace `team`, is answered in `channel`; `direct` for a talk with the bot alone."""
        if not user or user in (self.bot, "USLACKBOT") or team not in (self.teams or {self.team}):
            return "silent"
        if self.users and user not in self.users:
            return "not_you"
        if self.channels and not direct and channel not in self.channels:
            return "not_here"
        return "yes"
