-- Results of reports: Binary resources, their versions, and the data in pieces.

-- +goose Up
create table report_binary (
    -- The FHIR id, in decimal. It counts up, as in the reference service.
    id         bigint      generated always as identity primary key,
    user_id    text        collate "C" not null,
    -- The job that the Binary belongs to; null after the job is deleted.
    job_id     uuid        unique references report_job (id) on delete set null deferrable initially deferred,
    created_at timestamptz not null default now(),
    -- A deleted Binary stays as a row, so that its address answers 410 and not 404.
    deleted_at timestamptz,

    constraint report_binary_user_id_length check (char_length(user_id) between 1 and 512)
);

create index report_binary_by_user on report_binary (user_id, id);

-- Binaries whose jobs are deleted, for the purge.
create index report_binary_orphaned on report_binary (created_at) where job_id is null and deleted_at is null;

create table report_binary_version (
    binary_id    bigint      not null references report_binary (id) on delete cascade,
    version      integer     not null, -- 1 is the placeholder, 2 the result
    content_type text        not null,
    source       text,                 -- id of the request; null for a version that a worker stored
    last_updated timestamptz not null default now(),
    size         bigint      not null, -- bytes
    file_name    text,                 -- suggested name of a download
    primary key (binary_id, version),

    constraint report_binary_version_counts check (version > 0 and size >= 0),
    constraint report_binary_version_content_type check (char_length(content_type) between 1 and 255)
);

-- Pieces of 256 KiB, the last one shorter. A slow client reads piece by piece, and holds no
-- connection in between.
create table report_binary_piece (
    binary_id bigint  not null,
    version   integer not null,
    number    integer not null, -- from 0
    data      bytea   not null,
    primary key (binary_id, version, number),
    foreign key (binary_id, version) references report_binary_version (binary_id, version) on delete cascade,

    constraint report_binary_piece_size check (number >= 0 and length(data) between 1 and 262144)
);
-- The data is compressed already.
alter table report_binary_piece alter column data set storage external;

alter table report_binary owner to reporting_owner;
alter table report_binary_version owner to reporting_owner;
alter table report_binary_piece owner to reporting_owner;

-- Row-level security, as for report_job. The subqueries are subject to report_binary_own.
alter table report_binary enable row level security;
alter table report_binary_version enable row level security;
alter table report_binary_piece enable row level security;

create policy report_binary_own on report_binary as restrictive
    to reporting_reader, reporting_requester
    using (user_id = nullif(current_setting('reporting.user_id', true), ''))
    with check (user_id = nullif(current_setting('reporting.user_id', true), ''));
create policy report_binary_version_own on report_binary_version as restrictive
    to reporting_reader, reporting_requester
    using (exists (select from report_binary b where b.id = binary_id)) with check (exists (select from report_binary b where b.id = binary_id));
create policy report_binary_piece_own on report_binary_piece as restrictive
    to reporting_reader, reporting_requester
    using (exists (select from report_binary b where b.id = binary_id)) with check (exists (select from report_binary b where b.id = binary_id));

create policy report_binary_any on report_binary
    to reporting_reader, reporting_requester, reporting_worker using (true) with check (true);
create policy report_binary_version_any on report_binary_version
    to reporting_reader, reporting_requester, reporting_worker using (true) with check (true);
create policy report_binary_piece_any on report_binary_piece
    to reporting_reader, reporting_requester, reporting_worker using (true) with check (true);

grant select on report_binary, report_binary_version, report_binary_piece to reporting_reader;

grant select, insert on report_binary, report_binary_version, report_binary_piece to reporting_requester;
grant delete on report_binary_version to reporting_requester; -- deletes its pieces too
grant update (deleted_at) on report_binary to reporting_requester;

grant select, insert, update, delete on report_binary, report_binary_version, report_binary_piece to reporting_worker;
