-- before the new code: suspending and its way back, an owner's word after a reactivation, an earlier erasure

ALTER TABLE accounts
    ADD COLUMN suspended_by text CHECK (suspended_by IN ('owner', 'operator')),
    ADD COLUMN suspended_at timestamptz,
    -- what it is again once it is suspended no more
    ADD COLUMN resume_as text NOT NULL DEFAULT 'active' CHECK (resume_as IN ('pending', 'active')),
    -- whose word an account waits for that is pending: the operator's approval, or the owner's after a reactivation
    ADD COLUMN awaits text NOT NULL DEFAULT 'operator' CHECK (awaits IN ('operator', 'owner')),
    -- an owner gave up what is left of the 30 days in which everything can be retrieved
    ADD COLUMN retrieval_waived_at timestamptz,
    -- days before erasure that the team was last reminded of
    ADD COLUMN reminded_days smallint;

UPDATE accounts SET suspended_by = 'operator', suspended_at = now() WHERE status = 'suspended';
UPDATE accounts SET suspended_by = 'operator', suspended_at = closed_at
WHERE status = 'closed' AND reopen_as = 'suspended';

-- the accounts whose day of erasure comes, for the sweep of retention and its reminders
CREATE INDEX accounts_erase_at ON accounts (erase_at) WHERE status = 'closed';
