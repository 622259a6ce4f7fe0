-- +goose Up
CREATE TABLE cursor (
	partition          integer NOT NULL,
	next               bigint  NOT NULL,
	last_at            bigint  NOT NULL,
	topic_id           text    NOT NULL,
	fold_version       integer NOT NULL,
	digest             bigint  NOT NULL,
	rows               bigint  NOT NULL,
	cluster            bytea   NOT NULL,
	partitions         integer NOT NULL,
	CONSTRAINT cursor_pkey PRIMARY KEY (partition)
);

CREATE TABLE campaigns (
	id         text    NOT NULL,
	partition  integer NOT NULL,
	definition bytea   NOT NULL,
	title      text    NOT NULL,
	status     smallint NOT NULL,
	xv         bigint  NOT NULL,
	cap        bigint,
	granted    bigint  NOT NULL,
	waiting    bigint  NOT NULL,
	seq        bigint  NOT NULL,
	wseq       bigint  NOT NULL,
	ev         bigint  NOT NULL,
	freed      bigint  NOT NULL,
	created_at bigint  NOT NULL,
	created    bigint  NOT NULL,
	digest     bigint  NOT NULL,
	CONSTRAINT campaigns_pkey PRIMARY KEY (id)
);
CREATE INDEX campaigns_by_partition ON campaigns (partition);

CREATE TABLE entries (
	campaign text     NOT NULL,
	ev       bigint   NOT NULL,
	off      bigint   NOT NULL,
	kind     smallint NOT NULL,
	user_ref bytea,
	rank     bigint   NOT NULL,
	wseq     bigint   NOT NULL,
	at       bigint   NOT NULL,
	actor    text     NOT NULL,
	reason   text     NOT NULL,
	xv       bigint   NOT NULL,
	points   bigint   NOT NULL,
	change   text,
	CONSTRAINT entries_pkey PRIMARY KEY (campaign, ev)
);
-- What admins did, without the members' own lines.
CREATE INDEX entries_deeds ON entries (campaign, ev) WHERE kind <= 9 OR kind IN (13, 16) AND actor <> '';

CREATE TABLE places (
	campaign  text     NOT NULL,
	claim_off bigint   NOT NULL,
	user_ref  bytea,
	state     smallint NOT NULL,
	rank      bigint   NOT NULL,
	wseq      bigint   NOT NULL,
	off_end   bigint   NOT NULL,
	off_last  bigint   NOT NULL,
	at        bigint   NOT NULL,
	ended_at  bigint   NOT NULL,
	points    bigint   NOT NULL,
	answers   json, -- not jsonb: that refuses numbers that JSON allows
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
	campaign text   NOT NULL,
	user_ref bytea  NOT NULL,
	off_end  bigint NOT NULL,
	off_last bigint NOT NULL,
	CONSTRAINT fences_pkey PRIMARY KEY (campaign, user_ref)
);

CREATE TABLE people (
	user_ref bytea NOT NULL,
	subject  text  NOT NULL,
	CONSTRAINT people_pkey PRIMARY KEY (user_ref)
);

CREATE TABLE settings (
	name  text   NOT NULL,
	value bigint NOT NULL,
	CONSTRAINT settings_pkey PRIMARY KEY (name)
);

-- +goose Down
DROP TABLE settings, people, fences, places, entries, campaigns, cursor;
