#!/usr/bin/env python3
"""Tests of the comparison's arithmetic, with numbers worked by hand."""

import math
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import figures  # noqa: E402


def row(contender, precision, rounds_us, **changes):
    values = {"accuracy": 0.9, **changes}
    result = figures.Row(contender, precision, "1", 1, 16, contender.startswith("sooner"), **values)
    result.rounds_us = result.wall_us = result.cpu_us = rounds_us
    result.calls_us = [16 * us for us in rounds_us]
    result.samples = 64
    return result


class FiguresTest(unittest.TestCase):
    def test_ratios_are_taken_within_a_round(self):
        # A machine three times slower in round 2 changes times and not ratios.
        self.assertEqual(figures.ratio_of_rounds([20, 60, 20], [10, 30, 10]), (2, 0))
        # Ratios 2, 3, 4: deviations 1, 0, 1, median 1; 1.4826 * 1.2533 / 3 / sqrt(3)
        median, error = figures.ratio_of_rounds([20, 30, 40], [10, 10, 10])
        self.assertEqual(median, 3)
        self.assertAlmostEqual(error, 0.35762, places=4)
        with self.assertRaises(ValueError):
            figures.ratio_of_rounds([1, 2], [1])

    def test_a_precision_counts_within_three_tenths_of_a_point(self):
        rows = [row("OpenVINO", "fp32", [1], accuracy=0.9), row("OpenVINO", "bf16", [1], accuracy=0.8971),
                row("OpenVINO", "int8", [1], accuracy=0.8969), row("other", "bf16", [1], accuracy=0.99)]
        figures.decide_who_counts(rows)
        self.assertEqual([entry.counts for entry in rows], [True, True, False, False])

    def test_the_best_rival_is_the_fastest_that_counts(self):
        rows = [row("sooner", "fp32", [1]), row("ONNX Runtime", "fp32", [9]),
                row("OpenVINO", "int8", [3], counts=False), row("OpenVINO", "bf16", [4])]
        self.assertIs(figures.best_rival(rows), rows[3])
        self.assertIsNone(figures.best_rival(rows[:1]))

    def test_ratios_of_a_table(self):
        ort = row("ONNX Runtime", "fp32", [40, 44, 40])
        best = row("OpenVINO", "bf16", [20, 22, 20], call_overhead_us=4)
        plain = row("sooner", "fp32", [20, 22, 20])
        half = row("sooner", "bf16", [10, 11, 10])
        exits = row("sooner, exits", "bf16", [4, 4.4, 4], macs_of_plain=0.25)
        rows = [ort, best, plain, half, exits]
        self.assertIs(figures.compare(rows), best)
        self.assertAlmostEqual(plain.ratio_best, 1)
        self.assertAlmostEqual(half.ratio_best, 2)
        self.assertAlmostEqual(half.ratio_best_net, 2 * 16 / 20)
        self.assertAlmostEqual(half.ratio_ort_fp32, 4)
        self.assertAlmostEqual(exits.bound, 2 / 0.25)
        self.assertAlmostEqual(exits.gain, 5)
        self.assertAlmostEqual(half.bound, half.gain)
        self.assertTrue(math.isnan(best.bound))

    def test_exits_cost_what_their_samples_paid(self):
        cost, shares = figures.macs_of_plain([0, 0, 0, 1], [0.2, 1.1])
        self.assertEqual(shares, [0.75, 0.25])
        self.assertAlmostEqual(cost, 0.425)

    def test_a_record_has_every_column_and_no_nan(self):
        rows = [row("ONNX Runtime", "fp32", [40, 44, 40]), row("sooner", "fp32", [20, 22, 20])]
        figures.compare(rows)
        run = dict.fromkeys(("commit", "cpu", "instruction_sets", "network", "data_set", "model_hash", "clock"), "x")
        for entry in rows:
            record = figures.csv_record(entry, run)
            self.assertEqual(set(record), set(figures.CSV_COLUMNS))
            self.assertNotIn("nan", [str(value) for value in record.values()])
        self.assertEqual(record["ratio_ort_fp32"], "2.000")
        self.assertEqual(record["p99_call_us"], "352.00")

    def test_the_table_shows_the_fastest_first_and_who_is_not_counted(self):
        rows = [row("sooner", "fp32", [20]), row("OpenVINO", "int8", [3], counts=False),
                row("ONNX Runtime", "fp32", [9])]
        lines = figures.table(rows, figures.compare(rows))
        self.assertIn("not counted", lines[2])
        self.assertIn("ONNX Runtime *", lines[3])
        self.assertTrue(lines[4].startswith("sooner"))


if __name__ == "__main__":
    unittest.main()
