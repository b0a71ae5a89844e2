"""Services in a plan: who owns a port, who may name it, and what is told of a misspelt one."""

from __future__ import annotations

import pytest

from orchestrator.plan.services import beside, owner_of, port_names, variable_of, with_ports

SERVICES = """\
services:
  web: {run: "serve {port.web} {port.web-admin}", ready: {tcp: "{port.web}"}, needs: [db]}
  web-old: {run: "serve {port.web-old-b}"}
  db: {run: "db -p {port.db} -D {state}"}
"""
USE = 'run: pytest e2e, services: [web], env: {AT: "{port.web}", DB: "{port.db}"}'


@pytest.fixture
def served(small):
    """A plan with services, of which the check e2e uses one."""
    return SERVICES + small.replace("run: pytest e2e", USE)


def test_a_check_has_the_ports_of_its_services_and_of_those_they_need(plan_of, served):
    plan = plan_of(served)
    assert beside(plan, plan.checks["e2e"]) == ("db", "web")
    assert port_names(plan, ("db", "web")) == ("db", "web", "web-admin")
    assert port_names(plan, ("web-old",)) == ("web-old", "web-old-b")
    assert beside(plan, plan.checks["unit"]) == ()


def test_a_port_belongs_to_the_service_with_the_longest_fitting_name():
    services = ("web", "web-old")
    assert owner_of("web-old-b", services) == "web-old"
    assert owner_of("web-olden", services) == "web"
    assert owner_of("website", services) is None


def test_numbers_take_the_place_of_ports_and_of_nothing_else():
    assert with_ports("a {port.web} ${port.web} {web} {report}", {"web": 7}) == (
        "a 7 ${port.web} {web} {report}"
    )
    assert variable_of("web-admin.v2_x") == "CLERK_PORT_WEB_ADMIN_V2_X"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("needs: [db]", "needs: [bd]", "2:87: service 'web': needs names 'bd'; did you mean 'db'?"),
        (
            "needs: [db]",
            "needs: [web]",
            "2:87: service 'web': needs names the service itself; remove it",
        ),
        (
            "db -p {port.db} -D {state}",
            "db -p {port.bd}",
            "4:13: service 'db': run names the port 'bd'; did you mean 'db'?",
        ),
        (
            "db -p {port.db} -D {state}",
            "db -p {ports.db}",
            "4:13: service 'db': run holds '{ports.db}'; did you mean '{port.db}'?",
        ),
        (
            'tcp: "{port.web}"',
            'tcp: "{port.shop}"',
            "ready.tcp names the port 'shop'; a port is named after its service, as in {port.web} or",
        ),
        (
            'DB: "{port.db}"',
            'OLD: "{port.web-old}"',
            "env.OLD names the port 'web-old', and the service 'web-old' does not run beside this check",
        ),
        (
            "services: [web]",
            "services: [wbe]",
            "check 'e2e': services names 'wbe'; did you mean 'web'?",
        ),
        (
            "{port.web-admin}",
            "{port.web-old}",
            "",
        ),
        (
            "{port.web-admin}",
            "{port.web_a} {port.web-a}",
            "service 'web': run names the port 'web_a'",
        ),
        (
            "{port.web-admin}",
            "{port.web-a.b} {port.web-a_b}",
            "the ports 'web-a.b' and 'web-a_b' would both be told as CLERK_PORT_WEB_A_B; rename one",
        ),
        (
            "  unit:",
            "  service-web:",
            "check 'service-web': service-web.log is the log of the service",
        ),
        (
            'ready: {tcp: "{port.web}"}',
            "ready: {}",
            "ready: tells no way; write exactly one of http,",
        ),
        (
            'tcp: "{port.web}"',
            "tcp: '1', log: up",
            "ready: tells tcp and log; write exactly one of",
        ),
        (
            'tcp: "{port.web}"',
            "http: localhost",
            "'localhost' is no URL to ask; write it like http://",
        ),
        (
            'tcp: "{port.web}"',
            "tcp: here",
            "'here' is no address; write {port.NAME} or 127.0.0.1:8080",
        ),
    ],
)
def test_what_leads_nowhere_is_told_with_the_mend(problems_of, served, old, new, told):
    assert old in served
    lines = problems_of(served.replace(old, new, 1))
    assert (not told and not lines) or any(told in line for line in lines), lines


def test_services_that_need_each_other_are_told(problems_of, served):
    circle = served.replace("{state}", "{state}").replace('{state}"}', '{state}", needs: [web]}')
    (line,) = problems_of(circle)
    assert "needs leads in a circle, web -> db -> web; remove one" in line


def test_every_mistake_about_services_is_told_at_once(problems_of, served):
    wrong = served.replace("needs: [db]", "needs: [bd]").replace(
        "services: [web]", "services: [wbe]"
    )
    assert len(problems_of(wrong)) >= 2
