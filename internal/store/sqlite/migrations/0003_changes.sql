-- +goose Up
-- Append-only. The evidence of a change is its run's.

CREATE TABLE changes (
    cursor        INTEGER PRIMARY KEY,
    id            TEXT    NOT NULL UNIQUE,
    register      TEXT    NOT NULL,
    sequence      INTEGER CHECK ((sequence IS NOT NULL) = (origin = 'watch')),
    kind          TEXT    NOT NULL CHECK (kind IN ('added', 'removed', 'changed', 'relisted', 'rekeyed')),
    origin        TEXT    NOT NULL CHECK (origin IN ('watch', 'import', 'upgrade')),
    run           INTEGER NOT NULL REFERENCES runs (id),
    ordinal       INTEGER NOT NULL, -- place in the run, from 1
    entry_id      TEXT    NOT NULL,
    key           TEXT    NOT NULL,
    previous_key  TEXT,
    before        TEXT, -- JSON
    after         TEXT, -- JSON
    first_seen    INTEGER NOT NULL,
    last_seen     INTEGER NOT NULL,
    missing_since INTEGER,
    listed_on     TEXT    NOT NULL,
    delisted_on   TEXT    NOT NULL,
    observed_at   INTEGER NOT NULL,
    partial       INTEGER NOT NULL CHECK (partial IN (0, 1)),
    earlier       TEXT    NOT NULL, -- JSON
    matched       TEXT    NOT NULL, -- what a search looks in: keys and values, lower case
    UNIQUE (run, ordinal)
) STRICT;

CREATE UNIQUE INDEX changes_sequence ON changes (register, sequence) WHERE sequence IS NOT NULL;
CREATE INDEX changes_register ON changes (register, cursor);
CREATE INDEX changes_entry ON changes (entry_id);
CREATE INDEX changes_previous ON changes (register, previous_key) WHERE previous_key IS NOT NULL;

-- One row. It is taken last in a commit, so that a late commit can not slip
-- behind a reader that pages through the changes.
CREATE TABLE change_cursor (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    last INTEGER NOT NULL
) STRICT;

INSERT INTO change_cursor (one, last) VALUES (1, 0);
