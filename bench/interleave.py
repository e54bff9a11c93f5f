#!/usr/bin/env python3
"""Did a session get slower between two builds? Runs bench/overhead of both, taking turns, and compares session times.

    interleave.py BEFORE/bin/overhead AFTER/bin/overhead MODEL… [--turns 9] [-- OPTIONS of overhead, --batches 1,64 …]

A turn runs both programs for one model, the other one first every second time, so that a machine's moods meet both.
Prints, for every model, precision and batch, the medians of both in microseconds a sample and the median of the turns'
ratios AFTER / BEFORE. Exit code 0: no ratio above --most (1.01); 1: one is; 2: a program failed.
"""

import argparse
import csv
import io
import statistics
import subprocess
import sys


def session_times(program, model, options):
    """{(precision, batch): microseconds a sample} of one run."""
    run = subprocess.run([program, model, "--csv", *options], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise RuntimeError(f"{program} ended with {run.returncode}: {run.stderr.strip()}")
    return {(row["precision"], int(row["batch"])): float(row["session_us"])
            for row in csv.DictReader(io.StringIO(run.stdout))}


def compare(before, after, turns, run):
    """{key: (median before, median after, median ratio)}; run(program) gives session_times."""
    seen = {}
    for turn in range(turns):
        order = (before, after) if turn % 2 == 0 else (after, before)
        times = {program: run(program) for program in order}
        for key in times[before].keys() & times[after].keys():
            seen.setdefault(key, []).append((times[before][key], times[after][key]))
    return {key: (statistics.median(b for b, _ in pairs), statistics.median(a for _, a in pairs),
                  statistics.median(a / b for b, a in pairs)) for key, pairs in sorted(seen.items())}


def main():
    own, _, options = " ".join(sys.argv[1:]).partition(" -- ")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--most", type=float, default=1.01)
    arguments = parser.parse_args(own.split())
    worst = 0.0
    for model in arguments.models:
        try:
            found = compare(arguments.before, arguments.after, arguments.turns,
                            lambda program, model=model: session_times(program, model, options.split()))
        except (OSError, RuntimeError, KeyError, ValueError) as error:
            print(f"interleave: {error}", file=sys.stderr)
            return 2
        for (precision, batch), (before, after, ratio) in found.items():
            worst = max(worst, ratio)
            print(f"{model} {precision} batch {batch}: {before:.2f} us before, {after:.2f} us after, ratio {ratio:.4f}")
    return 1 if worst > arguments.most else 0


if __name__ == "__main__":
    sys.exit(main())
