# SPDX-License-Identifier: GPL-3.0-or-later
"""A small TAP producer (https://testanything.org) for test scripts.

    from lab import tap

    @tap.test
    def water_is_wet(): ...

    if __name__ == "__main__":
        tap.main()

Each function is one test point, in the order of definition; it passes when it returns.
"""

import argparse
import sys
import time
import traceback
from typing import Callable, Iterable, NoReturn

_tests: list[Callable[[], None]] = []

#: Called after a failed test; each returns lines to print (open labs put their logs here).
on_failure: list[Callable[[], Iterable[str]]] = []


class Skip(Exception):
    """Raised by skip(): the test cannot run here; the text says why."""


def test(function: Callable[[], None]) -> Callable[[], None]:
    """Decorator: makes the function a test point named after it."""
    _tests.append(function)
    return function


def skip(why: str) -> NoReturn:
    """Leave the running test as skipped."""
    raise Skip(why)


def skip_all(why: str) -> NoReturn:
    """End the script as skipped; to be called before main()."""
    print(f"1..0 # SKIP {why}", flush=True)
    sys.exit(0)


def comment(text: object) -> None:
    """Print text as TAP comment lines."""
    for line in str(text).rstrip("\n").split("\n"):
        print(f"# {line}", flush=True)


def main(argv: list[str] | None = None) -> NoReturn:
    """Run the tests of this script and exit: 0 only when every test passed or was skipped."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-k", metavar="SUBSTRING", default="", help="run only tests whose name contains it")
    parser.add_argument("-l", action="store_true", help="list the tests")
    arguments = parser.parse_args(argv)
    chosen = [test for test in _tests if arguments.k in test.__name__]
    if arguments.l:
        print("\n".join(test.__name__ for test in chosen))
        sys.exit(0)

    failed = 0
    for number, function in enumerate(chosen, 1):
        failed += not _run(number, function)
    print(f"1..{len(chosen)}", flush=True)
    sys.exit(1 if failed or not chosen else 0)


def _run(number: int, function: Callable[[], None]) -> bool:
    name = function.__name__.replace("_", " ")
    start = time.monotonic()
    try:
        function()
    except Skip as why:
        print(f"ok {number} - {name} # SKIP {why}", flush=True)
        return True
    except Exception:
        print(f"not ok {number} - {name}", flush=True)
        comment(f"{time.monotonic() - start:.2f} s")
        comment(traceback.format_exc())
        for report in list(on_failure):
            for line in report():
                comment(line)
        return False
    print(f"ok {number} - {name}", flush=True)
    comment(f"{time.monotonic() - start:.2f} s")
    return True
