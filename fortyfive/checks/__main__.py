"""The grading process: reads a submission as JSON from standard input and writes its report as JSON."""

from __future__ import annotations

import json
import sys

from fortyfive import checks
from fortyfive.grading.exercise import grade
from fortyfive.grading.submission import Submission


def main() -> None:
    """Grade one submission."""
    request = json.load(sys.stdin)
    report = grade(checks.load(request["stem"]), Submission(**request["submission"]), request["names"])
    json.dump(report.to_json(), sys.stdout)


if __name__ == "__main__":
    main()
