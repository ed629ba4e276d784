-- before the new code: how an account's mails look (brand kit), read each time a draft is compiled

CREATE TABLE brand_kits (
    account_id    bigint PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    logo_image_id bigint,
    color         text NOT NULL CHECK (color ~ '^#[0-9a-f]{6}$'),
    link          text NOT NULL CHECK (link ~ '^#[0-9a-f]{6}$'),
    text_color    text NOT NULL CHECK (text_color ~ '^#[0-9a-f]{6}$'),
    background    text NOT NULL CHECK (background ~ '^#[0-9a-f]{6}$'),
    surround      text NOT NULL CHECK (surround ~ '^#[0-9a-f]{6}$'),
    font          text NOT NULL,
    heading_font  text NOT NULL,
    footer        text NOT NULL DEFAULT '' CHECK (length(footer) <= 2000),
    version       integer NOT NULL DEFAULT 1,
    updated_at    timestamptz NOT NULL DEFAULT now(),
    -- a logo that is deleted leaves the name in its place
    FOREIGN KEY (account_id, logo_image_id) REFERENCES images (account_id, id) ON DELETE SET NULL (logo_image_id)
);
CREATE INDEX brand_kits_logo ON brand_kits (account_id, logo_image_id);
CALL wall_off('brand_kits');
GRANT SELECT, DELETE ON brand_kits TO mailer_eraser;
