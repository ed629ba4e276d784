-- before the new code: whether this database went back in time, and what that holds (peers: a restored copy sends again)

-- One row. `mark` is raised while workers live; the highest one is known outside of PostgreSQL too (Valkey, data
-- folders), so that a database behind it was put back to an earlier state. `known_mark`, `known_at`: what was known
-- outside when sending was held. `waiting`, `begun`: campaigns held before and after their first mail could leave.
CREATE TABLE installation (
    one         boolean PRIMARY KEY DEFAULT true CHECK (one),
    id          uuid NOT NULL DEFAULT gen_random_uuid(),
    mark        bigint NOT NULL DEFAULT 0,
    marked_at   timestamptz NOT NULL DEFAULT now(),
    held_since  timestamptz,
    held_reason text NOT NULL DEFAULT '' CHECK (held_reason IN ('', 'behind', 'copy', 'operator')),
    known_mark  bigint,
    known_at    timestamptz,
    waiting     integer NOT NULL DEFAULT 0,
    begun       integer NOT NULL DEFAULT 0,
    replayed    integer,
    -- the operator's word when it was last resumed: does what was under way go on by itself?
    resume_begun boolean NOT NULL DEFAULT false,
    CONSTRAINT installation_held CHECK ((held_since IS NULL) = (held_reason = ''))
);
INSERT INTO installation DEFAULT VALUES;

-- Its one row says: no copy. backup.sh leaves it out of the dump, so that sending from a restored one is held,
-- wherever it is restored.
CREATE TABLE original (
    one boolean PRIMARY KEY DEFAULT true CHECK (one)
);
INSERT INTO original DEFAULT VALUES;
GRANT SELECT ON installation, original TO mailer_eraser;
