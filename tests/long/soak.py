#!/usr/bin/env python3
"""Runs a test program over and over in one process and watches its memory: what leaks a little leaks at every round.

    soak.py PROGRAM [--repeat 40] [--filter PATTERN] [--slack-mb 8]

PROGRAM is a GoogleTest program. The resident memory is read at the start of every round; the largest of the last
quarter may exceed the largest of the second quarter by --slack-mb. Prints both; exit code 1 when it does or a test
fails, and when the program made fewer rounds than asked for.
"""

import argparse
import collections
import pathlib
import subprocess
import sys

ROUND = "Repeating all tests (iteration "
LAST_LINES = 40  # that are shown of a program that fails


def resident_mb(pid):
    """VmRSS of a running process; None when it has ended."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return None
    for line in status.splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return None


def watch(lines, resident):
    """The last lines, and the memory in MB at the start of every round by `resident`; of a program that has ended by then
    (None) what it last was."""
    seen, memory = collections.deque(maxlen=LAST_LINES), []
    for line in lines:
        seen.append(line)
        if line.startswith(ROUND):
            at = resident()
            memory.append(at if at is not None else memory[-1] if memory else 0.0)
    return list(seen), memory


def judge(memory, repeat, slack_mb):
    """The fault of a run with `memory` MB at the start of each round as text, None when there is none."""
    if len(memory) < repeat:
        return f"made {len(memory)} rounds, expected {repeat}"
    quarter = len(memory) // 4
    early, late = max(memory[quarter:2 * quarter]), max(memory[-quarter:])
    if late > early + slack_mb:
        return f"grew from {early:.1f} MB in its second quarter to {late:.1f} MB in its last, expected {slack_mb} MB at most"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--repeat", type=int, default=40)
    parser.add_argument("--filter", default="*")
    parser.add_argument("--slack-mb", type=float, default=8)
    options = parser.parse_args()
    if options.repeat < 8:
        parser.error(f"got --repeat {options.repeat}, expected 8 or more: two quarters are compared")
    command = [options.program, f"--gtest_repeat={options.repeat}", f"--gtest_filter={options.filter}"]  # --gtest_brief names no rounds
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as run:
        lines, memory = watch(run.stdout, lambda: resident_mb(run.pid))
    if run.returncode != 0:
        print("".join(lines))
        print(f"{options.program} ended with {run.returncode}")
        return 1
    fault = judge(memory, options.repeat, options.slack_mb)
    print(f"{options.program}: {fault}" if fault else
          f"{options.program}: {len(memory)} rounds, {memory[0]:.1f} MB at first, {memory[-1]:.1f} MB at last")
    return 1 if fault else 0


if __name__ == "__main__":
    sys.exit(main())
