-- The five roles. None of them can log in. A program gets a right by membership:
--   create role portal login password '...' in role reporting_producer;
--
--   reporting_owner      owns the tables; the login that runs "reporting migrate" is a member
--   reporting_reader     reads the jobs of one user at a time: "reporting serve"
--   reporting_producer   inserts, starts and ends its own jobs: other programs
--   reporting_requester  orders reports and deletes results for one user at a time:
--                        "reporting serve" acts as it for the caller of a request
--   reporting_worker     generates reports of all users: "reporting worker", and
--                        "reporting serve" with workers

-- +goose Up
-- +goose StatementBegin
do $roles$
declare
    wanted text;
begin
    foreach wanted in array array['reporting_owner', 'reporting_reader', 'reporting_producer', 'reporting_requester', 'reporting_worker'] loop
        continue when exists (select from pg_catalog.pg_roles where rolname = wanted);
        begin
            execute format('create role %I nologin', wanted);
        exception
            -- Roles belong to the whole cluster. A migration of another database may
            -- create the same role at this moment.
            when duplicate_object or unique_violation then null;
        end;
    end loop;

    -- A new owner of a table must be a role that the current user can act as. From
    -- PostgreSQL 16 on, the creator of a role is a member without that right.
    if not pg_has_role(current_user, 'reporting_owner', 'usage') then
        execute format('grant reporting_owner to %I', current_user);
    end if;

    execute format('grant usage, create on schema %I to reporting_owner', current_schema());
    execute format('grant usage on schema %I to reporting_reader, reporting_producer, reporting_requester, reporting_worker', current_schema());
end
$roles$;
-- +goose StatementEnd

-- The service compares this table with the migrations that it contains. Another member of
-- reporting_owner may run the next migration.
grant select on reporting_schema_version to reporting_reader;
alter table reporting_schema_version owner to reporting_owner;
