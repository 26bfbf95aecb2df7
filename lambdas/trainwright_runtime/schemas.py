"""The JSON schemas that docs/ carries: `python -m trainwright_runtime.schemas run-request >
docs/run-request.schema.json`."""

import json
import sys

from trainwright_runtime import notices, policy, request
from trainwright_runtime.report import form

DOCUMENTS = {
    "run-request": request.json_schema,
    "team-policy": policy.json_schema,
    "notice": notices.json_schema,
    "report": form.json_schema,
}


def text(document: str) -> str:
    """The schema of one of DOCUMENTS as the file in docs/ holds it."""
    return json.dumps(DOCUMENTS[document](), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text(sys.argv[1]))
