-- before the new code: an account's own SMTP servers

CREATE TABLE smtp_servers (
    account_id      bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id              bigint GENERATED ALWAYS AS IDENTITY,
    position        text NOT NULL CHECK (position IN ('main', 'spare')),
    host            text NOT NULL CHECK (length(host) BETWEEN 1 AND 253),
    port            integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
    tls             text NOT NULL CHECK (tls IN ('starttls', 'implicit', 'opportunistic')),
    username        text NOT NULL DEFAULT '' CHECK (length(username) <= 320),
    -- A-082: bound to account, host, port and user name
    sealed_password bytea,
    connections     integer NOT NULL DEFAULT 5 CHECK (connections BETWEEN 1 AND 20),
    messages_each   integer NOT NULL DEFAULT 100 CHECK (messages_each BETWEEN 1 AND 1000),
    tested_at       timestamptz,
    -- the steps of the last test, with the server's answers
    steps           jsonb NOT NULL DEFAULT '[]',
    -- of the last test or hand-over; empty when that went well
    last_error      text NOT NULL DEFAULT '' CHECK (length(last_error) <= 500),
    failed_at       timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, id),
    -- looked at when a statement ends, so that the two can change places in one
    CONSTRAINT smtp_servers_position UNIQUE (account_id, position) DEFERRABLE INITIALLY IMMEDIATE,
    CONSTRAINT smtp_servers_password CHECK ((username = '') = (sealed_password IS NULL)),
    -- no password without TLS
    CONSTRAINT smtp_servers_tls CHECK (username = '' OR tls <> 'opportunistic')
);
CALL wall_off('smtp_servers');
