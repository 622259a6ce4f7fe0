-- +goose Up
-- Where the campaign stood after its own changes (kind <= 9), so that a stream
-- can tell them later; null in older entries and in the members' lines.
ALTER TABLE entries ADD COLUMN granted bigint, ADD COLUMN waiting bigint, ADD COLUMN cap bigint;

-- +goose Down
ALTER TABLE entries DROP COLUMN granted, DROP COLUMN waiting, DROP COLUMN cap;
