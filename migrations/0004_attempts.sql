-- What the workers of this service record about a job: one row for each job that was ordered
-- here. Jobs of other producers have no row, and no worker starts, cancels or ends them.

-- +goose Up
create table report_attempt (
    job_id       uuid        primary key references report_job (id) on delete cascade,
    due_at       timestamptz not null,           -- earliest start
    river_job_id bigint,                         -- the job's current entry in the queue
    attempt      integer     not null default 0, -- number of the latest attempt: the fencing token
    uncounted    integer     not null default 0, -- attempts that do not count against the limit
    heartbeat_at timestamptz,                    -- last heartbeat of the running attempt; null while none runs
    idle_since   timestamptz not null default now(), -- end of the last attempt, or the order
    progress     text,                           -- of the running attempt, for the user

    constraint report_attempt_counts check (0 <= uncounted and uncounted <= attempt),
    constraint report_attempt_progress_length check (char_length(progress) between 1 and 100)
);

-- Jobs that the sweep promotes.
create index report_attempt_due on report_attempt (due_at) where attempt = 0;

alter table report_attempt owner to reporting_owner;

alter table report_attempt enable row level security;
create policy report_attempt_own on report_attempt as restrictive
    to reporting_reader, reporting_requester
    using (exists (select from report_job j where j.id = job_id)) with check (exists (select from report_job j where j.id = job_id));
create policy report_attempt_any on report_attempt
    to reporting_reader, reporting_requester, reporting_worker using (true) with check (true);

-- A producer starts and ends the jobs that it inserted, and not those that were ordered here.
create policy report_attempt_producer on report_attempt for select to reporting_producer using (true);
create policy report_job_producer_own on report_job as restrictive for update
    to reporting_producer
    using (not exists (select from report_attempt a where a.job_id = id));

grant select on report_attempt to reporting_reader;
grant select (job_id) on report_attempt to reporting_producer;
grant select, insert on report_attempt to reporting_requester;
grant select, update on report_attempt to reporting_worker;
