"""Where a request wants to go, by its first line."""

from __future__ import annotations

import pytest

from orchestrator.egress.refusal import Refusal
from orchestrator.egress.route import Forward, Here, Tunnel, route_of

ROUTES = [
    ("CONNECT", "Example.ORG.:443", Tunnel("example.org", 443)),
    ("CONNECT", "[2001:DB8::1]:443", Tunnel("2001:db8::1", 443)),
    ("GET", "http://Example.org", Forward("example.org", 80, b"/")),
    ("GET", "HTTP://example.org:8080/a?b#c", Forward("example.org", 8080, b"/a?b")),
    ("GET", "http://example.org?b", Forward("example.org", 80, b"/?b")),
    ("GET", "/v1/messages", Here(b"/v1/messages")),
    ("GET", "http://127.0.0.1:3128/v1", Here(b"/v1")),
    ("GET", "http://localhost:3128/v1", Here(b"/v1")),
    ("GET", "http://127.0.0.1:3129/v1", Forward("127.0.0.1", 3129, b"/v1")),
]


@pytest.mark.parametrize(("method", "target", "route"), ROUTES)
def test_a_request_goes_where_its_first_line_says(method, target, route):
    assert route_of(method.encode(), target.encode(), 3128) == route


@pytest.mark.parametrize(
    ("method", "target"),
    [
        *(("CONNECT", target) for target in ("example.org", "example.org:", "", ":443", "a:b:443")),
        *(("CONNECT", target) for target in ("127.1:443", "0x7f000001:443", "a@b.example:443")),
        ("CONNECT", "example.org:443/path"),
        *(("GET", target) for target in ("https://example.org/", "ftp://a.example/", "*", "x")),
        *(
            ("GET", f"http://{host}/")
            for host in ("", "a@b.example", "[fe80::1%25lo]", "a\\b", "1")
        ),
    ],
)
def test_a_request_for_nowhere_is_nonsense(method, target):
    with pytest.raises(Refusal) as refused:
        route_of(method.encode(), target.encode(), 3128)
    assert refused.value.status == 400
