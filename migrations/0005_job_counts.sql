-- Counts of all jobs, for the metrics. A reader sees the rows of one user only, so these
-- functions run with the rights of the owner. They return numbers and report classes, and
-- nothing about users.

-- +goose Up
-- +goose StatementBegin
do $functions$
begin
    -- search_path is fixed, so that the settings of a caller cannot redirect the functions.
    -- The other settings make the planner use the indexes: it would scan the whole table
    -- where most jobs have ended.
    -- A scheduled job waits from its due time on, and not from its order.
    execute format($create$
        create function report_job_counts() returns table (status text, jobs bigint, oldest_age float8)
            language sql stable security definer set search_path = pg_catalog, %1$I, pg_temp
            set enable_seqscan = off set max_parallel_workers_per_gather = 0 set jit = off
        as $body$
            select j.status, count(*),
                   greatest(0, extract(epoch from clock_timestamp() - min(coalesce(j.started_at, a.due_at, j.created_at)))::float8)
              from report_job j left join report_attempt a on a.job_id = j.id where j.ended_at is null group by j.status
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
