-- Results of reports: Binary resources, their versions, and what these hold, in pieces.
--
-- Two roles more. Like the others they cannot log in by themselves:
--
--   reporting_requester  asks for reports and deletes results, of one user at a time:
--                        "reporting serve" acts as it for the caller of a request
--   reporting_worker     makes reports, of all users: "reporting worker", and "reporting
--                        serve" where that has workers

-- +goose Up
set local lock_timeout = '3s';

-- +goose StatementBegin
do $roles$
declare
    wanted text;
begin
    foreach wanted in array array['reporting_requester', 'reporting_worker'] loop
        continue when exists (select from pg_catalog.pg_roles where rolname = wanted);
        begin
            execute format('create role %I nologin', wanted);
        exception
            when duplicate_object or unique_violation then null;
        end;
    end loop;
    execute format('grant usage on schema %I to reporting_requester, reporting_worker', current_schema());
end
$roles$;
-- +goose StatementEnd

create table report_binary (
    -- FHIR's id, in decimal: counted up, as the reference service does.
    id         bigint      generated always as identity primary key,
    user_id    text        collate "C" not null,
    -- The job that fills it; null when that is gone.
    job_id     uuid        unique references report_job (id) on delete set null deferrable initially deferred,
    created_at timestamptz not null default now(),
    -- Deleted ones stay as a line, so that who asks hears 410 and not 404.
    deleted_at timestamptz,

    constraint report_binary_user_id_length check (char_length(user_id) between 1 and 512)
);

create index report_binary_by_user on report_binary (user_id, id);

-- Results whose jobs somebody has deleted: age finds these too.
create index report_binary_orphaned on report_binary (created_at) where job_id is null and deleted_at is null;

create table report_binary_version (
    binary_id    bigint      not null references report_binary (id) on delete cascade,
    version      integer     not null,
    content_type text        not null,
    -- The request that made it; null for what a worker made.
    source       text,
    last_updated timestamptz not null default now(),
    size         bigint      not null, -- bytes
    file_name    text,                 -- for who saves it; null: none in particular
    primary key (binary_id, version),

    constraint report_binary_version_counts check (version > 0 and size >= 0),
    constraint report_binary_version_content_type check (char_length(content_type) between 1 and 255)
);

-- Pieces of 256 KiB, the last one shorter: what is read slowly is read piece by piece,
-- and no connection waits meanwhile.
create table report_binary_piece (
    binary_id bigint  not null,
    version   integer not null,
    number    integer not null, -- from 0
    data      bytea   not null,
    primary key (binary_id, version, number),
    foreign key (binary_id, version) references report_binary_version (binary_id, version) on delete cascade,

    constraint report_binary_piece_size check (number >= 0 and length(data) between 1 and 262144)
);
-- Results are compressed already.
alter table report_binary_piece alter column data set storage external;

-- What those who make reports note of a job of theirs. Jobs of other producers have no
-- such line, and nobody here makes, cancels or ends those; age alone deletes them too.
create table report_attempt (
    job_id   uuid        primary key references report_job (id) on delete cascade,
    due_at   timestamptz not null,           -- not begun before
    entry    bigint,                         -- the job's latest entry in the queue
    attempt  integer     not null default 0, -- how often it was begun
    uncounted  integer     not null default 0, -- of these, how many a worker handed back that had to stop
    -- The last sign of life of the worker that is at it; null while none is.
    heartbeat_at  timestamptz,
    idle_since timestamptz not null default now(), -- since when none is, or was
    progress text,                           -- in words, for who waits

    constraint report_attempt_attempt check (0 <= uncounted and uncounted <= attempt),
    constraint report_attempt_progress_length check (char_length(progress) between 1 and 100)
);

-- Whose hour comes.
create index report_attempt_due on report_attempt (due_at) where attempt = 0;

-- Why a job failed, in words for people. Not checked for the rows that are there, which
-- would take its time: none has one.
alter table report_job add column failure_reason text;
alter table report_job add constraint report_job_failure_reason
    check (failure_reason is null or status = 'FAILED' and char_length(failure_reason) between 1 and 2000) not valid;

-- The second wall, as for jobs: those who act for a user see that user's rows, whatever
-- other roles their login has. Workers act as reporting_worker alone.
alter table report_binary enable row level security;
alter table report_binary_version enable row level security;
alter table report_binary_piece enable row level security;
alter table report_attempt enable row level security;

create policy report_binary_own on report_binary as restrictive
    to reporting_reader, reporting_requester
    using (user_id = nullif(current_setting('reporting.user_id', true), ''))
    with check (user_id = nullif(current_setting('reporting.user_id', true), ''));
-- The subqueries are held by the policy above.
create policy report_binary_version_own on report_binary_version as restrictive
    to reporting_reader, reporting_requester
    using (exists (select from report_binary b where b.id = binary_id)) with check (exists (select from report_binary b where b.id = binary_id));
create policy report_binary_piece_own on report_binary_piece as restrictive
    to reporting_reader, reporting_requester
    using (exists (select from report_binary b where b.id = binary_id)) with check (exists (select from report_binary b where b.id = binary_id));
create policy report_attempt_own on report_attempt as restrictive
    to reporting_reader, reporting_requester
    using (exists (select from report_job j where j.id = job_id)) with check (exists (select from report_job j where j.id = job_id));
create policy report_job_requester_own on report_job as restrictive
    to reporting_requester
    using (user_id = nullif(current_setting('reporting.user_id', true), ''))
    with check (user_id = nullif(current_setting('reporting.user_id', true), ''));

create policy report_binary_anyone on report_binary
    to reporting_reader, reporting_requester, reporting_worker using (true) with check (true);
create policy report_binary_version_anyone on report_binary_version
    to reporting_reader, reporting_requester, reporting_worker using (true) with check (true);
create policy report_binary_piece_anyone on report_binary_piece
    to reporting_reader, reporting_requester, reporting_worker using (true) with check (true);
-- Other programs start and end the jobs that they have inserted, and none of those that are
-- made here, which have a line in report_attempt.
create policy report_job_producer_own on report_job as restrictive for update
    to reporting_producer
    using (not exists (select from report_attempt r where r.job_id = id));
create policy report_attempt_producer on report_attempt for select to reporting_producer using (true);

create policy report_attempt_anyone on report_attempt
    to reporting_reader, reporting_requester, reporting_worker using (true) with check (true);
create policy report_job_requester on report_job to reporting_requester using (true) with check (true);
create policy report_job_worker on report_job to reporting_worker using (true) with check (true);

alter table report_binary owner to reporting_owner;
alter table report_binary_version owner to reporting_owner;
alter table report_binary_piece owner to reporting_owner;
alter table report_attempt owner to reporting_owner;

grant select on report_binary, report_binary_version, report_binary_piece, report_attempt to reporting_reader;

-- A requester asks, cancels and deletes.
grant select, insert on report_job, report_attempt to reporting_requester;
grant update (status, ended_at) on report_job to reporting_requester;
grant select, insert on report_binary, report_binary_version, report_binary_piece to reporting_requester;
grant delete on report_binary_version to reporting_requester; -- and with it what it holds
grant update (deleted_at) on report_binary to reporting_requester;

-- A worker makes results, and clears away what is too old.
grant select, delete on report_job to reporting_worker;
grant update (status, failure_reason, started_at, ended_at) on report_job to reporting_worker;
grant select, update on report_attempt to reporting_worker;
grant select, insert, update, delete on report_binary, report_binary_version, report_binary_piece to reporting_worker;

grant update (failure_reason) on report_job to reporting_producer;
grant select (job_id) on report_attempt to reporting_producer;
