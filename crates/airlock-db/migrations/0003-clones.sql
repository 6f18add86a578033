-- Clones copy a channel's description, and a channel may keep versions with broken packages from being published.

ALTER TABLE channel ADD COLUMN description TEXT NOT NULL DEFAULT '';

ALTER TABLE channel ADD COLUMN gate TEXT NOT NULL DEFAULT 'off';

-- Clones of an erratum, for their reuse.
CREATE INDEX erratum_by_original ON erratum (original_id);

-- The revision of the original that a clone's revision was made of.
ALTER TABLE erratum_revision ADD COLUMN copy_of_id BIGINT;
