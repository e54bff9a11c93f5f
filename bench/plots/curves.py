#!/usr/bin/env python3
"""Draws comparison.csv of `sooner compare`: accuracy against mean MACs and, where it was measured, against time.

A network with exits is a line through one family of thresholds, MSDNet's of max-prob unless told otherwise (every point
chosen on tune); a network without exits is a mark, and a broken line joins those marks. Several runs of a network are
averaged point by point. With time, points are the budgets that were timed.
"""

import argparse
import csv
import dataclasses
import statistics
import sys

COLUMNS = ("data_set", "network", "run", "chosen_by", "accuracy", "mean_macs", "us_per_image")
MARKS = "osD^vP"
# Okabe and Ito: told apart by colour-blind readers, too; grey is for networks without exits.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")


class BadInput(Exception):
    """Said in one line."""


@dataclasses.dataclass
class Network:
    name: str
    has_exits: bool
    curve: list  # of (mean MACs, accuracy), by MACs
    timed: list  # of (microseconds, accuracy), by time


def read_rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise BadInput(f"{path}: got no column '{missing[0]}', expected the comparison.csv that `sooner compare` writes")
        return list(reader)


def of_one_data_set(rows, wanted):
    names = list(dict.fromkeys(row["data_set"] for row in rows))
    if wanted is None and len(names) > 1:
        raise BadInput(f"got {len(names)} data sets ({', '.join(names)}), expected one; choose by --data-set")
    chosen = [row for row in rows if wanted in (None, row["data_set"])]
    if not chosen:
        raise BadInput(f"got no row of data set '{wanted}', expected one of: {', '.join(names) or 'none'}")
    return chosen


def means(rows, x_column):
    """Points (x, accuracy) by x, the mean of the runs that have them; of those with the same name in every run."""
    runs = {row["run"] for row in rows}
    points = {}
    for row in rows:
        if row[x_column] != "-":
            points.setdefault(row["chosen_by"], []).append((float(row[x_column]), float(row["accuracy"])))
    # Only a network's first run is timed.
    wanted = 1 if x_column == "us_per_image" else len(runs)
    return sorted((statistics.fmean(x for x, _ in same), statistics.fmean(y for _, y in same))
                  for same in points.values() if len(same) == wanted)


def networks_of(rows, family):
    networks = []
    for name in dict.fromkeys(row["network"] for row in rows):
        own = [row for row in rows if row["network"] == name]
        has_exits = any(row["chosen_by"] == "exit 1 alone" for row in own)
        drawn = [row for row in own if row["chosen_by"].startswith(family if has_exits else "exit 0 alone")]
        if not drawn:
            raise BadInput(f"network '{name}': got no row chosen by '{family}…', expected some; name another --family")
        timed = [row for row in own if row["chosen_by"].startswith("budget ")]
        networks.append(Network(name, has_exits, means(drawn, "mean_macs"), means(timed, "us_per_image")))
    return networks


def draw_panel(axes, networks, points_of, x_title):
    static = sorted((point for network in networks if not network.has_exits for point in points_of(network)))
    if len(static) > 1:
        axes.plot(*zip(*static), linestyle="--", linewidth=1, color="0.45", zorder=1)
    lines = marks = 0
    for network in networks:
        style = dict(linewidth=1.4, marker=".", markersize=5, color=COLOURS[lines % len(COLOURS)])
        if not network.has_exits:
            style = dict(linewidth=0, marker=MARKS[marks % len(MARKS)], markersize=7, color="0.25")
        lines, marks = lines + network.has_exits, marks + (not network.has_exits)
        if points := points_of(network):
            axes.plot(*zip(*points), label=network.name, markeredgecolor="white", markeredgewidth=0.4, **style)
    axes.set_xlabel(x_title)
    axes.set_xlim(left=0)
    axes.grid(color="0.9")
    axes.set_axisbelow(True)


def draw(networks, arguments):
    import matplotlib  # not needed by what the tests try
    matplotlib.use("Agg")
    from matplotlib import pyplot, ticker

    # The same numbers give the same file.
    matplotlib.rcParams.update({"svg.hashsalt": "sooner", "svg.fonttype": "none", "font.size": 9})
    panels = [(lambda network: [(x / 1e6, y) for x, y in network.curve], "mean MACs of an image, millions")]
    if any(network.timed for network in networks):
        panels.append((lambda network: network.timed, "microseconds an image, batch 1, one thread"))
    figure, all_axes = pyplot.subplots(1, len(panels), figsize=(5.6 * len(panels), 4.4), sharey=True, squeeze=False,
                                       layout="constrained")
    for axes, (points_of, x_title) in zip(all_axes[0], panels):
        draw_panel(axes, networks, points_of, x_title)
    first = all_axes[0][0]
    first.set_ylabel("accuracy")
    first.yaxis.set_major_formatter(ticker.PercentFormatter(1, decimals=0))
    if arguments.least is not None:
        first.set_ylim(bottom=arguments.least / 100)
    first.legend(loc="lower right", frameon=False)
    figure.savefig(arguments.out, metadata={"Date": None} if arguments.out.endswith(".svg") else None, dpi=160)


def main(words=None):
    parser = argparse.ArgumentParser(prog="bench/plots/run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", help="comparison.csv")
    parser.add_argument("-o", "--out", required=True, help="picture to write: .svg, .png or .pdf")
    parser.add_argument("--family", default="curve: max-prob, q ", help="how 'chosen_by' of the drawn points begins (default: '%(default)s')")
    parser.add_argument("--data-set", help="where the table has several")
    parser.add_argument("--least", type=float, help="percent at the foot of the accuracy axis")
    arguments = parser.parse_args(words)
    if not arguments.out.endswith((".svg", ".png", ".pdf")):
        parser.error(f"--out: got '{arguments.out}', expected a name that ends in .svg, .png or .pdf")
    try:
        draw(networks_of(of_one_data_set(read_rows(arguments.table), arguments.data_set), arguments.family), arguments)
    except (BadInput, OSError, ValueError) as error:
        print(f"plots: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
