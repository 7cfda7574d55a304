-- The schema of the job queue (River). It is separate, so that this service never meets the
-- queue of another application. The next migration creates River's tables in it.
--
-- An administrator may create the schema in advance, empty and owned by reporting_owner.

-- +goose Up
-- +goose StatementBegin
do $schema$
begin
    if exists (select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname = 'reporting_river') then
        raise exception 'schema reporting_river belongs to another installation: use one database for each installation'
            using errcode = 'duplicate_schema';
    end if;
    if not exists (select from pg_catalog.pg_namespace where nspname = 'reporting_river') then
        create schema reporting_river authorization reporting_owner;
    end if;
end
$schema$;
-- +goose StatementEnd

-- A reader has no right on the tables. "reporting doctor" looks at their privileges as it.
grant usage on schema reporting_river to reporting_reader, reporting_requester, reporting_worker;
