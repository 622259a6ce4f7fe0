-- +goose Up
-- Notices are no part of the book: the log knows nothing of them.
CREATE TABLE IF NOT EXISTS notices (
	id          TEXT    NOT NULL,
	title       TEXT    NOT NULL,
	body        TEXT    NOT NULL,
	level       TEXT    NOT NULL,
	shown_from  INTEGER NOT NULL,
	shown_until INTEGER NOT NULL,
	version     INTEGER NOT NULL,
	created_at  INTEGER NOT NULL,
	changed_at  INTEGER NOT NULL,
	changed_by  TEXT    NOT NULL,
	CONSTRAINT notices_pkey PRIMARY KEY (id)
);

-- +goose Down
DROP TABLE notices;
