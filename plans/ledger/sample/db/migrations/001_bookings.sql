create table accounts (name text primary key);

create table bookings (
    id bigint generated always as identity primary key,
    account text not null references accounts (name),
    cents bigint not null check (cents <> 0),
    at timestamptz not null default now(),
    void boolean not null default false
);
