"""A run as JUnit XML: a suite for each layer, a case for each operation, as every CI shows it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from agentserver_contract.reports.text import finding_text
from agentserver_contract.results.findings import Finding, LayerResult
from agentserver_contract.run import Outcome

# Characters that XML 1.0 does not allow, not even escaped.
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def text(outcome: Outcome) -> str:
    """The whole run. A listed departure is no failure; what was not run is skipped."""
    root = ET.Element("testsuites", name="agentserver contract", time=f"{outcome.seconds:.3f}")
    by_layer: dict[str, list[Finding]] = {}
    for finding in outcome.unexplained:
        by_layer.setdefault(finding.layer, []).append(finding)
    for result in outcome.results:
        _add_suite(root, result, by_layer.pop(result.layer, []))
    for layer, findings in by_layer.items():  # such as the differential, part of another layer
        _add_suite(root, LayerResult(layer), findings)
    if outcome.ended_by:
        suite = ET.SubElement(root, "testsuite", name="run", tests="1", errors="1")
        case = ET.SubElement(suite, "testcase", classname="run", name="the run to its end")
        ET.SubElement(case, "error", message=_xml(outcome.ended_by))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add_suite(root: ET.Element, result: LayerResult, findings: list[Finding]) -> None:
    operations = dict.fromkeys([*result.cases, *(finding.operation for finding in findings)])
    suite = ET.SubElement(root, "testsuite", name=result.layer)
    failed = 0
    for operation in operations:
        of_operation = [finding for finding in findings if finding.operation == operation]
        failed += bool(of_operation)
        seconds = result.seconds_of.get(operation, 0.0)
        _add_case(suite, result.layer, operation or "the whole run", of_operation, seconds)
    for name, reason in result.not_run.items():
        case = ET.SubElement(suite, "testcase", classname=result.layer, name=_xml(name))
        ET.SubElement(case, "skipped", message=_xml(reason))
    suite.set("tests", str(len(operations) + len(result.not_run)))
    suite.set("failures", str(failed))
    suite.set("skipped", str(len(result.not_run)))
    suite.set("time", f"{result.seconds:.3f}")


def _add_case(
    suite: ET.Element, layer: str, name: str, findings: Iterable[Finding], seconds: float
) -> None:
    time = f"{seconds:.3f}"
    case = ET.SubElement(suite, "testcase", classname=layer, name=name, time=time)
    for finding in findings:
        failure = ET.SubElement(case, "failure", message=_xml(finding.promise))
        failure.text = _xml(finding_text(finding))


def _xml(text: str) -> str:
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
