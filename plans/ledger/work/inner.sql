create view balances as
select bookings.account, sum(cents)::bigint as cents
from bookings
where at <= now()
group by bookings.account;
