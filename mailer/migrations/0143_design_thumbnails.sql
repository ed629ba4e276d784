-- before the new code: small pictures of designs, drawn by a worker; remade when the design or the brand kit changes

CREATE TABLE design_thumbnails (
    account_id     bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    design_id      bigint NOT NULL,
    design_version integer NOT NULL,
    kit_version    integer NOT NULL, -- 0: drawn without a kit
    picture        bytea NOT NULL CHECK (length(picture) <= 500000),
    PRIMARY KEY (account_id, design_id),
    FOREIGN KEY (account_id, design_id) REFERENCES designs (account_id, id) ON DELETE CASCADE
);
CALL wall_off('design_thumbnails');
GRANT SELECT, DELETE ON design_thumbnails TO mailer_eraser;

-- what is there already gets its picture
INSERT INTO work (account_id, job, ref_id, lane, run_at)
SELECT id, 'sending.draw_designs', 0, 0, now()
FROM accounts;
