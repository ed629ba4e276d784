-- before the new code: provider profiles, the speed of a sender

-- D-67: which provider takes the mail of a domain, by its MX. No address, and nothing of whose contacts they are.
CREATE TABLE mx_domains (
    domain       text PRIMARY KEY CHECK (length(domain) BETWEEN 1 AND 255),
    profile      text NOT NULL,
    looked_up_at timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL
);

-- D-71, D-73: a provider that asked for a pause, for all that goes through one SMTP server. Valkey has the same
-- for the hot path; this is what a flushed Valkey learns it from again.
CREATE TABLE provider_pauses (
    server  text NOT NULL,
    profile text NOT NULL,
    until   timestamptz NOT NULL,
    reply   text NOT NULL DEFAULT '',
    PRIMARY KEY (server, profile)
);

ALTER TABLE deliveries ADD COLUMN profile text NOT NULL DEFAULT 'default';
-- claims take rows of one profile that are due (S16)
DROP INDEX deliveries_queued;
CREATE INDEX deliveries_queued ON deliveries (account_id, campaign_id, profile, next_at) WHERE status = 'queued';

-- mails a second that leave from it at most; NULL: no limit
ALTER TABLE senders ADD COLUMN per_second double precision CHECK (per_second BETWEEN 0.01 AND 1000);
