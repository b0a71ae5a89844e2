create view balances as
select accounts.name as account, coalesce(sum(bookings.cents), 0)::bigint as cents
from accounts
left join bookings
    on bookings.account = accounts.name and bookings.at <= now() and not bookings.void
group by accounts.name;
