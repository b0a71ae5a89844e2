"""Which hosts an entry admits: names compared, never looked up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import UsageError
from orchestrator.hosts import AllowList, normal_host

ADMITTED = [
    ("example.org", "example.org", 443, True),
    ("example.org", "example.org", 80, True),
    ("example.org", "example.org", 22, False),
    ("example.org", "www.example.org", 443, False),
    ("example.org", "notexample.org", 443, False),
    ("example.org:8443", "example.org", 8443, True),
    ("example.org:8443", "example.org", 443, False),
    ("*.example.org", "a.example.org", 443, True),
    ("*.example.org", "a.b.example.org", 443, True),
    ("*.example.org", "example.org", 443, False),
    ("*.example.org", "evilexample.org", 443, False),
    ("*.example.org:22", "a.example.org", 22, True),
    ("EXAMPLE.org.", "Example.ORG.", 443, True),
    ("bücher.example", "xn--bcher-kva.example", 443, True),
    ("xn--bcher-kva.example", "BÜCHER.example", 443, True),
    ("straße.example", "strasse.example", 443, False),
    ("192.0.2.7", "192.0.2.7", 443, True),
    ("[2001:DB8::7]:80", "[2001:db8:0::7]", 80, True),
    ("localhost:8000", "localhost", 8000, True),
    ("localhost:8000", "127.0.0.1", 8000, False),
]


@pytest.mark.parametrize(("entry", "host", "port", "admitted"), ADMITTED)
def test_an_entry_admits_what_it_says(entry, host, port, admitted):
    assert AllowList.of([entry]).admits(normal_host(host), port) is admitted


@pytest.mark.parametrize(
    "entry",
    [
        *(
            "",
            "*",
            "*.",
            ".",
            "a..b",
            "-a.example",
            "a b",
            "a/b",
            "http://example.org",
            "a@b.example",
        ),
        *("example.org:", "example.org:0", "example.org:65536", "example.org:https", "::1", "[::1"),
        *("[fe80::1%eth0]", "*.10.0.0.1", "*.localhost", "localhost", "a\n.example", "a\x00"),
        *(
            "127.1",
            "0x7f.0.0.1",
            "2130706433",
            "017700000001",
            "1.2.3.4.5",
            "x.0x7f",
            "*.*.example",
        ),
        "a" * 64 + ".example",
    ],
)
def test_an_entry_that_is_no_host_is_refused_with_an_example(entry):
    with pytest.raises(UsageError, match=r"example\.org|leave out|localhost:8000"):
        AllowList.of([entry])


@given(st.text(max_size=40))
def test_there_is_one_spelling_of_a_host(text):
    try:
        normal = normal_host(text)
    except ValueError:
        return
    assert normal.isascii()
    assert normal == normal.lower()
    assert normal_host(f"[{normal}]" if ":" in normal else normal) == normal
