import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

IMAGE = Path(__file__).parents[2] / "training_image"
# trainkit is no package of this environment: it lives in the image, beside the script.
sys.path.insert(0, str(IMAGE))


class Container:
    """An /opt/ml of its own, and the image's entry point as SageMaker starts it."""

    def __init__(self, base: Path):
        self.base = base
        self.write("input/config/inputdataconfig.json", {"code": {"TrainingInputMode": "File"}})
        self.write("input/config/resourceconfig.json", {"current_host": "algo-1", "hosts": ["algo-1"]})

    def write(self, name: str, content: object) -> None:
        path = self.base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))

    def hyperparameters(self, **values: object) -> None:
        """As the SDK sends them: each value JSON."""
        self.write("input/config/hyperparameters.json", {name: json.dumps(value) for name, value in values.items()})

    def script_mode(self, source: bytes, program: str = "main.py", **values: object) -> None:
        """A job whose source lies in the channel `code`."""
        channel = self.base / "input/data/code"
        channel.mkdir(parents=True, exist_ok=True)
        (channel / "sourcedir.tar.gz").write_bytes(source)
        address = "/opt/ml/input/data/code/sourcedir.tar.gz"
        self.hyperparameters(sagemaker_program=program, sagemaker_submit_directory=address, **values)

    def start(self, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "trainkit.launch", "train.py", "train"],
            cwd=IMAGE,
            env={"PATH": os.environ["PATH"], "SAGEMAKER_BASE_DIR": str(self.base), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, **environment: str) -> tuple[int, str, str]:
        process = self.start(**environment)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    @property
    def failure(self) -> str:
        return (self.base / "output" / "failure").read_text()


@pytest.fixture
def job(tmp_path: Path) -> Container:
    return Container(tmp_path)


class Aws:
    """S3 objects and secrets, over HTTP."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.secrets: dict[str, dict[str, str]] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self._object(body=False)

            def do_GET(self) -> None:
                self._object(body=True)

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answer = outer.secrets.get(asked["SecretId"])
                refused = {"__type": "AccessDeniedException", "Message": "the value is hunter2"}
                self._answer(200 if answer else 400, json.dumps(answer or refused).encode())

            def _object(self, *, body: bool) -> None:
                content = outer.objects.get(self.path)
                self._answer(200 if content else 404, content or b"", body=body)

            def _answer(self, status: int, content: bytes, *, body: bool = True) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("ETag", '"1"')
                self.send_header("Last-Modified", "Sat, 01 Jan 2022 00:00:00 GMT")
                self.end_headers()
                if body:
                    self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def environment(self) -> dict[str, str]:
        """What leads boto3 here."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.server.server_port}",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }


@pytest.fixture
def aws() -> Iterator[Aws]:
    account = Aws()
    yield account
    account.server.shutdown()
    account.server.server_close()
