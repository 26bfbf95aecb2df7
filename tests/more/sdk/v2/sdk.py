"""The SDK v2's answers to documents, from its own interpreter; `python -m` it to record the named cases anew."""

import importlib.util
import json
import os
import subprocess
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
RECORDED = ROOT / "tests" / "sdk" / "v2" / "cases.json"


def interpreter() -> Path | None:
    """The Python that has the SDK v2: TRAINWRIGHT_SDK_V2, else .sdk/v2 beside the sources; None where there is none."""
    named = os.environ.get("TRAINWRIGHT_SDK_V2")
    found = Path(named) if named else ROOT / ".sdk" / "v2" / "bin" / "python"
    return found if found.is_file() else None


def answers(documents: list[dict]) -> list[dict]:
    """What the SDK sends for each document, or what it raises."""
    python = interpreter()
    assert python is not None
    command = [str(python), str(HERE / "record.py")]
    done = subprocess.run(command, input=json.dumps(documents), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def cases() -> ModuleType:
    """cases.py, which is no package's."""
    spec = importlib.util.spec_from_file_location("sdk_v2_cases", HERE / "cases.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def with_name(name: str, document: dict) -> dict:
    """The document with a job's name, so that no clock is in the answer."""
    fit = {"job_name": f"golden-{name.replace('_', '-')}", **document["fit"]}
    return {"case": name, **document, "fit": fit}


def named() -> list[dict]:
    """Every named case, ready to be asked."""
    return [with_name(name, document) for name, document in cases().named().items()]


def comparable(request: dict) -> dict:
    """A request without what is not the same twice: the order of a set, and a time in a rule's name."""
    request = json.loads(json.dumps(request))
    if "DebugHookConfig" in request:
        request["DebugHookConfig"]["CollectionConfigurations"].sort(key=json.dumps)
    for rule in request.get("ProfilerRuleConfigurations", ()):
        if rule["RuleConfigurationName"].startswith("DetailedProfilerProcessingJobConfig-"):
            rule["RuleConfigurationName"] = "DetailedProfilerProcessingJobConfig-TIME"
    return request


def compared(answer: dict) -> dict:
    """An answer, comparable: the request, or the kind of the error without its text, which names objects."""
    if "request" in answer:
        return {"request": comparable(answer["request"])}
    return {"error": answer["error"].partition(":")[0]}


def record() -> None:
    """Writes the recorded answers of the named cases, a case a line."""
    documents = named()
    lines = [
        json.dumps({**document, **compared(answer)}, ensure_ascii=False)
        for document, answer in zip(documents, answers(documents), strict=True)
    ]
    RECORDED.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    record()
