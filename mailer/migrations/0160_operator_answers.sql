-- before the new code: requests that the operator answered, for an account that is closed or has no owner left (A-091)

ALTER TABLE rights_requests ADD COLUMN by_operator boolean NOT NULL DEFAULT false;
