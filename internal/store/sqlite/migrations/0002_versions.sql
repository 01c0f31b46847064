-- +goose Up
-- A version is an entry with one content, for the half-open interval in which
-- the register showed it; to_run NULL: it still does, and the version is part
-- of the head.

CREATE TABLE versions (
    id         INTEGER PRIMARY KEY,
    register   TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    entry_id   TEXT    NOT NULL,
    content    BLOB    NOT NULL CHECK (length(content) = 16),
    fields     TEXT    NOT NULL, -- JSON
    first_seen INTEGER NOT NULL,
    from_run   INTEGER NOT NULL REFERENCES runs (id),
    from_at    INTEGER NOT NULL,
    to_run     INTEGER REFERENCES runs (id),
    to_at      INTEGER,
    CHECK ((to_run IS NULL) = (to_at IS NULL))
) STRICT;

CREATE UNIQUE INDEX versions_head ON versions (register, key, content) WHERE to_run IS NULL;
CREATE INDEX versions_ended ON versions (register, key, content) WHERE to_run IS NOT NULL;
CREATE INDEX versions_entry ON versions (entry_id);
