-- +goose Up
-- What a held run would announce, in part, for people.
ALTER TABLE runs ADD COLUMN sample TEXT NOT NULL DEFAULT 'null'; -- JSON
