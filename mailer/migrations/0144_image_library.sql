-- before the new code: the library of images: folders, search, where each is used, how long an unused one stays

-- A trigger, so that no writer of a draft can forget it; by name, since a source holds names.
CREATE TABLE image_uses (
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    name       text NOT NULL,      -- of the image or of its thumbnail, also of one that is gone
    kind       text NOT NULL CHECK (kind IN ('campaign', 'variant', 'design', 'form')),
    ref_id     bigint NOT NULL,
    part       integer NOT NULL DEFAULT 0,  -- the number of a variant or of a form's version; 0: the draft
    PRIMARY KEY (account_id, name, kind, ref_id, part)
);
CREATE INDEX image_uses_of ON image_uses (account_id, kind, ref_id, part);  -- what one source holds
CALL wall_off('image_uses');
GRANT SELECT, DELETE ON image_uses TO mailer_eraser;

ALTER TABLE images NO FORCE ROW LEVEL SECURITY;
ALTER TABLE images
    ADD COLUMN decorative boolean NOT NULL DEFAULT false,
    ADD COLUMN folder text NOT NULL DEFAULT '' CHECK (length(folder) <= 80),
    ADD COLUMN search text NOT NULL DEFAULT '',    -- label, description and folder without accents or capitals
    ADD COLUMN shown_width integer,                -- pixels on a screen; the file has more of them for fine ones
    ADD COLUMN frames integer NOT NULL DEFAULT 1,
    ADD COLUMN seconds real NOT NULL DEFAULT 0,    -- how long an animation moves; -1: for ever
    ADD COLUMN kept boolean NOT NULL DEFAULT false,  -- stays also when nothing uses it (A-084)
    ADD COLUMN used_until timestamptz DEFAULT now();  -- NULL while something uses it
UPDATE images SET decorative = alt = '', search = lower(label || ' ' || alt), shown_width = least(width, 600);
ALTER TABLE images ALTER COLUMN shown_width SET NOT NULL;
ALTER TABLE images FORCE ROW LEVEL SECURITY;
CREATE INDEX images_folder ON images (account_id, folder, id);             -- a folder's page; the list of folders
CREATE INDEX images_undescribed ON images (account_id, id) WHERE alt = '' AND NOT decorative;
CREATE INDEX images_used_until ON images (account_id, used_until) WHERE NOT kept;  -- the sweep (A-084)

-- Arguments: kind, column of the id, column of the part or '', column of the text.
CREATE FUNCTION note_image_uses() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    line jsonb;
    text_now text := '';
    held text[];
    fresh text[];
    gone text[];
BEGIN
    IF TG_OP = 'DELETE' THEN
        line := to_jsonb(OLD) - TG_ARGV[3];
    ELSE
        text_now := to_jsonb(NEW) ->> TG_ARGV[3];
        line := to_jsonb(NEW) - TG_ARGV[3];
    END IF;
    SELECT coalesce(array_agg(DISTINCT hit[1]), '{}') INTO held
    FROM regexp_matches(
        coalesce(text_now, ''),
        '(?<![0-9])(' || (line ->> 'account_id') || '-[0-9a-f]{40}\.(?:png|jpg|gif|webp))', 'g'
    ) AS hit;
    WITH deleted AS (
        DELETE FROM image_uses
        WHERE account_id = (line ->> 'account_id')::bigint AND kind = TG_ARGV[0]
          AND ref_id = (line ->> TG_ARGV[1])::bigint
          AND part = coalesce((line ->> nullif(TG_ARGV[2], ''))::integer, 0)
          AND NOT name = ANY (held)
        RETURNING name
    )
    SELECT array_agg(name) INTO gone FROM deleted;
    IF held <> '{}' THEN
        WITH added AS (
            INSERT INTO image_uses (account_id, name, kind, ref_id, part)
            SELECT (line ->> 'account_id')::bigint, name, TG_ARGV[0], (line ->> TG_ARGV[1])::bigint,
                   coalesce((line ->> nullif(TG_ARGV[2], ''))::integer, 0)
            FROM unnest(held) AS name
            ON CONFLICT DO NOTHING
            RETURNING name
        )
        SELECT array_agg(name) INTO fresh FROM added;
    END IF;
    -- the role that erases whole accounts may only delete
    IF coalesce(fresh, gone) IS NOT NULL AND has_table_privilege('images', 'UPDATE') THEN
        UPDATE images i
        SET used_until = CASE WHEN NOT EXISTS (
            SELECT FROM image_uses u
            WHERE u.account_id = i.account_id AND u.name IN (i.name, i.thumbnail_name)
        ) THEN now() END
        WHERE i.account_id = (line ->> 'account_id')::bigint
          AND (i.name = ANY (fresh || gone) OR i.thumbnail_name = ANY (fresh || gone));
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER images_of_new AFTER INSERT ON campaigns
    FOR EACH ROW WHEN (NEW.source <> '') EXECUTE FUNCTION note_image_uses('campaign', 'id', '', 'source');
