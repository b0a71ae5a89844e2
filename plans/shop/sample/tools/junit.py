"""Run unittest modules or folders and write a JUnit report.

``python3 -m tools.junit report.xml tests``, or ``… report.xml e2e.browse e2e.order``. Exits 0
only when some test ran and none was unsuccessful.
"""

from __future__ import annotations

import sys
import unittest
from pathlib import Path
from xml.etree import ElementTree as ET


class Recorder(unittest.TextTestResult):
    """Remembers what ran, since unittest remembers only what went wrong."""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)
        self.ran: list[str] = []

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self.ran.append(test.id())


def report_of(result: Recorder) -> ET.Element:
    suite = ET.Element("testsuite", name="shop", tests=str(result.testsRun))
    cases = {name: case(suite, name) for name in result.ran}
    for tag, told in (("failure", result.failures), ("error", result.errors)):
        for test, traceback in told:
            found = cases.get(test.id())
            found = case(suite, test.id()) if found is None else found
            ET.SubElement(found, tag, message=cause(traceback)).text = traceback
    return suite


def case(suite: ET.Element, name: str) -> ET.Element:
    group, _, test = name.rpartition(".")
    return ET.SubElement(suite, "testcase", classname=group, name=test)


def cause(traceback: str) -> str:
    """The line that tells the exception: the first after the frames that is not indented."""
    frames = traceback.rpartition("(most recent call last):\n")[2]
    return next(line for line in frames.splitlines() if line and not line.startswith(" "))


def load(name: str) -> unittest.TestSuite:
    loader = unittest.defaultTestLoader
    if Path(name).is_dir():
        return loader.discover(name, top_level_dir=".")
    return loader.loadTestsFromName(name)


def main(report: str, *names: str) -> bool:
    suite = unittest.TestSuite(load(name) for name in names)
    result = unittest.TextTestRunner(resultclass=Recorder).run(suite)
    ET.ElementTree(report_of(result)).write(report, encoding="utf-8", xml_declaration=True)
    return result.wasSuccessful() and result.testsRun > 0


if __name__ == "__main__":
    sys.exit(0 if main(*sys.argv[1:]) else 1)
