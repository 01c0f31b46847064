-- +goose Up

CREATE TABLE outbox (
    position     INTEGER PRIMARY KEY AUTOINCREMENT,
    event        TEXT    NOT NULL UNIQUE,
    class        TEXT    NOT NULL CHECK (class IN ('change', 'signal')),
    register     TEXT    NOT NULL,
    sequence     INTEGER CHECK ((sequence IS NOT NULL) = (class = 'change')),
    payload      TEXT    CHECK ((payload IS NOT NULL) = (class = 'signal')), -- JSON; a change has its own row
    committed_at INTEGER NOT NULL,
    published_at INTEGER,
    routed_at    INTEGER
) STRICT;

CREATE INDEX outbox_unpublished ON outbox (position) WHERE published_at IS NULL;
CREATE INDEX outbox_unrouted ON outbox (position) WHERE routed_at IS NULL;
CREATE UNIQUE INDEX outbox_sequence ON outbox (register, sequence) WHERE sequence IS NOT NULL;

CREATE TABLE deliveries (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    event        TEXT    NOT NULL REFERENCES outbox (event),
    register     TEXT    NOT NULL,
    subscription TEXT    NOT NULL,
    channel      TEXT    NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts     INTEGER NOT NULL, -- since it was last made pending
    next_attempt INTEGER,
    created_at   INTEGER NOT NULL,
    done_at      INTEGER,
    last_error   TEXT    NOT NULL,
    UNIQUE (event, subscription, channel)
) STRICT;

CREATE INDEX deliveries_due ON deliveries (channel, id) WHERE state = 'pending';
CREATE INDEX deliveries_next ON deliveries (next_attempt) WHERE state = 'pending';
CREATE INDEX deliveries_dead ON deliveries (id) WHERE state = 'dead';

CREATE TABLE attempts (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    delivery    INTEGER NOT NULL REFERENCES deliveries (id),
    number      INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    took        INTEGER NOT NULL, -- nanoseconds
    status      INTEGER NOT NULL,
    error       TEXT    NOT NULL,
    retry_after INTEGER NOT NULL, -- nanoseconds
    UNIQUE (delivery, number, started_at)
) STRICT;
