-- before the new code: a no that came by mail, and one that a mailbox provider told us of

ALTER TABLE consents DROP CONSTRAINT consents_method_check;
ALTER TABLE consents ADD CONSTRAINT consents_method_check CHECK (
    method IN ('import', 'api', 'page', 'form', 'link', 'one_click', 'preferences', 'confirmation', 'mail',
               'complaint'));
