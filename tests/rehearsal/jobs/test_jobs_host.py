"""One host by itself: its view of the machine, its signals, its end."""

import json
import select
import sys
from pathlib import Path

import pytest
import sklearn

from trainwright.rehearsal.jobs import host as host_module
from trainwright.rehearsal.jobs.host import ExitWatch, Host, Isolation, isolation
from trainwright.rehearsal.jobs.images import read_image

PLAIN = Isolation(False)


@pytest.fixture(params=["namespaces", "base directory"])
def kind(request):
    found = isolation()
    if request.param == "namespaces" and not found.namespaces:
        pytest.skip("this machine forbids namespaces")
    return found if request.param == "namespaces" else PLAIN


@pytest.fixture
def start(tmp_path, kind):
    """Start a program on a host made of a Dockerfile's lines; gives the host."""
    hosts = []

    def go(program, *lines, **environment):
        folder = tmp_path / "image"
        folder.mkdir()
        (folder / "program.py").write_text(program)
        (folder / "Dockerfile").write_text("\n".join(["FROM base", *lines]))
        image = read_image(folder)
        host = Host(tmp_path / "host", "algo-1", kind)
        host.install(image, sys.executable, ["algo-1", "algo-2"])
        host.start(image, image.argv(None, None), environment, network=True)
        hosts.append(host)
        return host

    yield go
    for host in hosts:
        host.destroy()


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def output(host):
    text = host.process.stdout.read().decode()
    host.process.wait()
    return text


PROGRAM = ["WORKDIR /opt/program", "COPY program.py .", 'ENTRYPOINT ["python", "/opt/program/program.py"]']


def test_files_of_the_image_are_where_the_dockerfile_puts_them(start):
    host = start("import os; print(os.getcwd().endswith('/opt/program'), open('program.py').read()[:6])", *PROGRAM)
    assert output(host) == "True import\n"


def test_the_machine_keeps_what_it_has_beside_the_hosts_files(start, kind):
    if not kind.namespaces:
        pytest.skip("nothing lies over the machine's files")
    before = {name: names(name) for name in ("/", "/opt", "/etc") if Path(name).is_dir()}
    host = start(
        f"import os, json; print(json.dumps({{name: sorted(os.listdir(name)) for name in {list(before)!r}}}))", *PROGRAM
    )
    inside = json.loads(output(host))
    for name, entries in before.items():
        assert set(entries) <= set(inside[name])
        assert names(name) == entries
    assert {"ml", "program"} <= set(inside.get("/opt", []))


@pytest.mark.parametrize("folder", ["deep", "link"])
def test_a_new_file_in_a_folder_of_the_machine_is_the_hosts_alone(start, kind, tmp_path, folder):
    if not kind.namespaces:
        pytest.skip("nothing lies over the machine's files")
    deep = tmp_path / "machine" / "deep"
    deep.mkdir(parents=True)
    (deep / "old").touch()
    (tmp_path / "machine" / "link").symlink_to(deep)
    where = tmp_path / "machine" / folder
    host = start(f"import os; print(sorted(os.listdir({str(where)!r})))", f"COPY program.py {where}/new", *PROGRAM)
    assert output(host) == "['new', 'old']\n"
    assert names(deep) == ["old"]


def test_what_a_host_puts_in_a_links_place_is_the_hosts_alone(start, kind, tmp_path):
    if not kind.namespaces:
        pytest.skip("nothing lies over the machine's files")
    (tmp_path / "target").write_text("the machine's")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    link = str(tmp_path / "link")
    host = start(f"print(len(open({link!r}).read()) > 20)  # a long line", f"COPY program.py {link}", *PROGRAM)
    assert output(host) == "True\n"
    assert (tmp_path / "target").read_text() == "the machine's"


def test_a_machine_without_virtual_interfaces_says_what_that_loses(monkeypatch):
    monkeypatch.setattr(host_module, "networks_work", lambda: False)
    host_module.isolation.cache_clear()
    try:
        found = isolation()
    finally:
        host_module.isolation.cache_clear()
    assert not found.has_networks
    assert any("share this machine's ports" in sentence for sentence in found.lost)


def test_the_interpreter_is_the_configured_one_with_its_packages(start):
    host = start("import sys, sklearn; print(sklearn.__file__, sys.version)", *PROGRAM)
    assert output(host).split()[0] == sklearn.__file__


def test_names_of_hosts_resolve(start, kind):
    if not kind.namespaces:
        pytest.skip("needs a file system of its own")
    assert output(start("import socket; print(socket.gethostbyname('algo-2'))", *PROGRAM)) == "127.0.0.1\n"


def test_a_program_that_is_not_there_is_127(start):
    host = start("", 'ENTRYPOINT ["no-such-program"]')
    assert "no-such-program" in output(host)
    assert host.process.returncode == 127


def test_sigterm_reaches_the_entry_point_and_its_exit_code_comes_back(start):
    host = start(
        "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(42))\nprint('on', flush=True)\n"
        "time.sleep(30)",
        *PROGRAM,
    )
    assert host.process.stdout.readline() == b"on\n"
    host.terminate()
    assert host.process.wait(timeout=10) == 42


def test_a_shell_form_entry_point_does_not_pass_sigterm_on(start, kind):
    if not kind.namespaces:
        pytest.skip("without namespaces the shell is no process 1 and dies of the signal")
    program = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(42))\n"
    program += "print('on', flush=True)\ntime.sleep(1)\nprint('to its end')"
    host = start(program, "COPY program.py /opt/program/", "ENTRYPOINT python /opt/program/program.py; true")
    assert host.process.stdout.readline() == b"on\n"
    host.terminate()
    assert output(host) == "to its end\n"


def test_killing_takes_every_process_and_destroying_every_file(start):
    program = "import subprocess, time\nchild = subprocess.Popen(['setsid', 'sh', '-c', 'sleep 1234 & sleep 1234'])\n"
    host = start(program + "print('on', flush=True)\ntime.sleep(30)", *PROGRAM)
    assert host.process.stdout.readline() == b"on\n"
    host.kill()
    host.process.wait(timeout=10)
    assert host.process.stdout.read() == b""  # ends only when nobody holds the pipe any more
    host.destroy()
    assert not host.folder.exists()


def test_the_watch_becomes_readable_at_the_end(start):
    host = start("import time; time.sleep(0.3)", *PROGRAM)
    watch = ExitWatch(host.process)
    assert select.select([watch.fileno()], [], [], 0)[0] == []
    assert select.select([watch.fileno()], [], [], 10)[0] == [watch.fileno()]
    watch.close()
    assert host.process.wait(timeout=5) == 0
