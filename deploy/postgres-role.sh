#!/bin/sh
# Creates the programs' own role and database. Postgres's image runs it once, when its data folder is empty.
set -eu
: "${INTERVIEWS_PASSWORD:?is missing in environment.postgres}"
psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\getenv password INTERVIEWS_PASSWORD
CREATE ROLE interviews LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'password';
CREATE DATABASE interviews OWNER interviews;
REVOKE ALL ON DATABASE interviews FROM PUBLIC;
REVOKE CONNECT ON DATABASE postgres FROM PUBLIC;
SQL
