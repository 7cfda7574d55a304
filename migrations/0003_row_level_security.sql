-- The second wall: whoever acts as reporting_reader sees the rows of one user, the
-- one that the setting reporting.user_id names, and none where it names nobody. A
-- query that forgets to ask for the user's rows gets them all the same, and nobody
-- else's.
--
-- It is a wall against mistakes in queries, not against foreign SQL: whoever may
-- run any SQL may set the setting too.

-- +goose Up
-- Changing the table waits for its readers, and everybody else waits behind that: so
-- not for long. Who migrates tries again.
set local lock_timeout = '3s';

alter table report_job enable row level security;

-- Restrictive, so that no policy beside it can widen it: not one that somebody
-- adds, and not the producer's, where one login is a member of both roles.
create policy report_job_reader_own on report_job
    as restrictive for select to reporting_reader
    using (user_id = nullif(current_setting('reporting.user_id', true), ''));

-- Without a permissive policy there would be nothing to restrict.
create policy report_job_reader on report_job
    for select to reporting_reader
    using (true);

-- What a producer may do is settled by its grants.
create policy report_job_producer on report_job
    to reporting_producer
    using (true) with check (true);
