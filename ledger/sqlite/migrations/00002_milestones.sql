-- +goose Up
-- Where the campaign stood after its own changes (kind <= 9), so that a stream
-- can tell them later; null in older entries and in the members' lines.
ALTER TABLE entries ADD COLUMN granted INTEGER;
ALTER TABLE entries ADD COLUMN waiting INTEGER;
ALTER TABLE entries ADD COLUMN cap INTEGER;

-- +goose Down
ALTER TABLE entries DROP COLUMN cap;
ALTER TABLE entries DROP COLUMN waiting;
ALTER TABLE entries DROP COLUMN granted;
