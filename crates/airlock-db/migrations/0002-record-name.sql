-- Adding packages by NEVRA looks records up by name. "needs" is the newest schema that a program has to know to run on
-- this one: while migrations only expand, the release before goes on.

CREATE INDEX record_by_name ON record (name);

ALTER TABLE schema_version ADD COLUMN needs BIGINT;
