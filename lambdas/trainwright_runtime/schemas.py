"""The JSON schemas that docs/ carries: `python -m trainwright_runtime.schemas run-request >
docs/run-request.schema.json`."""

import json
import sys

from trainwright_runtime import policy, request

DOCUMENTS = {"run-request": request.json_schema, "team-policy": policy.json_schema}


def text(document: str) -> str:
    """The schema of `run-request` or `team-policy` as the file in docs/ holds it."""
    return json.dumps(DOCUMENTS[document](), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text(sys.argv[1]))
