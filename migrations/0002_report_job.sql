-- The table of report jobs. Other programs write it too, so its constraints refuse every
-- row that the service could not show.

-- +goose Up
create table report_job (
    id               uuid        primary key default gen_random_uuid(),
    report_class     text        not null,
    -- Opaque and compared byte for byte, independent of the database's collation.
    user_id          text        collate "C" not null,
    status           text        not null,
    -- 'Binary/7' or an absolute URL; null while there is no result.
    binary_reference text,
    -- json and not jsonb: responses contain the text exactly as it was stored.
    parameters       json        not null,
    created_at       timestamptz not null default now(),
    started_at       timestamptz,
    ended_at         timestamptz,
    -- Tells the user why the job failed.
    failure_reason   text,

    constraint report_job_report_class_length
        check (char_length(report_class) between 1 and 512),
    constraint report_job_user_id_length
        check (char_length(user_id) between 1 and 512),
    constraint report_job_status_known
        check (status in ('SCHEDULED', 'QUEUED', 'RUNNING', 'DONE', 'FAILED', 'CANCELLED')),
    constraint report_job_binary_reference_form
        check (char_length(binary_reference) <= 2048
           and binary_reference ~ '^(https?://[^/?#[:space:][:cntrl:]]+[^[:space:][:cntrl:]]*|Binary/(?!\.+(/|$))[A-Za-z0-9.-]{1,64}(/_history/[A-Za-z0-9.-]{1,64})?)$'),
    constraint report_job_parameters_resource
        check (json_typeof(parameters) = 'object'
           and coalesce(parameters ->> 'resourceType', '') = 'Parameters'),

    -- A FHIR dateTime has a year of four digits. This also refuses infinity.
    constraint report_job_times_writable
        check (created_at >= '0001-01-01 00:00:00+00' and created_at < '10000-01-01 00:00:00+00'
           and coalesce(started_at < '10000-01-01 00:00:00+00', true)
           and coalesce(ended_at < '10000-01-01 00:00:00+00', true)),
    constraint report_job_times_in_order
        check (coalesce(started_at >= created_at, true)
           and coalesce(ended_at >= coalesce(started_at, created_at), true)),
    -- A job may fail or be cancelled before its start.
    constraint report_job_status_agrees_with_times
        check (case status
                   when 'SCHEDULED' then started_at is null and ended_at is null
                   when 'QUEUED'    then started_at is null and ended_at is null
                   when 'RUNNING'   then started_at is not null and ended_at is null
                   when 'DONE'      then started_at is not null and ended_at is not null
                   when 'FAILED'    then ended_at is not null
                   when 'CANCELLED' then ended_at is not null
                   else false
               end),
    constraint report_job_failure_reason
        check (failure_reason is null or status = 'FAILED' and char_length(failure_reason) between 1 and 2000)
);

-- The list of a user: newest first, ties by id.
create index report_job_by_user on report_job (user_id, created_at desc, id);

-- Waiting and running jobs, for the sweep and for the metrics. Few rows, however many jobs
-- have ended.
create index report_job_unfinished on report_job (status, created_at) where ended_at is null;

-- Ended jobs by time, for the purge and for the metrics.
create index report_job_ended on report_job (status, ended_at) where ended_at is not null;

-- +goose StatementBegin
create function report_job_check_transition() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $check$
begin
    if old.status in ('DONE', 'FAILED', 'CANCELLED')
       and (new.status, new.started_at, new.ended_at)
           is distinct from (old.status, old.started_at, old.ended_at) then
        raise exception 'report job % has ended as % and stays so', old.id, old.status
            using errcode = 'check_violation', constraint = 'report_job_final_stays_final';
    end if;
    if new.status <> old.status and not (old.status, new.status) in (
        ('SCHEDULED', 'QUEUED'), ('SCHEDULED', 'RUNNING'), ('SCHEDULED', 'FAILED'), ('SCHEDULED', 'CANCELLED'),
        ('QUEUED', 'SCHEDULED'), ('QUEUED', 'RUNNING'), ('QUEUED', 'FAILED'), ('QUEUED', 'CANCELLED'),
        ('RUNNING', 'QUEUED'), ('RUNNING', 'DONE'), ('RUNNING', 'FAILED'), ('RUNNING', 'CANCELLED')) then
        raise exception 'report job % cannot go from % to %', old.id, old.status, new.status
            using errcode = 'check_violation', constraint = 'report_job_transition';
    end if;
    return new;
end
$check$;
-- +goose StatementEnd

create trigger report_job_check_transition
    before update on report_job
    for each row execute function report_job_check_transition();

alter table report_job owner to reporting_owner;
alter function report_job_check_transition() owner to reporting_owner;

-- Row-level security. A session that acts as reporting_reader or reporting_requester sees the
-- rows of one user: the user that the setting reporting.user_id names, and no rows when the
-- setting is empty. It protects against queries without the query filter. It does not protect
-- against foreign SQL, because any SQL can change the setting.
alter table report_job enable row level security;

-- Restrictive policies: no other policy can widen them, and a login that is also a member of
-- reporting_producer stays bound to them.
create policy report_job_reader_own on report_job as restrictive for select
    to reporting_reader
    using (user_id = nullif(current_setting('reporting.user_id', true), ''));
create policy report_job_requester_own on report_job as restrictive
    to reporting_requester
    using (user_id = nullif(current_setting('reporting.user_id', true), ''))
    with check (user_id = nullif(current_setting('reporting.user_id', true), ''));

-- Permissive policies: without one, a role sees no rows at all.
create policy report_job_reader on report_job for select to reporting_reader using (true);
create policy report_job_requester on report_job to reporting_requester using (true) with check (true);
create policy report_job_producer on report_job to reporting_producer using (true) with check (true);
create policy report_job_worker on report_job to reporting_worker using (true) with check (true);

grant select on report_job to reporting_reader;

-- A producer reads neither parameters nor owners of jobs, and cannot change them.
grant insert on report_job to reporting_producer;
grant select (id, status, created_at, started_at, ended_at) on report_job to reporting_producer;
grant update (status, binary_reference, started_at, ended_at, failure_reason) on report_job to reporting_producer;

-- A requester orders and cancels.
grant select, insert on report_job to reporting_requester;
grant update (status, ended_at) on report_job to reporting_requester;

-- A worker runs and purges.
grant select, delete on report_job to reporting_worker;
grant update (status, failure_reason, started_at, ended_at) on report_job to reporting_worker;
