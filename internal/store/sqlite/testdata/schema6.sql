BEGIN TRANSACTION;
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
CREATE TABLE change_cursor (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    last INTEGER NOT NULL
) STRICT;
INSERT INTO "change_cursor" VALUES(1,4);
CREATE TABLE changes (
    cursor        INTEGER PRIMARY KEY,
    id            TEXT    NOT NULL UNIQUE,
    register      TEXT    NOT NULL,
    sequence      INTEGER CHECK ((sequence IS NOT NULL) = (origin = 'watch')),
    kind          TEXT    NOT NULL CHECK (kind IN ('added', 'removed', 'changed', 'relisted', 'rekeyed')),
    origin        TEXT    NOT NULL CHECK (origin IN ('watch', 'import', 'upgrade')),
    run           INTEGER NOT NULL REFERENCES runs (id),
    ordinal       INTEGER NOT NULL, -- place in the run, from 1
    entry_id      TEXT    NOT NULL,
    key           TEXT    NOT NULL,
    previous_key  TEXT,
    before        TEXT, -- JSON
    after         TEXT, -- JSON
    first_seen    INTEGER NOT NULL,
    last_seen     INTEGER NOT NULL,
    missing_since INTEGER,
    listed_on     TEXT    NOT NULL,
    delisted_on   TEXT    NOT NULL,
    observed_at   INTEGER NOT NULL,
    partial       INTEGER NOT NULL CHECK (partial IN (0, 1)),
    earlier       TEXT    NOT NULL, -- JSON
    matched       TEXT    NOT NULL, -- what a search looks in: keys and values, lower case
    UNIQUE (run, ordinal)
) STRICT;
INSERT INTO "changes" VALUES(1,'g35uuazznyorjuv6ui2ecbivxq','cz-games',1,'changed','watch',3,1,'nw656i6i5prooeyvlfackjb6te','["a"]',NULL,'{"name":"a","status":"1"}','{"name":"a","status":"2"}',1766458800000000,1766466000000000,NULL,'','',1766466000000000,0,'[]','a
a
1
a
2
');
INSERT INTO "changes" VALUES(2,'eamvooxan4qfuvp7xy2n43ubje','cz-games',2,'removed','watch',3,2,'uquzxhdpbhahh2yjajs4udqfwu','["c"]',NULL,'{"name":"c","status":"1"}',NULL,1766458800000000,1766466000000000,NULL,'','',1766466000000000,0,'[]','c
c
1
');
INSERT INTO "changes" VALUES(3,'mxaz2srtp5z6wuwaobuoisdp5a','cz-games',3,'removed','watch',3,3,'taw3lpchcpzxgk3nkomb366hyu','["x"]',NULL,'{"name":"x","status":"1"}',NULL,1766458800000000,1766466000000000,NULL,'','',1766466000000000,0,'[]','x
x
1
');
INSERT INTO "changes" VALUES(4,'zpmbygchbaurlatxgesn5y63my','cz-games',4,'relisted','watch',4,1,'uquzxhdpbhahh2yjajs4udqfwu','["c"]',NULL,NULL,'{"name":"c","status":"1"}',1766469600000000,1766469600000000,NULL,'','',1766469600000000,0,'[{"from":"2025-12-23T03:00:00Z","to":"2025-12-23T05:00:00Z"}]','c
c
1
');
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
CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
INSERT INTO "goose_db_version" VALUES(1,0,1,'2026-11-25 19:04:39');
INSERT INTO "goose_db_version" VALUES(2,1,1,'2026-11-25 19:04:39');
INSERT INTO "goose_db_version" VALUES(3,2,1,'2026-11-25 19:04:39');
INSERT INTO "goose_db_version" VALUES(4,3,1,'2026-11-25 19:04:39');
INSERT INTO "goose_db_version" VALUES(5,4,1,'2026-11-25 19:04:39');
INSERT INTO "goose_db_version" VALUES(6,5,1,'2026-11-25 19:04:39');
INSERT INTO "goose_db_version" VALUES(7,6,1,'2026-11-25 19:04:39');
CREATE TABLE heads (
    register    TEXT PRIMARY KEY,
    version     INTEGER NOT NULL,
    baselined   INTEGER NOT NULL CHECK (baselined IN (0, 1)),
    run         INTEGER REFERENCES runs (id), -- that made the entries
    seen_run    INTEGER REFERENCES runs (id), -- last complete fetch
    seen_at     INTEGER,
    entries     INTEGER NOT NULL CHECK (entries >= 0),
    sequence    INTEGER NOT NULL,
    fingerprint TEXT    NOT NULL,
    origin      TEXT    NOT NULL,
    memory      TEXT    NOT NULL -- JSON
, believed_run INTEGER REFERENCES runs (id)) STRICT;
INSERT INTO "heads" VALUES('cz-games',3,1,4,4,1766469600000000,4,4,'reader','watch','{"missing":[{"key":"[\"b \\\"quoted\\\" \u003cé\u003e\"]","content":"8d5450a569791934eb2ef3bfcb79e6b3","since":"2025-12-23T06:00:00Z","run":"4","tick":"0001-01-01T00:00:00Z","ticks":0,"last_seen":"2025-12-23T05:00:00Z"}]}',4);
INSERT INTO "heads" VALUES('ee-sites',1,1,2,2,1766462400000000,1,0,'reader','watch','{}',2);
CREATE TABLE leases (
    name       TEXT PRIMARY KEY,
    holder     TEXT    NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
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
INSERT INTO "outbox" VALUES(1,'g35uuazznyorjuv6ui2ecbivxq','change','cz-games',1,NULL,1766466000000000,NULL,NULL);
INSERT INTO "outbox" VALUES(2,'eamvooxan4qfuvp7xy2n43ubje','change','cz-games',2,NULL,1766466000000000,NULL,NULL);
INSERT INTO "outbox" VALUES(3,'mxaz2srtp5z6wuwaobuoisdp5a','change','cz-games',3,NULL,1766466000000000,NULL,NULL);
INSERT INTO "outbox" VALUES(4,'zpmbygchbaurlatxgesn5y63my','change','cz-games',4,NULL,1766469600000000,NULL,NULL);
CREATE TABLE register_state (
    register  TEXT PRIMARY KEY,
    paused_at INTEGER,
    last_tick INTEGER,
    next_tick INTEGER
) STRICT;
CREATE TABLE runs (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    register     TEXT    NOT NULL,
    tick         INTEGER,
    "trigger"    TEXT    NOT NULL CHECK ("trigger" IN ('schedule', 'manual', 'import', 'upgrade')),
    origin       TEXT    NOT NULL CHECK (origin IN ('watch', 'import', 'upgrade')),
    started_at   INTEGER,
    observed_at  INTEGER,
    finished_at  INTEGER,
    outcome      TEXT    NOT NULL CHECK (outcome IN ('baseline', 'unchanged', 'changed', 'held', 'failed')),
    sighting     INTEGER NOT NULL CHECK (sighting IN (0, 1)), -- a complete fetch that did not fail
    partial      INTEGER NOT NULL CHECK (partial IN (0, 1)),
    not_modified INTEGER NOT NULL CHECK (not_modified IN (0, 1)),
    class        TEXT    NOT NULL,
    reason       TEXT    NOT NULL,
    accepted     INTEGER NOT NULL, -- changes of all kinds
    counts       TEXT    NOT NULL, -- JSON
    entries      INTEGER NOT NULL,
    waiting      INTEGER NOT NULL,
    proof        TEXT    NOT NULL, -- JSON
    read         TEXT    NOT NULL, -- JSON
    pages        TEXT    NOT NULL, -- JSON
    published_at INTEGER,
    fingerprint  TEXT    NOT NULL,
    title        TEXT    NOT NULL, -- this and what follows: of the definition, as it was
    authority    TEXT    NOT NULL,
    country      TEXT    NOT NULL,
    attribution  TEXT    NOT NULL,
    url          TEXT    NOT NULL
, sample TEXT NOT NULL DEFAULT 'null') STRICT;
INSERT INTO "runs" VALUES(1,'cz-games',1766458800000000,'schedule','watch',1766458800000000,1766458800000000,1766458800000000,'baseline',1,0,0,'','',0,'{"added":0,"removed":0,"changed":0,"relisted":0,"rekeyed":0}',5,0,'[{"check":"framed body","verdict":"pass","detail":""}]','{"rows":0}','null',NULL,'reader','','','','','','null');
INSERT INTO "runs" VALUES(2,'ee-sites',1766462400000000,'schedule','watch',1766462400000000,1766462400000000,1766462400000000,'baseline',1,0,0,'','',0,'{"added":0,"removed":0,"changed":0,"relisted":0,"rekeyed":0}',1,0,'[{"check":"framed body","verdict":"pass","detail":""}]','{"rows":0}','null',NULL,'reader','','','','','','null');
INSERT INTO "runs" VALUES(3,'cz-games',1766466000000000,'schedule','watch',1766466000000000,1766466000000000,1766466000000000,'changed',1,0,0,'','',3,'{"added":0,"removed":2,"changed":1,"relisted":0,"rekeyed":0}',3,0,'[{"check":"framed body","verdict":"pass","detail":""}]','{"rows":0}','null',NULL,'reader','','','','','','null');
INSERT INTO "runs" VALUES(4,'cz-games',1766469600000000,'schedule','watch',1766469600000000,1766469600000000,1766469600000000,'changed',1,0,0,'','',1,'{"added":0,"removed":0,"changed":0,"relisted":1,"rekeyed":0}',4,1,'[{"check":"framed body","verdict":"pass","detail":""}]','{"rows":0}','null',NULL,'reader','','','','','','null');
CREATE TABLE versions (
    id         INTEGER PRIMARY KEY,
    register   TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    entry_id   TEXT    NOT NULL,
    content    BLOB    NOT NULL CHECK (length(content) = 16),
    fields     TEXT    NOT NULL, -- JSON
    first_seen INTEGER NOT NULL,
    from_run   INTEGER NOT NULL REFERENCES runs (id),
    from_at    INTEGER NOT NULL,
    to_run     INTEGER REFERENCES runs (id),
    to_at      INTEGER,
    CHECK ((to_run IS NULL) = (to_at IS NULL))
) STRICT;
INSERT INTO "versions" VALUES(1,'cz-games','["a"]','nw656i6i5prooeyvlfackjb6te',X'EC4134BDCDE1CD4AF70525D878AEDAE3','{"name":"a","status":"1"}',1766458800000000,1,1766458800000000,3,1766466000000000);
INSERT INTO "versions" VALUES(2,'cz-games','["b \"quoted\" <é>"]','qhfkunsk6yi4gal2lp5k7iq43i',X'8D5450A569791934EB2EF3BFCB79E6B3','{"name":"b \"quoted\" <é>","status":"1"}',1766458800000000,1,1766458800000000,NULL,NULL);
INSERT INTO "versions" VALUES(3,'cz-games','["c"]','uquzxhdpbhahh2yjajs4udqfwu',X'151C7E6601CDD29D53154352D95A4517','{"name":"c","status":"1"}',1766458800000000,1,1766458800000000,3,1766466000000000);
INSERT INTO "versions" VALUES(4,'cz-games','["x"]','taw3lpchcpzxgk3nkomb366hyu',X'ABF8F4E9A34507AD89A0EF8940D6DBED','{"name":"x","status":"1"}',1766458800000000,1,1766458800000000,3,1766466000000000);
INSERT INTO "versions" VALUES(5,'cz-games','["x"]','taw3lpchcpzxgk3nkomb366hyu',X'C26C133B5C4E5FB8EA1DFBC50C444EF0','{"name":"x","status":"2"}',1766458800000000,1,1766458800000000,NULL,NULL);
INSERT INTO "versions" VALUES(6,'ee-sites','["a"]','f66il75gqthih3e3jimwtn2f6i',X'EC4134BDCDE1CD4AF70525D878AEDAE3','{"name":"a","status":"1"}',1766462400000000,2,1766462400000000,NULL,NULL);
INSERT INTO "versions" VALUES(7,'cz-games','["a"]','nw656i6i5prooeyvlfackjb6te',X'B5DEA5EB40F9A91311CE40808460C009','{"name":"a","status":"2"}',1766458800000000,3,1766466000000000,NULL,NULL);
INSERT INTO "versions" VALUES(8,'cz-games','["c"]','uquzxhdpbhahh2yjajs4udqfwu',X'151C7E6601CDD29D53154352D95A4517','{"name":"c","status":"1"}',1766469600000000,4,1766469600000000,NULL,NULL);
CREATE UNIQUE INDEX runs_tick ON runs (register, tick) WHERE "trigger" = 'schedule';
CREATE INDEX runs_register ON runs (register, id);
CREATE INDEX runs_sighting ON runs (register, observed_at) WHERE sighting = 1;
CREATE INDEX runs_baseline ON runs (register, observed_at) WHERE outcome = 'baseline';
CREATE INDEX runs_held ON runs (register, id) WHERE outcome = 'held';
CREATE UNIQUE INDEX versions_head ON versions (register, key, content) WHERE to_run IS NULL;
CREATE INDEX versions_ended ON versions (register, key, content) WHERE to_run IS NOT NULL;
CREATE INDEX versions_entry ON versions (entry_id);
CREATE UNIQUE INDEX changes_sequence ON changes (register, sequence) WHERE sequence IS NOT NULL;
CREATE INDEX changes_register ON changes (register, cursor);
CREATE INDEX changes_entry ON changes (entry_id);
CREATE INDEX changes_previous ON changes (register, previous_key) WHERE previous_key IS NOT NULL;
CREATE INDEX outbox_unpublished ON outbox (position) WHERE published_at IS NULL;
CREATE INDEX outbox_unrouted ON outbox (position) WHERE routed_at IS NULL;
CREATE UNIQUE INDEX outbox_sequence ON outbox (register, sequence) WHERE sequence IS NOT NULL;
CREATE INDEX deliveries_due ON deliveries (channel, id) WHERE state = 'pending';
CREATE INDEX deliveries_next ON deliveries (next_attempt) WHERE state = 'pending';
CREATE INDEX deliveries_dead ON deliveries (id) WHERE state = 'dead';
COMMIT;
