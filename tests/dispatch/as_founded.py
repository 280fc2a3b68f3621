"""A database on PostgreSQL for each test, as it was founded: its rows are put back, which takes a fiftieth of making it anew."""

from __future__ import annotations

from pathlib import Path

import asyncpg

from tests.dispatch import cluster

KEPT = """
CREATE SCHEMA kept;
CREATE FUNCTION kept.shape() RETURNS text LANGUAGE sql AS $$
  SELECT md5(string_agg(part, ',' ORDER BY part)) FROM (
    SELECT concat('c', relname, attname, atttypid, attnotnull) FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
      WHERE relnamespace = 'public'::regnamespace AND attnum > 0
    UNION ALL SELECT concat('t', tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT concat('k', conname, contype) FROM pg_constraint
    UNION ALL SELECT concat('f', proname, md5(prosrc)) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT concat('s', setconfig) FROM pg_db_role_setting
      WHERE setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
  ) AS parts(part)
$$;
CREATE FUNCTION kept.again() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE named name; place bigint; used boolean;
BEGIN
  IF kept.shape() <> (SELECT shape FROM kept.as_it_was) THEN RETURN false; END IF;
  SET LOCAL session_replication_role = replica;  -- neither foreign keys nor what forbids a change
  FOR named IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('DELETE FROM public.%I', named);
    EXECUTE format('INSERT INTO public.%I SELECT * FROM kept.%I', named, 'rows_' || named);
  END LOOP;
  FOR named, place, used IN SELECT * FROM kept.sequences LOOP
    PERFORM setval(format('public.%I', named), place, used);
  END LOOP;
  RETURN true;
END $$;
DO $$
DECLARE named name;
BEGIN
  FOR named IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('CREATE TABLE kept.%I AS TABLE public.%I', 'rows_' || named, named);
  END LOOP;
  CREATE TABLE kept.sequences (named name, place bigint, used boolean);
  FOR named IN SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' LOOP
    EXECUTE format('INSERT INTO kept.sequences SELECT %L, last_value, is_called FROM public.%I', named, named);
  END LOOP;
END $$;
CREATE TABLE kept.as_it_was AS SELECT kept.shape() AS shape;
"""
"""Keeps every row of the schema "public" beside it, where each number stands, and what its tables, triggers and settings are."""

OTHERS_GO = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def keep(folder: Path, database: str) -> None:
    """As the database is now, :func:`again` makes its copies."""
    cluster.told(folder, KEPT, database)


async def again(folder: Path, copy: str, founded: str) -> None:
    """`copy` is a database like `founded`. Whoever is connected to it is cut off. Where a test has changed more than rows, or there is
    none, it is made anew."""
    try:
        connection = await asyncpg.connect(host=str(folder), user="postgres", database=copy)
        try:
            await connection.execute(OTHERS_GO)
            whole = await connection.fetchval("SELECT kept.again()")
        finally:
            await connection.close()
    except asyncpg.PostgresError:
        whole = False
    if not whole:
        cluster.told(folder, f"DROP DATABASE IF EXISTS {copy} WITH (FORCE);\nCREATE DATABASE {copy} TEMPLATE {founded}")
