"""The tables of conversations, as SQL that SQLite and PostgreSQL both read, a step a version."""

from collections.abc import Sequence

# Each step takes a database one version further. A step that was released is never changed; a new one is appended.
Steps = Sequence[Sequence[str]]
STEPS: Steps = (
    (
        "CREATE TABLE schema_version (version INTEGER NOT NULL)",
        "CREATE TABLE conversations (id VARCHAR(36) NOT NULL PRIMARY KEY, owner VARCHAR(128) NOT NULL, "
        "title VARCHAR(200) NOT NULL, length INTEGER NOT NULL, created BIGINT NOT NULL, changed BIGINT NOT NULL)",
        "CREATE INDEX conversations_of_owner ON conversations (owner, changed, id)",
        "CREATE TABLE exchanges (conversation VARCHAR(36) NOT NULL REFERENCES conversations (id) ON DELETE CASCADE, "
        "number INTEGER NOT NULL, owner VARCHAR(128) NOT NULL, request VARCHAR(80) NOT NULL, question TEXT NOT NULL, "
        "answer TEXT NOT NULL, trace VARCHAR(64) NOT NULL, asked BIGINT NOT NULL, verdict VARCHAR(8), comment TEXT, "
        "PRIMARY KEY (conversation, number), UNIQUE (owner, request))",
        "CREATE INDEX exchanges_of_trace ON exchanges (trace, owner)",
    ),
)