CREATE TRIGGER images_of_changed AFTER UPDATE OF source ON campaigns
    FOR EACH ROW WHEN (OLD.source IS DISTINCT FROM NEW.source)
    EXECUTE FUNCTION note_image_uses('campaign', 'id', '', 'source');
CREATE TRIGGER images_of_deleted AFTER DELETE ON campaigns
    FOR EACH ROW EXECUTE FUNCTION note_image_uses('campaign', 'id', '', 'source');

CREATE TRIGGER images_of_new AFTER INSERT ON designs
    FOR EACH ROW WHEN (NEW.source <> '') EXECUTE FUNCTION note_image_uses('design', 'id', '', 'source');
CREATE TRIGGER images_of_changed AFTER UPDATE OF source ON designs
    FOR EACH ROW WHEN (OLD.source IS DISTINCT FROM NEW.source)
    EXECUTE FUNCTION note_image_uses('design', 'id', '', 'source');
CREATE TRIGGER images_of_deleted AFTER DELETE ON designs
    FOR EACH ROW EXECUTE FUNCTION note_image_uses('design', 'id', '', 'source');

CREATE TRIGGER images_of_new AFTER INSERT ON ab_variants
    FOR EACH ROW WHEN (NEW.source <> '')
    EXECUTE FUNCTION note_image_uses('variant', 'campaign_id', 'number', 'source');
CREATE TRIGGER images_of_changed AFTER UPDATE OF source ON ab_variants
    FOR EACH ROW WHEN (OLD.source IS DISTINCT FROM NEW.source)
    EXECUTE FUNCTION note_image_uses('variant', 'campaign_id', 'number', 'source');
CREATE TRIGGER images_of_deleted AFTER DELETE ON ab_variants
    FOR EACH ROW EXECUTE FUNCTION note_image_uses('variant', 'campaign_id', 'number', 'source');

CREATE TRIGGER images_of_new AFTER INSERT ON signup_forms
    FOR EACH ROW EXECUTE FUNCTION note_image_uses('form', 'id', '', 'draft');
CREATE TRIGGER images_of_changed AFTER UPDATE OF draft ON signup_forms
    FOR EACH ROW WHEN (OLD.draft IS DISTINCT FROM NEW.draft)
    EXECUTE FUNCTION note_image_uses('form', 'id', '', 'draft');
CREATE TRIGGER images_of_deleted AFTER DELETE ON signup_forms
    FOR EACH ROW EXECUTE FUNCTION note_image_uses('form', 'id', '', 'draft');
CREATE TRIGGER images_of_new AFTER INSERT ON signup_form_versions
    FOR EACH ROW EXECUTE FUNCTION note_image_uses('form', 'form_id', 'version', 'frozen');
CREATE TRIGGER images_of_deleted AFTER DELETE ON signup_form_versions
    FOR EACH ROW EXECUTE FUNCTION note_image_uses('form', 'form_id', 'version', 'frozen');

-- What stands in the sources already.
ALTER TABLE campaigns NO FORCE ROW LEVEL SECURITY;
ALTER TABLE designs NO FORCE ROW LEVEL SECURITY;
ALTER TABLE ab_variants NO FORCE ROW LEVEL SECURITY;
ALTER TABLE signup_forms NO FORCE ROW LEVEL SECURITY;
ALTER TABLE signup_form_versions NO FORCE ROW LEVEL SECURITY;
ALTER TABLE image_uses NO FORCE ROW LEVEL SECURITY;
INSERT INTO image_uses (account_id, name, kind, ref_id, part)
SELECT DISTINCT s.account_id, found[1], s.kind, s.ref_id, s.part
FROM (
    SELECT account_id, 'campaign' AS kind, id AS ref_id, 0 AS part, source FROM campaigns
    UNION ALL SELECT account_id, 'design', id, 0, source FROM designs
    UNION ALL SELECT account_id, 'variant', campaign_id, number, source FROM ab_variants
    UNION ALL SELECT account_id, 'form', id, 0, draft::text FROM signup_forms
    UNION ALL SELECT account_id, 'form', form_id, version, frozen::text FROM signup_form_versions
) AS s,
    regexp_matches(
        coalesce(s.source, ''), '(?<![0-9])(' || s.account_id || '-[0-9a-f]{40}\.(?:png|jpg|gif|webp))', 'g'
    ) AS found;
ALTER TABLE images NO FORCE ROW LEVEL SECURITY;
UPDATE images i SET used_until = NULL
FROM image_uses u
WHERE u.account_id = i.account_id AND u.name IN (i.name, i.thumbnail_name);
ALTER TABLE images FORCE ROW LEVEL SECURITY;
ALTER TABLE campaigns FORCE ROW LEVEL SECURITY;
ALTER TABLE designs FORCE ROW LEVEL SECURITY;
ALTER TABLE ab_variants FORCE ROW LEVEL SECURITY;
ALTER TABLE signup_forms FORCE ROW LEVEL SECURITY;
ALTER TABLE signup_form_versions FORCE ROW LEVEL SECURITY;
ALTER TABLE image_uses FORCE ROW LEVEL SECURITY;
