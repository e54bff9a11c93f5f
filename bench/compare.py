#!/usr/bin/env python3
"""Did this engine get slower between two commits? Compares two CSV files of bench/peers/run.

    compare.py BEFORE.csv AFTER.csv [--threshold 0.05]

Times of two runs cannot be compared, ratios within a run can: every row of this engine is held against the same run's
ONNX Runtime fp32. A row is slower when its ratio fell by more than the threshold plus three standard errors of both
ratios; a row that is gone counts as slower, since nobody would notice otherwise, and so does one that lost more than
0.3 points of accuracy or stopped counting. Other models and other versions of the rival are noted. Exit code 0: nothing
slower; 1: something is; 2: the files cannot be compared (other processors or clocks, damaged files).
"""

import argparse
import csv
import math
import pathlib
import sys

KEY = ("network", "data_set", "threads", "batch", "contender", "precision")
# What makes ratios incomparable when it differs, and how bad that is.
MUST_MATCH = ("cpu", "instruction_sets", "clock")
SHOULD_MATCH = ("model_hash",)
RIVAL = ("ONNX Runtime", "fp32")
ACCURACY_MARGIN = 0.003
ERRORS = 3  # standard errors that noise is granted


class CannotCompare(Exception):
    """Its message says why, for a person."""


def read(path):
    """(rows of this engine by KEY, shared facts, the rival's version)."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CannotCompare(f"{path}: {error}") from None
    needed = {*KEY, *MUST_MATCH, *SHOULD_MATCH, "commit", "version", "ratio_ort_fp32", "spread", "accuracy", "counts"}
    if not rows or not needed <= set(rows[0]):
        missing = ", ".join(sorted(needed - set(rows[0] if rows else ())))
        raise CannotCompare(f"{path}: has no rows or lacks the columns {missing}; expected a CSV of bench/peers/run")
    rival = next((row["version"] for row in rows if (row["contender"], row["precision"]) == RIVAL), None)
    if rival is None:
        raise CannotCompare(f"{path}: has no row of {' '.join(RIVAL)}, which everything is held against")
    ours = {tuple(row[part] for part in KEY): row for row in rows if row["contender"].startswith("sooner")}
    if not ours:
        raise CannotCompare(f"{path}: has no row of this engine")
    return ours, rows[0], rival


def number(row, column, path):
    try:
        value = float(row[column])
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise CannotCompare(f"{path}: '{row[column]}' in column {column} is no number")
    return value


def verdict(before, after, paths, threshold):
    """(is slower, text) of two rows of one key."""
    old, new = (number(row, "ratio_ort_fp32", path) for row, path in zip((before, after), paths))
    if old == 0:
        raise CannotCompare(f"{paths[0]}: a ratio is 0")
    noise = ERRORS * math.hypot(*(number(row, "spread", path) for row, path in zip((before, after), paths)))
    change = new / old - 1
    allowed = threshold + noise
    text = f"{old:.3f} -> {new:.3f} ({100 * change:+.1f} %, allowed {100 * allowed:.1f} %)"
    lost = number(before, "accuracy", paths[0]) - number(after, "accuracy", paths[1])
    if lost > ACCURACY_MARGIN:
        return True, f"{text}; lost {100 * lost:.2f} points of accuracy"
    if before["counts"] == "1" and after["counts"] != "1":
        return True, f"{text}; no longer within its fp32's accuracy"
    return change < -allowed, text


def compare(before_path, after_path, threshold):
    """(lines of text, number of rows that are slower)."""
    before, old_facts, old_rival = read(before_path)
    after, new_facts, new_rival = read(after_path)
    for column in MUST_MATCH:
        if old_facts[column] != new_facts[column]:
            raise CannotCompare(f"{column} is '{old_facts[column]}' before and '{new_facts[column]}' after; measure "
                                "both on one machine in one way")
    lines = [f"{old_facts['commit']} -> {new_facts['commit']}, this engine's speed over {' '.join(RIVAL)}"]
    for column in SHOULD_MATCH:
        if old_facts[column] != new_facts[column]:
            lines.append(f"note: {column} is {old_facts[column]} before and {new_facts[column]} after")
    if old_rival != new_rival:
        lines.append(f"note: {' '.join(RIVAL)} is {old_rival} before and {new_rival} after")
    slower = 0
    for key, row in before.items():
        if key in after:
            bad, text = verdict(row, after[key], (before_path, after_path), threshold)
        else:
            bad, text = True, "is gone"
        slower += bad
        lines.append(f"{'SLOWER' if bad else 'ok':<7} {' '.join(key[:2])}, threads {key[2]}, batch {key[3]}, {key[4]} "
                     f"{key[5]}: {text}")
    lines += [f"new     {' '.join(key)}" for key in after if key not in before]
    return lines, slower


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=pathlib.Path)
    parser.add_argument("after", type=pathlib.Path)
    parser.add_argument("--threshold", type=float, default=0.05, help="share of speed that may be lost beyond noise")
    options = parser.parse_args(arguments)
    try:
        lines, slower = compare(options.before, options.after, options.threshold)
    except CannotCompare as error:
        print(f"compare: {error}", file=sys.stderr)
        return 2
    print("\n".join(lines))
    print(f"{slower} slower")
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
