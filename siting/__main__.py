"""Run the command line: ``python -m siting``."""

from siting.cli import main

main(prog_name="siting")
