-- +goose Up
-- Instants are microseconds since 1970 in UTC; NULL is none.

CREATE TABLE runs (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    register     TEXT    NOT NULL,
    tick         INTEGER,
    "trigger"    TEXT    NOT NULL CHECK ("trigger" IN ('schedule', 'manual', 'import', 'upgrade')),
    origin       TEXT    NOT NULL CHECK (origin IN ('watch', 'import', 'upgrade')),
    started_at   INTEGER,
    observed_at  INTEGER,
    finished_at  INTEGER,
    outcome      TEXT    NOT NULL CHECK (outcome IN ('baseline', 'unchanged', 'changed', 'held', 'failed')),
    sighting     INTEGER NOT NULL CHECK (sighting IN (0, 1)), -- a complete fetch that did not fail
    partial      INTEGER NOT NULL CHECK (partial IN (0, 1)),
    not_modified INTEGER NOT NULL CHECK (not_modified IN (0, 1)),
    class        TEXT    NOT NULL,
    reason       TEXT    NOT NULL,
    accepted     INTEGER NOT NULL, -- changes of all kinds
    counts       TEXT    NOT NULL, -- JSON
    entries      INTEGER NOT NULL,
    waiting      INTEGER NOT NULL,
    proof        TEXT    NOT NULL, -- JSON
    read         TEXT    NOT NULL, -- JSON
    pages        TEXT    NOT NULL, -- JSON
    published_at INTEGER,
    fingerprint  TEXT    NOT NULL,
    title        TEXT    NOT NULL, -- this and what follows: of the definition, as it was
    authority    TEXT    NOT NULL,
    country      TEXT    NOT NULL,
    attribution  TEXT    NOT NULL,
    url          TEXT    NOT NULL
) STRICT;

CREATE UNIQUE INDEX runs_tick ON runs (register, tick) WHERE "trigger" = 'schedule';
CREATE INDEX runs_register ON runs (register, id);
CREATE INDEX runs_sighting ON runs (register, observed_at) WHERE sighting = 1;
CREATE INDEX runs_baseline ON runs (register, observed_at) WHERE outcome = 'baseline';
CREATE INDEX runs_held ON runs (register, id) WHERE outcome = 'held';

CREATE TABLE heads (
    register    TEXT PRIMARY KEY,
    version     INTEGER NOT NULL,
    baselined   INTEGER NOT NULL CHECK (baselined IN (0, 1)),
    run         INTEGER REFERENCES runs (id), -- that made the entries
    seen_run    INTEGER REFERENCES runs (id), -- last complete fetch
    seen_at     INTEGER,
    entries     INTEGER NOT NULL CHECK (entries >= 0),
    sequence    INTEGER NOT NULL,
    fingerprint TEXT    NOT NULL,
    origin      TEXT    NOT NULL,
    memory      TEXT    NOT NULL -- JSON
) STRICT;
