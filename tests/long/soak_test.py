#!/usr/bin/env python3
"""The soak's own test: what judges memory must itself be right."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import soak  # noqa: E402

PROGRAM = """#!{python}
import sys
repeat = int([word for word in sys.argv if word.startswith("--gtest_repeat=")][0].split("=")[1])
# GoogleTest, when it is to be brief, does not say which round it is in.
for i in range(0 if "--gtest_brief=1" in sys.argv else repeat - {fewer}):
    print(f"Repeating all tests (iteration {{i + 1}}) . . .", flush=True)
sys.exit({code})
"""


class SoakTest(unittest.TestCase):
    def run_soak(self, code=0, fewer=0):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder, "program")
            program.write_text(PROGRAM.format(python=sys.executable, code=code, fewer=fewer))
            program.chmod(0o755)
            return subprocess.run([sys.executable, soak.__file__, str(program), "--repeat", "16"], capture_output=True,
                                  text=True, check=False)

    def test_memory_may_grow_at_first_and_stay(self):
        self.assertIsNone(soak.judge([10, 50, 60, 61, 60, 61, 62, 63], 8, 8))

    def test_memory_that_goes_on_growing_is_a_fault(self):
        # Second quarter 30 at most, last 48: 18 more.
        self.assertIn("from 30.0 MB in its second quarter to 48.0 MB",
                      soak.judge([10, 20, 25, 30, 35, 40, 44, 48], 8, 8))

    def test_fewer_rounds_than_asked_for_are_a_fault(self):
        self.assertEqual(soak.judge([1, 1], 8, 8), "made 2 rounds, expected 8")

    def test_memory_is_read_at_every_round_and_of_a_program_that_has_ended_as_it_was(self):
        readings = iter([10.0, 20.0, None])
        lines = [f"{soak.ROUND}1)", "a test", f"{soak.ROUND}2)", f"{soak.ROUND}3)"]
        self.assertEqual(soak.watch(lines, lambda: next(readings)), (lines, [10.0, 20.0, 20.0]))
        self.assertEqual(soak.watch(lines[:1], lambda: None), (lines[:1], [0.0]))

    def test_this_process_has_memory_and_one_that_is_not_there_has_none(self):
        self.assertGreater(soak.resident_mb(os.getpid()), 1)
        self.assertIsNone(soak.resident_mb(0))

    def test_a_program_that_makes_its_rounds_passes_and_one_that_stops_early_fails(self):
        self.assertEqual(self.run_soak().returncode, 0)
        stopping = self.run_soak(fewer=3)
        self.assertEqual(stopping.returncode, 1)
        self.assertIn("made 13 rounds, expected 16", stopping.stdout)

    def test_a_program_that_fails_fails(self):
        failing = self.run_soak(code=3)
        self.assertEqual(failing.returncode, 1)
        self.assertIn("ended with 3", failing.stdout)


if __name__ == "__main__":
    unittest.main()
