"""What a comparison's raw timings say: medians, ratios within a round, who counts. Standard library only."""

import dataclasses
import math
import statistics

# A precision counts when its accuracy is within this of the same contender's fp32.
ACCURACY_MARGIN = 0.003


@dataclasses.dataclass
class Row:
    """One contender at one precision, thread count and batch size."""

    contender: str
    precision: str
    version: str
    threads: int
    batch: int
    ours: bool
    samples: int = 0  # of one round
    rounds_us: list = dataclasses.field(default_factory=list)  # [rounds]: microseconds per image, by the run's clock
    wall_us: list = dataclasses.field(default_factory=list)  # [rounds]: by the wall clock
    cpu_us: list = dataclasses.field(default_factory=list)  # [rounds]: by the process's processor time
    calls_us: list = dataclasses.field(default_factory=list)  # every call
    accuracy: float = math.nan  # on the whole test split
    counts: bool = True
    macs_of_plain: float = 1.0
    exit_shares: list = dataclasses.field(default_factory=list)  # [K]; empty without exits
    call_overhead_us: float = 0.0  # of an empty graph, per image: what calling from Python costs a rival
    ratio_best: float = math.nan  # the fastest rival's time over this one's; above 1: this one is faster
    ratio_best_net: float = math.nan  # the same with the rival's call overhead taken off
    ratio_ort_fp32: float = math.nan  # ONNX Runtime fp32's time over this one's
    spread: float = math.nan  # standard error of ratio_ort_fp32, relative
    bound: float = math.nan  # precision's gain times exits' gain, over this engine's fp32 without exits
    gain: float = math.nan  # what was reached of it

    @property
    def median_us(self):
        return statistics.median(self.rounds_us)

    @property
    def net_us(self):
        """Without the call overhead; an empty graph can be no slower than a full one but by noise."""
        return max(self.median_us - self.call_overhead_us, 0.05 * self.median_us)


def quantile(values, q):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def ratio_of_rounds(numerator, denominator):
    """(median, relative standard error) of the ratios of figures taken in the same rounds."""
    if len(numerator) != len(denominator):
        raise ValueError(f"{len(numerator)} rounds against {len(denominator)}")
    ratios = [a / b for a, b in zip(numerator, denominator)]
    median = statistics.median(ratios)
    deviation = statistics.median(abs(ratio - median) for ratio in ratios)
    return median, 1.4826 * 1.2533 * deviation / median / math.sqrt(len(ratios))


def decide_who_counts(rows):
    """Sets `counts`: within ACCURACY_MARGIN of the contender's own fp32; false without one."""
    own = {row.contender: row.accuracy for row in rows if row.precision == "fp32"}
    for row in rows:
        row.counts = row.accuracy >= own.get(row.contender, math.inf) - ACCURACY_MARGIN


def macs_of_plain(exits, exit_fraction):
    """(mean cost over the plain network's, shares) of samples that left at these exits."""
    shares = [sum(exit_index == k for exit_index in exits) / len(exits) for k in range(len(exit_fraction))]
    return sum(share * cost for share, cost in zip(shares, exit_fraction)), shares


def best_rival(rows):
    counting = [row for row in rows if not row.ours and row.counts]
    return min(counting, key=lambda row: row.median_us) if counting else None


def compare(rows):
    """Fills in the ratios and bounds of one table (one thread count, one batch size). Returns the best rival."""
    best = best_rival(rows)
    ort = next((row for row in rows if row.contender == "ONNX Runtime" and row.precision == "fp32"), None)
    plain = {row.precision: row for row in rows if row.contender == "sooner"}
    for row in rows:
        if best:
            row.ratio_best, _ = ratio_of_rounds(best.rounds_us, row.rounds_us)
            row.ratio_best_net = row.ratio_best * best.net_us / best.median_us
        if ort:
            row.ratio_ort_fp32, row.spread = ratio_of_rounds(ort.rounds_us, row.rounds_us)
        if row.ours and "fp32" in plain and row.precision in plain:
            precision_gain, _ = ratio_of_rounds(plain["fp32"].rounds_us, plain[row.precision].rounds_us)
            row.bound = precision_gain / row.macs_of_plain
            row.gain, _ = ratio_of_rounds(plain["fp32"].rounds_us, row.rounds_us)
    return best


CSV_COLUMNS = (
    "commit", "cpu", "instruction_sets", "network", "data_set", "model_hash", "clock", "threads", "batch", "contender",
    "version", "precision", "median_us", "wall_us", "p50_call_us", "p99_call_us", "cpu_us", "repeats", "samples",
    "call_overhead_us", "accuracy", "counts", "macs_of_plain", "exit_shares", "ratio_best", "ratio_best_net",
    "ratio_ort_fp32", "spread", "gain", "bound")


def csv_record(row, run):
    """A dict of CSV_COLUMNS; `run` holds what all rows share (commit to clock)."""
    def number(value, digits):
        return "" if math.isnan(value) else f"{value:.{digits}f}"

    return {
        **run, "threads": row.threads, "batch": row.batch, "contender": row.contender, "version": row.version,
        "precision": row.precision, "median_us": number(row.median_us, 2),
        "wall_us": number(statistics.median(row.wall_us), 2), "p50_call_us": number(quantile(row.calls_us, 0.5), 2),
        "p99_call_us": number(quantile(row.calls_us, 0.99), 2), "cpu_us": number(statistics.median(row.cpu_us), 2),
        "repeats": len(row.rounds_us), "samples": row.samples, "call_overhead_us": number(row.call_overhead_us, 2),
        "accuracy": number(row.accuracy, 4), "counts": int(row.counts), "macs_of_plain": number(row.macs_of_plain, 4),
        "exit_shares": " ".join(f"{share:.4f}" for share in row.exit_shares), "ratio_best": number(row.ratio_best, 3),
        "ratio_best_net": number(row.ratio_best_net, 3), "ratio_ort_fp32": number(row.ratio_ort_fp32, 3),
        "spread": number(row.spread, 4), "gain": number(row.gain, 3), "bound": number(row.bound, 3)}


def table(rows, best):
    """Lines of text, fastest first."""
    heads = ("contender", "precision", "us/image", "p99 call", "vs best rival", "net", "vs ORT fp32", "accuracy",
             "MACs of plain", "gain of bound", "exit shares")
    body = []
    for row in sorted(rows, key=lambda row: row.median_us):
        note = "" if row.counts else " (not counted)"
        body.append((row.contender + (" *" if row is best else ""), row.precision, f"{row.median_us:.1f}",
                     f"{quantile(row.calls_us, 0.99):.0f}", f"{row.ratio_best:.2f}", f"{row.ratio_best_net:.2f}",
                     f"{row.ratio_ort_fp32:.2f}", f"{100 * row.accuracy:.2f} %{note}", f"{row.macs_of_plain:.3f}",
                     f"{row.gain:.2f} of {row.bound:.2f}" if row.ours else "",
                     " / ".join(f"{100 * share:.1f}" for share in row.exit_shares)))
    widths = [max(len(line[i]) for line in [heads, *body]) for i in range(len(heads))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
            for line in [heads, tuple("-" * width for width in widths), *body]]
