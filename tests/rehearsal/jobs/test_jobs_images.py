"""What a folder's Dockerfile says about running it."""

import pytest

from trainwright.rehearsal.jobs.images import DEFAULT_PATH, ImageError, parse_reference, read_image

DIGEST = "sha256:" + "0" * 64


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "train.py").write_text("print('train')")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "model.py").write_text("")
    return tmp_path


def image(folder, *lines, **options):
    (folder / "Dockerfile").write_text("\n".join(lines))
    return read_image(folder, **options)


def laid(image, tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    image.lay(root, real=False)
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_exec_form_is_started_with_train(folder):
    read = image(folder, "FROM base", 'ENTRYPOINT ["python", "train.py"]', 'CMD ["ignored"]')
    assert read.argv(None, None) == ["python", "train.py", "train"]


def test_shell_form_is_run_by_a_shell_that_passes_no_argument(folder):
    read = image(folder, "FROM base", "ENTRYPOINT python train.py")
    assert read.argv(None, None)[:3] == ["/bin/sh", "-c", "python train.py"]


def test_the_request_replaces_entry_point_and_arguments(folder):
    read = image(folder, "FROM base", 'ENTRYPOINT ["python"]')
    assert read.argv(["bash"], ["a", "b"]) == ["bash", "a", "b"]
    assert read.argv(None, ["a"]) == ["python", "a"]


def test_without_entry_point_the_program_train_is_run(folder):
    assert image(folder, "FROM base").argv(None, None) == ["train"]


def test_env_and_arguments_are_put_in(folder):
    lines = [
        "FROM base",
        "ARG TOP=/srv",
        "ENV A=1 B='two words'",
        'ENV PATH="/opt/x:${PATH}"',
        "WORKDIR $TOP",
        "WORKDIR app",
    ]
    read = image(folder, *lines)
    assert read.environment == {"A": "1", "B": "two words", "PATH": f"/opt/x:{DEFAULT_PATH}"}
    assert read.workdir == "/srv/app"
    assert image(folder, *lines, build_args={"TOP": "/opt"}).workdir == "/opt/app"


def test_the_bases_are_known_for_their_permissions(folder):
    lines = ["ARG REGION=us-east-1", "FROM ${REGION}/one AS build", "FROM ${REGION}/two", "COPY --from=build /x /x"]
    assert image(folder, *lines).bases == ["us-east-1/one", "us-east-1/two"]
    assert image(folder, *lines, build_args={"REGION": "eu"}).bases == ["eu/one", "eu/two"]


def test_the_last_stage_counts_with_what_it_is_made_from(folder):
    lines = ["FROM base AS common", "ENV A=1", "FROM base AS other", "ENV B=1", "FROM common", "ENV C=1"]
    assert {"A", "C"} < set(image(folder, *lines).environment)
    assert "B" not in image(folder, *lines).environment


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            ["WORKDIR /opt/program", "COPY . ."],
            ["opt/program/Dockerfile", "opt/program/lib/model.py", "opt/program/train.py"],
        ),
        (["COPY train.py /usr/bin/train"], ["usr/bin/train"]),
        (["COPY train.py /opt/program/"], ["opt/program/train.py"]),
        (["WORKDIR /opt/program", "COPY train.py /opt/program"], ["opt/program/train.py"]),
        (["COPY lib /opt/lib"], ["opt/lib/model.py"]),
        (['COPY ["train.py", "lib", "/a/"]'], ["a/model.py", "a/train.py"]),
        (["COPY --chown=1:1 *.py /a/"], ["a/train.py"]),
    ],
)
def test_copies_as_docker_does(folder, tmp_path_factory, lines, expected):
    assert laid(image(folder, "FROM base", *lines), tmp_path_factory) == expected


def test_dockerignore_is_followed(folder, tmp_path_factory):
    (folder / ".dockerignore").write_text("lib\n")
    files = laid(image(folder, "FROM base", "COPY . /a/"), tmp_path_factory)
    assert "a/train.py" in files
    assert "a/lib/model.py" not in files


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["RUN true"], "RUN stands before the first FROM"),
        (["# nothing"], "there is no FROM"),
        (["FROM base", "COPPY a b"], "unknown instruction COPPY"),
    ],
)
def test_fails_on_what_no_build_would_take(folder, lines, message):
    with pytest.raises(ImageError, match=message):
        image(folder, *lines)


@pytest.mark.parametrize("source", ["missing.py", "../outside"])
def test_fails_on_sources_that_are_not_there(folder, tmp_path_factory, source):
    with pytest.raises(ImageError, match="build context"):
        laid(image(folder, "FROM base", f"COPY {source} /a/"), tmp_path_factory)


def test_fails_without_dockerfile(folder):
    with pytest.raises(ImageError, match="no file Dockerfile"):
        read_image(folder)


def test_takes_addresses_apart():
    host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    by_digest = parse_reference(f"{host}/a/b:tag@{DIGEST}")
    assert by_digest is not None and by_digest.image_id == {"imageDigest": DIGEST}
    assert by_digest.repository_arn == "arn:aws:ecr:eu-west-1:123456789012:repository/a/b"
    plain = parse_reference(f"{host}/a")
    assert plain is not None and plain.image_id == {"imageTag": "latest"}
    assert parse_reference("docker.io/library/python") is None
