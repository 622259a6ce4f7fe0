-- +goose Up
CREATE TABLE cursor (
	partition          INTEGER NOT NULL,
	next               INTEGER  NOT NULL,
	last_at            INTEGER  NOT NULL,
	topic_id           TEXT    NOT NULL,
	fold_version       INTEGER NOT NULL,
	digest             INTEGER  NOT NULL,
	rows               INTEGER  NOT NULL,
	cluster            BLOB   NOT NULL,
	partitions         INTEGER NOT NULL,
	CONSTRAINT cursor_pkey PRIMARY KEY (partition)
);

CREATE TABLE campaigns (
	id         TEXT    NOT NULL,
	partition  INTEGER NOT NULL,
	definition BLOB   NOT NULL,
	title      TEXT    NOT NULL,
	status     INTEGER NOT NULL,
	xv         INTEGER  NOT NULL,
	cap        INTEGER,
	granted    INTEGER  NOT NULL,
	waiting    INTEGER  NOT NULL,
	seq        INTEGER  NOT NULL,
	wseq       INTEGER  NOT NULL,
	ev         INTEGER  NOT NULL,
	freed      INTEGER  NOT NULL,
	created_at INTEGER  NOT NULL,
	created    INTEGER  NOT NULL,
	digest     INTEGER  NOT NULL,
	CONSTRAINT campaigns_pkey PRIMARY KEY (id)
);
CREATE INDEX campaigns_by_partition ON campaigns (partition);

CREATE TABLE entries (
	campaign TEXT     NOT NULL,
	ev       INTEGER   NOT NULL,
	off      INTEGER   NOT NULL,
	kind     INTEGER NOT NULL,
	user_ref BLOB,
	rank     INTEGER   NOT NULL,
	wseq     INTEGER   NOT NULL,
	at       INTEGER   NOT NULL,
	actor    TEXT     NOT NULL,
	reason   TEXT     NOT NULL,
	xv       INTEGER   NOT NULL,
	points   INTEGER   NOT NULL,
	change   TEXT,
	CONSTRAINT entries_pkey PRIMARY KEY (campaign, ev)
);
-- What admins did, without the members' own lines.
CREATE INDEX entries_deeds ON entries (campaign, ev) WHERE kind <= 9 OR kind IN (13, 16) AND actor <> '';

CREATE TABLE places (
	campaign  TEXT     NOT NULL,
	claim_off INTEGER   NOT NULL,
	user_ref  BLOB,
	state     INTEGER NOT NULL,
	rank      INTEGER   NOT NULL,
	wseq      INTEGER   NOT NULL,
	off_end   INTEGER   NOT NULL,
	off_last  INTEGER   NOT NULL,
	at        INTEGER   NOT NULL,
	ended_at  INTEGER   NOT NULL,
	points    INTEGER   NOT NULL,
	answers   TEXT,
	CONSTRAINT places_pkey PRIMARY KEY (campaign, claim_off),
	CONSTRAINT places_state CHECK (state IN (1, 2, 3)),
	CONSTRAINT places_grant CHECK (state <> 1 OR rank > 0),
	CONSTRAINT places_wait CHECK (state <> 2 OR wseq > 0 AND rank = 0)
);
CREATE UNIQUE INDEX places_rank ON places (campaign, rank) WHERE rank > 0;
CREATE UNIQUE INDEX places_one_active ON places (campaign, user_ref) WHERE state IN (1, 2);
CREATE INDEX places_by_user ON places (user_ref, at DESC, campaign, claim_off);
CREATE INDEX places_by_state ON places (campaign, state, claim_off);
CREATE INDEX places_waiting ON places (campaign, wseq) WHERE state = 2;
CREATE UNIQUE INDEX places_ticket ON places (campaign, wseq) WHERE wseq > 0;

CREATE TABLE fences (
	campaign TEXT   NOT NULL,
	user_ref BLOB  NOT NULL,
	off_end  INTEGER NOT NULL,
	off_last INTEGER NOT NULL,
	CONSTRAINT fences_pkey PRIMARY KEY (campaign, user_ref)
);

CREATE TABLE people (
	user_ref BLOB NOT NULL,
	subject  TEXT  NOT NULL,
	CONSTRAINT people_pkey PRIMARY KEY (user_ref)
);

CREATE TABLE settings (
	name  TEXT   NOT NULL,
	value INTEGER NOT NULL,
	CONSTRAINT settings_pkey PRIMARY KEY (name)
);

-- +goose Down
DROP TABLE settings;
DROP TABLE people;
DROP TABLE fences;
DROP TABLE places;
DROP TABLE entries;
DROP TABLE campaigns;
DROP TABLE cursor;
