-- Run once by a superuser with psql: psql -d postgres -f init.sql. Running it again changes nothing.
-- It makes the login role, the eraser's role and the database. A password is set apart from it, see below.

-- The login role is bound by row-level security: no superuser, no BYPASSRLS. NOINHERIT, so that it holds the
-- eraser's rights only in the one place that asks for them with SET ROLE.
SELECT 'CREATE ROLE mailer LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOINHERIT'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mailer') \gexec

SELECT 'CREATE ROLE mailer_eraser NOLOGIN NOSUPERUSER NOBYPASSRLS NOINHERIT'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mailer_eraser') \gexec

-- PostgreSQL 15 takes inheritance from the role itself; from 16 on each grant says it.
SELECT CASE WHEN current_setting('server_version_num')::int >= 160000
            THEN 'GRANT mailer_eraser TO mailer WITH INHERIT FALSE, SET TRUE'
            ELSE 'GRANT mailer_eraser TO mailer' END \gexec

SELECT 'CREATE DATABASE mailer OWNER mailer TEMPLATE template0 ENCODING ''UTF8'''
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'mailer') \gexec

REVOKE CONNECT, TEMPORARY ON DATABASE mailer FROM PUBLIC;

-- The password, typed and not stored in a file:  \password mailer

-- Who takes backups: sees all rows, changes none, and is used by `mailer backup` alone (PGUSER, PGPASSWORD).
SELECT 'CREATE ROLE mailer_backup LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE BYPASSRLS'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mailer_backup') \gexec
GRANT pg_read_all_data TO mailer_backup;
GRANT CONNECT ON DATABASE mailer TO mailer_backup;
