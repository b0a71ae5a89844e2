insert into accounts values ('ada'), ('bob'), ('eve'), ('new');
insert into bookings (account, cents, at, void) values
    ('ada', 1250, now(), false), ('ada', -250, now(), false),
    ('bob', 900, now(), false), ('bob', 100, now() + interval '1 day', false),
    ('eve', 700, now(), false), ('eve', 300, now(), true);

select '1..' || 4;

with wanted (number, name, account, cents) as (values
    (1, 'bookings are added up', 'ada', 1000),
    (2, 'a booking of the future counts nothing yet', 'bob', 900),
    (3, 'a void booking counts nothing', 'eve', 700),
    (4, 'an account without bookings has nothing', 'new', 0)
)
select case when balances.cents = wanted.cents then '' else 'not ' end || 'ok ' || number || ' - ' || name
    || case when balances.cents = wanted.cents then '' else E'\n# ' || wanted.account || ' has '
    || coalesce(balances.cents::text, 'no balance') || ', expected ' || wanted.cents end
from wanted left join balances using (account)
order by number;
