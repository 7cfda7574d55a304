-- How long jobs wait: one that is to begin at an hour of its own waits from then on, and
-- not from when it was asked for; before that, not at all. Without this every night would begin with jobs that
-- have waited for a day.

-- +goose Up
set local lock_timeout = '3s';

-- +goose StatementBegin
do $functions$
begin
    execute format($create$
        create or replace function report_job_counts() returns table (status text, jobs bigint, oldest_age float8)
            language sql stable security definer set search_path = pg_catalog, %1$I, pg_temp
            set enable_seqscan = off set max_parallel_workers_per_gather = 0 set jit = off
        as $body$
            select j.status, count(*),
                   greatest(0, extract(epoch from clock_timestamp() - min(coalesce(j.started_at, r.due_at, j.created_at)))::float8)
              from report_job j left join report_attempt r on r.job_id = j.id where j.ended_at is null group by j.status
            union all
            select j.status, count(*), null
              from report_job j where j.ended_at is not null group by j.status
        $body$
    $create$, current_schema());
end
$functions$;
-- +goose StatementEnd
