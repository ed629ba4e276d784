-- before the new code: registers of breaches and of authorities' requests, and what accounts were told (A-035, A-037)

-- The operator's register (GDPR 33(5)): all of them, also those that nobody had to be told of. `facts` is what
-- breach_facts.py checks; an absent number means: not known yet. `told`: how often the accounts were told so far.
CREATE TABLE breaches (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    role              text NOT NULL CHECK (role IN ('processor', 'controller', 'both')),
    aware_at          timestamptz NOT NULL,
    facts             jsonb NOT NULL,
    told              smallint NOT NULL DEFAULT 0,
    told_at           timestamptz,
    authority_told_at timestamptz,
    authority_note    text NOT NULL DEFAULT '',
    recorded_by       bigint,
    recorded_at       timestamptz NOT NULL DEFAULT now(),
    changed_at        timestamptz NOT NULL DEFAULT now(),
    reminded_at       timestamptz,
    closed_at         timestamptz,
    CONSTRAINT breaches_told CHECK ((told = 0) = (told_at IS NULL))
);
-- No key to accounts: the register outlives an account that was erased, which is a number in it from then on.
CREATE TABLE breach_accounts (
    breach_id  bigint NOT NULL REFERENCES breaches (id) ON DELETE CASCADE,
    account_id bigint NOT NULL,
    -- counted by the product from the kinds of data that the facts name; NULL: not counted yet
    people     bigint,
    records    bigint,
    PRIMARY KEY (breach_id, account_id)
);
CREATE INDEX breach_accounts_account ON breach_accounts (account_id);

CREATE TABLE authority_requests (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id     bigint,
    received_at    timestamptz NOT NULL,
    facts          jsonb NOT NULL,
    country        text NOT NULL CHECK (length(country) = 2),
    answer         text NOT NULL DEFAULT 'open' CHECK (answer IN ('open', 'refused', 'partial', 'complied')),
    answered_at    timestamptz,
    -- why it was refused, or what was handed over
    answer_note    text NOT NULL DEFAULT '',
    -- until when the law forbids to tell the account; NULL: it does not
    silent_until   timestamptz,
    told_at        timestamptz,
    recorded_by    bigint,
    recorded_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT authority_requests_answered CHECK ((answer = 'open') = (answered_at IS NULL))
);

-- What the operator told an account, word for word, each time: later ones complete earlier ones (GDPR 33(4)).
CREATE TABLE notices (
    account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id         bigint GENERATED ALWAYS AS IDENTITY,
    kind       text NOT NULL CHECK (kind IN ('breach', 'authority')),
    ref_id     bigint NOT NULL,
    number     smallint NOT NULL CHECK (number > 0),
    at         timestamptz NOT NULL,
    facts      jsonb NOT NULL,
    PRIMARY KEY (account_id, id),
    CONSTRAINT notices_once UNIQUE (account_id, kind, ref_id, number)
);
CALL wall_off('notices');
GRANT SELECT, DELETE ON notices TO mailer_eraser;

-- The account's own register, as controller. `breach_id`: begun by what the operator told.
CREATE TABLE account_breaches (
    account_id        bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id                bigint GENERATED ALWAYS AS IDENTITY,
    breach_id         bigint,
    aware_at          timestamptz NOT NULL,
    facts             jsonb NOT NULL,
    authority_told_at timestamptz,
    authority_note    text NOT NULL DEFAULT '',
    people_told_at    timestamptz,
    people_note       text NOT NULL DEFAULT '',
    recorded_at       timestamptz NOT NULL DEFAULT now(),
    changed_at        timestamptz NOT NULL DEFAULT now(),
    reminded_at       timestamptz,
    closed_at         timestamptz,
    PRIMARY KEY (account_id, id),
    CONSTRAINT account_breaches_once UNIQUE (account_id, breach_id)
);
CALL wall_off('account_breaches');
GRANT SELECT, DELETE ON account_breaches TO mailer_eraser;
