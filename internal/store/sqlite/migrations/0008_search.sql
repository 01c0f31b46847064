-- +goose Up
-- Where a text may stand: by block of versions (those of ids that share all but
-- the last 15 bits) and two bytes in a row, the versions that have them, apart by
-- the byte that follows. The texts of a version never change, so a block that is
-- complete is written once.

CREATE TABLE search (
    block  INTEGER NOT NULL,
    pair   INTEGER NOT NULL,
    places BLOB    NOT NULL, -- for each third byte: it, the length of what follows, and the places in the block, ascending, each as its distance from the one before
    PRIMARY KEY (block, pair)
) STRICT, WITHOUT ROWID;

CREATE TABLE search_blocks (
    block INTEGER PRIMARY KEY -- that are in the table of search, from 0 on without a gap
) STRICT;
