-- +goose Up
-- Notices are no part of the book: they stay when the book is set aside, and the
-- log knows nothing of them.
CREATE TABLE IF NOT EXISTS notices (
	id          text   NOT NULL,
	title       text   NOT NULL,
	body        text   NOT NULL,
	level       text   NOT NULL,
	shown_from  bigint NOT NULL,
	shown_until bigint NOT NULL,
	version     bigint NOT NULL,
	created_at  bigint NOT NULL,
	changed_at  bigint NOT NULL,
	changed_by  text   NOT NULL,
	CONSTRAINT notices_pkey PRIMARY KEY (id)
);

-- +goose Down
DROP TABLE notices;
