"""A Python program with a clock that a test moves: `python -m tests.support.moved_program flask --app wsgi worker`."""

import runpy
import sys

from tests.support.moved_clock import follow

if __name__ == "__main__":
    follow()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
