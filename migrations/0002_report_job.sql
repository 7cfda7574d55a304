-- The table of report jobs. Programs other than this service write it, so its
-- constraints make a row that could not be answered impossible to store.

-- +goose Up
create table report_job (
    id               uuid        primary key default gen_random_uuid(),
    report_class     text        not null,
    -- Opaque and compared byte for byte, whatever the database's collation.
    user_id          text        collate "C" not null,
    status           text        not null,
    -- 'Binary/7' or an absolute URL; null while there is no result.
    binary_reference text,
    -- json, not jsonb: it is answered exactly as it was written.
    parameters       json        not null,
    created_at       timestamptz not null default now(),
    started_at       timestamptz,
    ended_at         timestamptz,

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

    -- FHIR writes a year with four digits; this also keeps out infinity.
    constraint report_job_times_writable
        check (created_at >= '0001-01-01 00:00:00+00' and created_at < '10000-01-01 00:00:00+00'
           and coalesce(started_at < '10000-01-01 00:00:00+00', true)
           and coalesce(ended_at < '10000-01-01 00:00:00+00', true)),
    constraint report_job_times_in_order
        check (coalesce(started_at >= created_at, true)
           and coalesce(ended_at >= coalesce(started_at, created_at), true)),
    -- A job that failed or was cancelled may never have started; one that is
    -- done has.
    constraint report_job_status_agrees_with_times
        check (case status
                   when 'SCHEDULED' then started_at is null and ended_at is null
                   when 'QUEUED'    then started_at is null and ended_at is null
                   when 'RUNNING'   then started_at is not null and ended_at is null
                   when 'DONE'      then started_at is not null and ended_at is not null
                   when 'FAILED'    then ended_at is not null
                   when 'CANCELLED' then ended_at is not null
                   else false
               end)
);

-- The one question the service asks: a user's jobs, newest first, ties by id.
create index report_job_by_user on report_job (user_id, created_at desc, id);

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

grant select on report_job to reporting_reader;

-- A producer can neither read what jobs hold nor change whose they are.
grant insert on report_job to reporting_producer;
grant select (id, status, created_at, started_at, ended_at) on report_job to reporting_producer;
grant update (status, binary_reference, started_at, ended_at) on report_job to reporting_producer;
