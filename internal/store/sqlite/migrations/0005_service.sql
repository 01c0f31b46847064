-- +goose Up

CREATE TABLE register_state (
    register  TEXT PRIMARY KEY,
    paused_at INTEGER,
    last_tick INTEGER,
    next_tick INTEGER
) STRICT;

CREATE TABLE leases (
    name       TEXT PRIMARY KEY,
    holder     TEXT    NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
