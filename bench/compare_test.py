#!/usr/bin/env python3
"""compare.py's own test, on small CSV files made for it."""

import contextlib
import csv
import io
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import compare  # noqa: E402

RIVAL = {"contender": "ONNX Runtime", "version": "1.31.1", "ratio_ort_fp32": "1.000", "spread": "0.0000"}


def row(**changes):
    return {"commit": "aaaa", "cpu": "EPYC", "instruction_sets": "avx2", "clock": "wall", "network": "b-lenet",
            "data_set": "mnist", "model_hash": "0123456789abcdef", "threads": "1", "batch": "16", "contender": "sooner",
            "version": "0.1.0", "precision": "fp32", "ratio_ort_fp32": "1.500", "spread": "0.0000",
            "accuracy": "0.9900", "counts": "1", **changes}


class CompareTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, rows):
        path = pathlib.Path(self.folder, name)
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row()))
            writer.writeheader()
            writer.writerows(rows)
        return path

    def run_on(self, before, after, *arguments):
        """(exit code, stdout, stderr)."""
        paths = [self.write("before.csv", [row(**RIVAL), *before]), self.write("after.csv", [row(**RIVAL), *after])]
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = compare.main([*map(str, paths), *arguments])
        return code, out.getvalue(), err.getvalue()

    def test_equal_runs_pass(self):
        code, out, _ = self.run_on([row()], [row()])
        self.assertEqual(code, 0)
        self.assertIn("0 slower", out)

    def test_a_fall_beyond_the_threshold_is_flagged_and_one_within_is_not(self):
        self.assertEqual(self.run_on([row()], [row(ratio_ort_fp32="1.430")])[0], 0)  # -4.7 %
        code, out, _ = self.run_on([row()], [row(ratio_ort_fp32="1.420")])  # -5.3 %
        self.assertEqual(code, 1)
        self.assertIn("SLOWER  b-lenet mnist, threads 1, batch 16, sooner fp32: 1.500 -> 1.420 (-5.3 %", out)
        self.assertEqual(self.run_on([row()], [row(ratio_ort_fp32="1.420")], "--threshold", "0.06")[0], 0)

    def test_noise_widens_what_is_allowed(self):
        # 5 % + 3 * sqrt(0.03^2 + 0.04^2) = 20 %
        before = [row(spread="0.03")]
        self.assertEqual(self.run_on(before, [row(ratio_ort_fp32="1.21", spread="0.04")])[0], 0)  # -19.3 %
        self.assertEqual(self.run_on(before, [row(ratio_ort_fp32="1.19", spread="0.04")])[0], 1)  # -20.7 %

    def test_becoming_faster_is_fine(self):
        self.assertEqual(self.run_on([row()], [row(ratio_ort_fp32="3.000")])[0], 0)

    def test_rivals_may_change_without_being_flagged(self):
        code, out, _ = self.run_on([row(), row(contender="OpenVINO", ratio_ort_fp32="2.0")], [row()])
        self.assertEqual(code, 0)
        self.assertNotIn("OpenVINO", out)

    def test_a_row_that_is_gone_is_flagged(self):
        code, out, _ = self.run_on([row(), row(precision="bf16")], [row()])
        self.assertEqual(code, 1)
        self.assertIn("bf16: is gone", out)

    def test_a_new_row_is_named(self):
        code, out, _ = self.run_on([row()], [row(), row(precision="int8")])
        self.assertEqual(code, 0)
        self.assertIn("new     b-lenet mnist 1 16 sooner int8", out)

    def test_lost_accuracy_is_flagged_however_fast(self):
        self.assertEqual(self.run_on([row()], [row(ratio_ort_fp32="9.0", accuracy="0.9880")])[0], 0)
        self.assertEqual(self.run_on([row()], [row(ratio_ort_fp32="9.0", accuracy="0.9860")])[0], 1)
        self.assertEqual(self.run_on([row()], [row(counts="0")])[0], 1)

    def test_other_machines_and_clocks_cannot_be_compared(self):
        for change in ({"cpu": "Xeon"}, {"instruction_sets": "amx"}, {"clock": "cpu"}):
            paths = [self.write("a.csv", [row(**RIVAL), row()]),
                     self.write("b.csv", [row(**RIVAL, **change), row(**change)])]
            err = io.StringIO()
            with contextlib.redirect_stderr(err):
                self.assertEqual(compare.main([str(path) for path in paths]), 2)
            self.assertIn(next(iter(change)), err.getvalue())

    def test_files_that_are_no_comparison_are_refused(self):
        good = self.write("good.csv", [row(**RIVAL), row()])
        bad = {"empty.csv": [], "no_rival.csv": [row()], "no_engine.csv": [row(**RIVAL)],
               "no_number.csv": [row(**RIVAL), row(ratio_ort_fp32="nan")]}
        paths = [self.write(name, rows) for name, rows in bad.items()] + [pathlib.Path(self.folder, "none.csv")]
        other = pathlib.Path(self.folder, "other.csv")
        other.write_text("a,b\n1,2\n")
        for path in [*paths, other]:
            for pair in ((good, path), (path, good)):
                err = io.StringIO()
                with contextlib.redirect_stderr(err), contextlib.redirect_stdout(io.StringIO()):
                    self.assertEqual(compare.main([str(part) for part in pair]), 2, path)
                self.assertIn(path.name, err.getvalue())


if __name__ == "__main__":
    unittest.main()
