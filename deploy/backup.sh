#!/bin/sh
# backup.sh FOLDER      `mailer backup FOLDER`, for whoever calls this file daily; docs/operating.md has the rest
#
# Run it with Mailer's environment, and PGUSER, PGPASSWORD of a role that sees all rows (postgres/init.sql makes
# mailer_backup): row-level security hides every tenant's rows from the login role.
set -eu
umask 077
program=$(dirname "$0")/../.venv/bin/mailer
[ -x "$program" ] || program=mailer
exec "$program" backup "${1:?usage: backup.sh FOLDER}"
