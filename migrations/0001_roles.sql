-- Three roles, none of which can log in by itself. Give a login to a program
-- by membership: create role portal login password '...' in role reporting_producer;
--
--   reporting_owner     owns the tables; whoever migrates is a member
--   reporting_reader    reads jobs: the role of "reporting serve"
--   reporting_producer  inserts, starts and finishes jobs: the role of writers

-- +goose Up
-- +goose StatementBegin
do $roles$
declare
    wanted text;
begin
    foreach wanted in array array['reporting_owner', 'reporting_reader', 'reporting_producer'] loop
        continue when exists (select from pg_catalog.pg_roles where rolname = wanted);
        begin
            execute format('create role %I nologin', wanted);
        exception
            -- Roles belong to the whole cluster: a migration of another
            -- database beside this one may have been a moment quicker.
            when duplicate_object or unique_violation then null;
        end;
    end loop;

    -- Handing a table over takes membership in the new owner that can be used;
    -- from PostgreSQL 16 on, whoever creates a role is a member who cannot.
    if not pg_has_role(current_user, 'reporting_owner', 'usage') then
        execute format('grant reporting_owner to %I', current_user);
    end if;

    execute format('grant usage, create on schema %I to reporting_owner', current_schema());
    execute format('grant usage on schema %I to reporting_reader, reporting_producer', current_schema());
end
$roles$;
-- +goose StatementEnd

-- The service compares this table with the migrations it was built with. The
-- next migration may come from another member of reporting_owner.
grant select on reporting_schema_version to reporting_reader;
alter table reporting_schema_version owner to reporting_owner;
