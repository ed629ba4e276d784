#!/bin/sh
# Run by the PostgreSQL container after init.sql, once: gives the login role the password of the .env file.
set -eu
: "${DATABASE_PASSWORD:?set it in .env}"
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  -v password="$DATABASE_PASSWORD" <<'SQL'
ALTER ROLE mailer PASSWORD :'password';
SQL
