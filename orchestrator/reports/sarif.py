"""SARIF 2.1.0, the format that linters and security scanners share. Findings only, never tests.

What was accepted (suppressed), is gone (absent) or says that all is well is no finding. A run that
tells of no results at all, or of an execution that failed, is errored: silence proves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import unquote

from pydantic import AliasGenerator, BaseModel, ConfigDict, TypeAdapter
from pydantic.alias_generators import to_camel

from orchestrator.reports.findings import Finding, Findings
from orchestrator.reports.json_documents import documents
from orchestrator.reports.plain_text import plain_text
from orchestrator.reports.source import ReportUnreadable, read_report

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from orchestrator.results import Report

_FAULTS = frozenset({"fail", "open", "review"})
_GRAVE = "error"
_COUNTED = frozenset({_GRAVE, "warning"})


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=AliasGenerator(to_camel))


class _Message(_Part):
    text: str = ""
    markdown: str = ""
    id: str = ""
    arguments: tuple[str, ...] = ()


class _Artifact(_Part):
    uri: str = ""
    index: int = -1


class _Region(_Part):
    start_line: int | None = None


class _Physical(_Part):
    artifact_location: _Artifact = _Artifact()
    region: _Region = _Region()


class _Location(_Part):
    physical_location: _Physical = _Physical()


class _Configuration(_Part):
    level: str = "warning"


class _Rule(_Part):
    id: str = ""
    default_configuration: _Configuration = _Configuration()
    message_strings: dict[str, _Message] = {}


class _Suppression(_Part):
    status: str = "accepted"


class _Result(_Part):
    message: _Message
    level: str | None = None
    kind: str = "fail"
    rule_id: str = ""
    rule_index: int = -1
    rule: _Artifact = _Artifact()
    locations: tuple[_Location, ...] = ()
    suppressions: tuple[_Suppression, ...] = ()
    baseline_state: str = ""


class _Notification(_Part):
    message: _Message
    level: str = "warning"
    locations: tuple[_Location, ...] = ()


class _Invocation(_Part):
    execution_successful: bool
    tool_execution_notifications: tuple[_Notification, ...] = ()
    tool_configuration_notifications: tuple[_Notification, ...] = ()


class _Driver(_Part):
    name: str = "the tool"
    rules: tuple[_Rule, ...] = ()


class _Tool(_Part):
    driver: _Driver


class _Described(_Part):
    location: _Artifact = _Artifact()


class _Run(_Part):
    tool: _Tool
    results: tuple[_Result, ...] | None = None
    invocations: tuple[_Invocation, ...] = ()
    artifacts: tuple[_Described, ...] = ()


class _Log(_Part):
    version: str
    runs: tuple[_Run, ...]


_LOG = TypeAdapter(_Log)


class SarifParser:
    """Reads one log, or several one after another."""

    def parse(self, path: Path, root: Path) -> Report:
        """See ``ReportParser``."""
        logs = documents(plain_text(read_report(path)), _LOG)
        runs = [run for log in logs for run in log.runs]
        if not runs:
            raise ReportUnreadable("it tells of no run of a tool")
        findings = Findings(root)
        for log in logs:
            if not log.version.startswith("2."):
                raise ReportUnreadable(f"it is SARIF {log.version[:20]}, not 2.1.0")
        for run in runs:
            _count(run, findings)
        return findings.report()


def _count(run: _Run, findings: Findings) -> None:
    driver = run.tool.driver
    if run.results is None:
        findings.doubt(f"{driver.name} tells of no results at all")
    for invocation in run.invocations:
        if not invocation.execution_successful:
            _count_breakdown(invocation, run, findings)
    rules = {rule.id: rule for rule in driver.rules}
    for result in run.results or ():
        rule = _rule_of(result, driver.rules, rules)
        level = result.level or rule.default_configuration.level
        if level in _COUNTED and _is_fault(result):
            path, line = _place(result.locations, run.artifacts)
            findings.add(
                Finding(
                    message=_said(result.message, rule.message_strings),
                    rule=result.rule_id or rule.id,
                    path=path,
                    line=line,
                    warning=level != _GRAVE,
                )
            )


def _count_breakdown(invocation: _Invocation, run: _Run, findings: Findings) -> None:
    """What kept the tool from its work: each grave thing it noted, or the bare fact."""
    noted = (*invocation.tool_execution_notifications, *invocation.tool_configuration_notifications)
    grave = [notification for notification in noted if notification.level == _GRAVE]
    for notification in grave:
        path, line = _place(notification.locations, run.artifacts)
        findings.doubt(_said(notification.message, {}), path=path, line=line)
    if not grave:
        findings.doubt(f"{run.tool.driver.name} says that it did not succeed")


def _is_fault(result: _Result) -> bool:
    accepted = any(suppression.status == "accepted" for suppression in result.suppressions)
    return result.kind in _FAULTS and result.baseline_state != "absent" and not accepted


def _rule_of(result: _Result, rules: Sequence[_Rule], by_id: Mapping[str, _Rule]) -> _Rule:
    index = result.rule_index if result.rule_index >= 0 else result.rule.index
    if 0 <= index < len(rules):
        return rules[index]
    return by_id.get(result.rule_id, _Rule())


def _place(
    locations: Sequence[_Location], artifacts: Sequence[_Described]
) -> tuple[str, int | None]:
    if not locations:
        return "", None
    physical = locations[0].physical_location
    artifact = physical.artifact_location
    if not artifact.uri and 0 <= artifact.index < len(artifacts):
        artifact = artifacts[artifact.index].location
    return unquote(artifact.uri.removeprefix("file://")), physical.region.start_line


def _said(message: _Message, strings: Mapping[str, _Message]) -> str:
    template = strings.get(message.id, _Message())
    text = message.text or message.markdown or template.text or template.markdown or message.id
    for number, argument in enumerate(message.arguments):
        text = text.replace(f"{{{number}}}", argument)
    return text
