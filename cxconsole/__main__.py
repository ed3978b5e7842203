"""`python -m cxconsole <command>`."""

import argparse
import asyncio

from cxconsole.bootstrap import get_application


def main() -> None:
    """Run one command."""
    parser = argparse.ArgumentParser(prog="cxconsole", description="The customer experience console.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="start the console")
    commands.add_parser("worker", help="run the jobs alone")
    command = parser.parse_args().command
    if command == "run":
        from cxconsole import serve

        serve.run()
    else:
        from cxconsole.engine import run_engine

        asyncio.run(run_engine(get_application()))


if __name__ == "__main__":
    main()
