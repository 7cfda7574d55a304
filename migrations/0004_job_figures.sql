-- Figures about all jobs, for operators. A reader sees the rows of one user only, so
-- these are functions with the owner's rights, which tell numbers and report classes and
-- nothing about anybody.

-- +goose Up
set local lock_timeout = '3s';

-- How many wait or run, and since when: few rows, whatever has ended long ago.
create index report_job_unfinished on report_job (status, created_at) where ended_at is null;

-- How many have ended, as what, and when.
create index report_job_ended on report_job (status, ended_at) where ended_at is not null;

-- +goose StatementBegin
do $functions$
begin
    -- The path is this schema for good, so that no caller's settings lead elsewhere. The
    -- others keep the planner to the indexes: it would read the whole table, by several
    -- processes, where most jobs have ended, and to find those of the last hour as well,
    -- because it does not see for how long back it is asked.
    execute format($create$
        create function report_job_counts() returns table (status text, jobs bigint, oldest_age float8)
            language sql stable security definer set search_path = pg_catalog, %1$I, pg_temp
            set enable_seqscan = off set max_parallel_workers_per_gather = 0 set jit = off
        as $body$
            select j.status, count(*),
                   extract(epoch from clock_timestamp() - min(coalesce(j.started_at, j.created_at)))::float8
              from report_job j where j.ended_at is null group by j.status
            union all
            select j.status, count(*), null
              from report_job j where j.ended_at is not null group by j.status
        $body$
    $create$, current_schema());

    execute format($create$
        create function report_job_finished(within interval) returns table (status text, report_class text, jobs bigint)
            language sql stable security definer set search_path = pg_catalog, %1$I, pg_temp
            set enable_seqscan = off set max_parallel_workers_per_gather = 0 set jit = off
        as $body$
            select j.status, j.report_class, count(*)
              from report_job j
             where j.status = any ('{DONE,FAILED,CANCELLED}') and j.ended_at > now() - within
             group by j.status, j.report_class
        $body$
    $create$, current_schema());
end
$functions$;
-- +goose StatementEnd

alter function report_job_counts() owner to reporting_owner;
alter function report_job_finished(interval) owner to reporting_owner;

revoke execute on function report_job_counts(), report_job_finished(interval) from public;
grant execute on function report_job_counts(), report_job_finished(interval) to reporting_reader;
