"""`python -m trainwright.cli` is the same as `trainwright`."""

from trainwright.cli import main

main()
