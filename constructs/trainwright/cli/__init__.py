"""The `trainwright` command."""


def main() -> None:
    """Entry point of the command; the import is late so that `import trainwright.cli` costs nothing."""
    from trainwright.cli.app import app  # noqa: PLC0415

    app()
