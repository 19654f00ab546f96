"""The web endpoint: HTTP in, the Assistant's answers out."""
