#!/bin/sh
# backup.sh FOLDER      the whole database as FOLDER/mailer-<time>.dump, the keys of contents as FOLDER/content-keys.dump
#
# Run it daily as PostgreSQL's superuser: row-level security hides every tenant's rows from the login role.
# PGHOST, PGPORT, PGUSER, PGPASSWORD say where; PGDATABASE is mailer when unset.
#
# Contents of mails are sealed under keys that Mailer destroys six days after a campaign. A copy of those keys
# in every backup would undo that, so they lie in one file of their own that each run replaces, and that no run
# leaves standing for more than six days. Never copy that file anywhere else.
set -eu
umask 077

folder=${1:?usage: backup.sh FOLDER}
keep_days=${KEEP_DAYS:-30}
database=${PGDATABASE:-mailer}
time=$(date -u +%Y%m%dT%H%M%SZ)

mkdir -p "$folder"
# First of all: what is too old goes, even when nothing new can be written below.
find "$folder" -maxdepth 1 -name 'content-keys.dump*' -mtime +5 -delete
find "$folder" -maxdepth 1 -name 'mailer-*.dump*' -mtime +"$((keep_days - 1))" -delete

# Without the row of `original` a restored copy holds sending until an operator confirms, wherever it is restored.
pg_dump --format=custom --exclude-table-data=content_keys --exclude-table-data=inbox_mails \
  --exclude-table-data=kept_forms --exclude-table-data=stray_mails --exclude-table-data=original \
  --file="$folder/mailer-$time.dump.part" "$database"
mv "$folder/mailer-$time.dump.part" "$folder/mailer-$time.dump"

pg_dump --format=custom --data-only --table=content_keys \
  --file="$folder/content-keys.dump.part" "$database"
mv "$folder/content-keys.dump.part" "$folder/content-keys.dump"

echo "$folder/mailer-$time.dump"
