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
    (  # the Slack bot: events with what became of them, its threads, settings of channels, who did what
        "CREATE TABLE slack_tasks (id VARCHAR(200) NOT NULL PRIMARY KEY, message VARCHAR(200) UNIQUE, "
        "kind VARCHAR(16) NOT NULL, team VARCHAR(40) NOT NULL, channel VARCHAR(40) NOT NULL, asker VARCHAR(40) "
        "NOT NULL, thread VARCHAR(40) NOT NULL, place VARCHAR(200) NOT NULL, payload TEXT NOT NULL, "
        "state VARCHAR(16) NOT NULL, attempts INTEGER NOT NULL, due BIGINT NOT NULL, worker VARCHAR(40) NOT NULL, "
        "lease BIGINT NOT NULL, sent TEXT NOT NULL, trace VARCHAR(64) NOT NULL, received BIGINT NOT NULL, "
        "finished BIGINT NOT NULL)",
        "CREATE INDEX slack_tasks_by_state ON slack_tasks (state, received, id)",
        "CREATE INDEX slack_tasks_by_place ON slack_tasks (place, state, received, id)",
        "CREATE INDEX slack_tasks_by_asker ON slack_tasks (team, asker, received)",
        "CREATE TABLE slack_threads (team VARCHAR(40) NOT NULL, channel VARCHAR(40) NOT NULL, thread VARCHAR(40) "
        "NOT NULL, conversation VARCHAR(36), created BIGINT NOT NULL, PRIMARY KEY (team, channel, thread))",
        "CREATE TABLE slack_channels (team VARCHAR(40) NOT NULL, channel VARCHAR(40) NOT NULL, language VARCHAR(2), "
        "as_of VARCHAR(10), mention_only INTEGER NOT NULL, PRIMARY KEY (team, channel))",
        "CREATE TABLE slack_audit (id VARCHAR(36) NOT NULL PRIMARY KEY, happened BIGINT NOT NULL, team VARCHAR(40) "
        "NOT NULL, channel VARCHAR(40) NOT NULL, asker VARCHAR(40) NOT NULL, action VARCHAR(40) NOT NULL, "
        "task VARCHAR(200) NOT NULL, trace VARCHAR(64) NOT NULL, detail VARCHAR(200) NOT NULL)",
        "CREATE INDEX slack_audit_by_time ON slack_audit (happened, id)",
    ),
    (  # records of answers, where replicas share them
        "CREATE TABLE traces (trace VARCHAR(64) NOT NULL PRIMARY KEY, record TEXT NOT NULL, recorded BIGINT NOT NULL)",
        "CREATE INDEX traces_by_time ON traces (recorded)",
    ),
)
