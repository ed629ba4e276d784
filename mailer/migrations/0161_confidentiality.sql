-- before the new code: does the contract of a sub-processor bind it to secrecy? NULL: nobody has said (A-125)

ALTER TABLE sub_processors ADD COLUMN confidentiality boolean;
