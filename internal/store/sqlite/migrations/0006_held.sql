-- +goose Up
-- What a held run would announce, in part, for people; and the last complete
-- fetch of which nothing was held.
ALTER TABLE runs ADD COLUMN sample TEXT NOT NULL DEFAULT 'null'; -- JSON
ALTER TABLE heads ADD COLUMN believed_run INTEGER REFERENCES runs (id);
UPDATE heads SET believed_run = seen_run;
