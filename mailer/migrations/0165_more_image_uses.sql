-- before the new code: versions of drafts and the brand kit use images too; how much an account may keep of them

ALTER TABLE image_uses
    DROP CONSTRAINT image_uses_kind_check,
    ADD CONSTRAINT image_uses_kind_check CHECK (kind IN ('campaign', 'variant', 'design', 'form', 'version', 'brand'));

-- Bytes of images with their thumbnails, set by the operator; NULL: no limit.
ALTER TABLE accounts
    ADD COLUMN image_bytes bigint DEFAULT 2000000000 CHECK (image_bytes >= 0);
-- how much it keeps, from the index alone
CREATE INDEX files_of_images ON files (account_id) INCLUDE (size) WHERE kind = 'image';

-- As in 0144; but a row of `images` is changed, and held, only where it says something else from now on: each save makes
-- a version of its own, and two people who save drafts with the same logo wait for nobody.
CREATE OR REPLACE FUNCTION note_image_uses() RETURNS trigger
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
    CALL date_image_uses((line ->> 'account_id')::bigint, fresh, gone);
    RETURN NULL;
END
$$;

CREATE PROCEDURE date_image_uses(account bigint, fresh text[], gone text[])
LANGUAGE plpgsql
AS $$
BEGIN
    -- the role that erases whole accounts may only delete
    IF coalesce(fresh, gone) IS NULL OR NOT has_table_privilege('images', 'UPDATE') THEN
        RETURN;
    END IF;
    UPDATE images i
    SET used_until = NULL
    WHERE i.account_id = account AND i.used_until IS NOT NULL
      AND (i.name = ANY (fresh) OR i.thumbnail_name = ANY (fresh));
    UPDATE images i
    SET used_until = now()
    WHERE i.account_id = account AND i.used_until IS NULL
      AND (i.name = ANY (gone) OR i.thumbnail_name = ANY (gone))
      AND NOT EXISTS (
          SELECT FROM image_uses u
          WHERE u.account_id = i.account_id AND u.name IN (i.name, i.thumbnail_name));
END
$$;

CREATE TRIGGER images_of_new AFTER INSERT ON draft_versions
    FOR EACH ROW WHEN (NEW.source <> '') EXECUTE FUNCTION note_image_uses('version', 'id', '', 'source');
CREATE TRIGGER images_of_deleted AFTER DELETE ON draft_versions
    FOR EACH ROW EXECUTE FUNCTION note_image_uses('version', 'id', '', 'source');

-- A kit holds an id, not a name.
CREATE FUNCTION note_logo_use() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    gone text[];
    fresh text[];
BEGIN
    WITH deleted AS (
        DELETE FROM image_uses WHERE account_id = OLD.account_id AND kind = 'brand' RETURNING name
    )
    SELECT array_agg(name) INTO gone FROM deleted;
    IF TG_OP <> 'DELETE' THEN
        WITH added AS (
            INSERT INTO image_uses (account_id, name, kind, ref_id)
            SELECT account_id, name, 'brand', NEW.account_id
            FROM images
            WHERE account_id = NEW.account_id AND id = NEW.logo_image_id
            RETURNING name
        )
        SELECT array_agg(name) INTO fresh FROM added;
    END IF;
    CALL date_image_uses(coalesce(NEW.account_id, OLD.account_id), fresh, gone);
    RETURN NULL;
END
$$;
CREATE TRIGGER logo_of_new AFTER INSERT ON brand_kits
    FOR EACH ROW WHEN (NEW.logo_image_id IS NOT NULL) EXECUTE FUNCTION note_logo_use();
CREATE TRIGGER logo_of_changed AFTER UPDATE OF logo_image_id ON brand_kits
    FOR EACH ROW WHEN (OLD.logo_image_id IS DISTINCT FROM NEW.logo_image_id) EXECUTE FUNCTION note_logo_use();
CREATE TRIGGER logo_of_deleted AFTER DELETE ON brand_kits
    FOR EACH ROW WHEN (OLD.logo_image_id IS NOT NULL) EXECUTE FUNCTION note_logo_use();

-- What stands there already.
ALTER TABLE draft_versions NO FORCE ROW LEVEL SECURITY;
ALTER TABLE brand_kits NO FORCE ROW LEVEL SECURITY;
ALTER TABLE images NO FORCE ROW LEVEL SECURITY;
ALTER TABLE image_uses NO FORCE ROW LEVEL SECURITY;
INSERT INTO image_uses (account_id, name, kind, ref_id)
SELECT DISTINCT v.account_id, found[1], 'version', v.id
FROM draft_versions v,
    regexp_matches(v.source, '(?<![0-9])(' || v.account_id || '-[0-9a-f]{40}\.(?:png|jpg|gif|webp))', 'g') AS found;
INSERT INTO image_uses (account_id, name, kind, ref_id)
SELECT k.account_id, i.name, 'brand', k.account_id
FROM brand_kits k
JOIN images i ON i.account_id = k.account_id AND i.id = k.logo_image_id;
UPDATE images i SET used_until = NULL
FROM image_uses u
WHERE u.account_id = i.account_id AND u.kind IN ('version', 'brand') AND u.name IN (i.name, i.thumbnail_name);
ALTER TABLE draft_versions FORCE ROW LEVEL SECURITY;
ALTER TABLE brand_kits FORCE ROW LEVEL SECURITY;
ALTER TABLE images FORCE ROW LEVEL SECURITY;
ALTER TABLE image_uses FORCE ROW LEVEL SECURITY;
