"""The Slack bot: events in, verified answers out, exactly one an event."""
