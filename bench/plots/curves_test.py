#!/usr/bin/env python3
"""Tests of what is read from a comparison before it is drawn."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import curves  # noqa: E402

FAMILY = "curve: max-prob, q "


def row(network, run, chosen_by, accuracy, macs, time="-", data_set="cifar10"):
    return {"data_set": data_set, "network": network, "run": run, "chosen_by": chosen_by, "accuracy": str(accuracy),
            "mean_macs": str(macs), "us_per_image": str(time)}


def with_exits(run, lift=0.0):
    return [row("exits", run, "exit 0 alone", 0.5, 10), row("exits", run, "exit 1 alone", 0.9, 100),
            row("exits", run, FAMILY + "2", 0.9 + lift, 80), row("exits", run, FAMILY + "1", 0.8 + lift, 40),
            row("exits", run, "curve: entropy, q 1", 0.1, 1)]


class CurvesTest(unittest.TestCase):
    def test_a_network_with_exits_is_its_family_by_cost_and_one_without_is_a_point(self):
        rows = with_exits("a") + [row("plain", "b", "exit 0 alone", 0.85, 60), row("plain", "b", "budget 1", 0.85, 60, 7.5),
                                  row("exits", "a", "budget 1", 0.88, 70, 9), row("exits", "a", "budget 0.5", 0.8, 40, 5)]
        exits, plain = curves.networks_of(rows, FAMILY)
        self.assertTrue(exits.has_exits)
        self.assertEqual(exits.curve, [(40, 0.8), (80, 0.9)])
        self.assertEqual(exits.timed, [(5, 0.8), (9, 0.88)])
        self.assertFalse(plain.has_exits)
        self.assertEqual((plain.curve, plain.timed), ([(60, 0.85)], [(7.5, 0.85)]))

    def test_runs_are_averaged_and_points_that_one_lacks_are_left_out(self):
        rows = with_exits("a") + with_exits("b", lift=0.02) + [row("exits", "b", FAMILY + "3", 0.99, 90)]
        (network,) = curves.networks_of(rows, FAMILY)
        self.assertEqual([round(y, 6) for _, y in network.curve], [0.81, 0.91])

    def test_the_time_of_one_run_stands_for_the_network(self):
        rows = with_exits("a") + with_exits("b") + [row("exits", "a", "budget 1", 0.9, 80, 9), row("exits", "b", "budget 1", 0.8, 80)]
        (network,) = curves.networks_of(rows, FAMILY)
        self.assertEqual(network.timed, [(9, 0.9)])

    def test_what_cannot_be_drawn_is_named(self):
        with self.assertRaisesRegex(curves.BadInput, "'exits'.*'curve: margin"):
            curves.networks_of(with_exits("a"), "curve: margin")
        two = [row("x", "a", "exit 0 alone", 1, 1), row("x", "a", "exit 0 alone", 1, 1, data_set="mnist")]
        with self.assertRaisesRegex(curves.BadInput, "2 data sets .cifar10, mnist.*--data-set"):
            curves.of_one_data_set(two, None)
        self.assertEqual(len(curves.of_one_data_set(two, "mnist")), 1)
        with self.assertRaisesRegex(curves.BadInput, "'svhn', expected one of: cifar10, mnist"):
            curves.of_one_data_set(two, "svhn")

    def test_another_table_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            table = pathlib.Path(folder, "other.csv")
            table.write_text("data_set,network\ncifar10,x\n")
            with self.assertRaisesRegex(curves.BadInput, "other.csv: got no column 'run'"):
                curves.read_rows(table)
            self.assertEqual(curves.main([str(table), "-o", str(pathlib.Path(folder, "p.svg"))]), 1)


if __name__ == "__main__":
    unittest.main()
