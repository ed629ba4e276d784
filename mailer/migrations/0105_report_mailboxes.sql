-- before the new code: a mailbox that reports come to, read over IMAP by those who cannot receive mail themselves

-- One an account. `sealed_password` (A-082): bound to account, host, port and user name. `uid_validity` and `last_uid`:
-- how far it was read (RFC 3501 §2.3.1.1). `last_error`: a word of sending/report_mailboxes.py.
CREATE TABLE report_mailboxes (
    account_id      bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id              bigint GENERATED ALWAYS AS IDENTITY,
    host            text NOT NULL CHECK (length(host) BETWEEN 1 AND 253),
    port            integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
    tls             text NOT NULL CHECK (tls IN ('implicit', 'starttls')),
    username        text NOT NULL CHECK (length(username) BETWEEN 1 AND 320),
    sealed_password bytea NOT NULL,
    folder          text NOT NULL DEFAULT 'INBOX' CHECK (length(folder) BETWEEN 1 AND 200),
    done_folder     text NOT NULL DEFAULT '' CHECK (length(done_folder) <= 200),
    uid_validity    bigint NOT NULL DEFAULT 0,
    last_uid        bigint NOT NULL DEFAULT 0,
    taken           bigint NOT NULL DEFAULT 0,
    left_alone      bigint NOT NULL DEFAULT 0,
    checked_at      timestamptz,
    failures        integer NOT NULL DEFAULT 0,
    last_error      text NOT NULL DEFAULT '' CHECK (length(last_error) <= 40),
    failed_at       timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, id),
    CONSTRAINT report_mailboxes_one UNIQUE (account_id)
);
CALL wall_off('report_mailboxes');
GRANT SELECT, DELETE ON report_mailboxes TO mailer_eraser;

-- One row: the installation's, where the MX of its mail domain leads to a mailbox elsewhere.
CREATE TABLE operator_mailbox (
    one             boolean PRIMARY KEY DEFAULT true CHECK (one),
    host            text NOT NULL CHECK (length(host) BETWEEN 1 AND 253),
    port            integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
    tls             text NOT NULL CHECK (tls IN ('implicit', 'starttls')),
    username        text NOT NULL CHECK (length(username) BETWEEN 1 AND 320),
    sealed_password bytea NOT NULL,
    folder          text NOT NULL DEFAULT 'INBOX' CHECK (length(folder) BETWEEN 1 AND 200),
    done_folder     text NOT NULL DEFAULT '' CHECK (length(done_folder) <= 200),
    uid_validity    bigint NOT NULL DEFAULT 0,
    last_uid        bigint NOT NULL DEFAULT 0,
    taken           bigint NOT NULL DEFAULT 0,
    left_alone      bigint NOT NULL DEFAULT 0,
    checked_at      timestamptz,
    failures        integer NOT NULL DEFAULT 0,
    last_error      text NOT NULL DEFAULT '' CHECK (length(last_error) <= 40),
    failed_at       timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON operator_mailbox TO mailer_eraser;
