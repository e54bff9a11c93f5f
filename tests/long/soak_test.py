#!/usr/bin/env python3
"""The soak's own test: what judges memory must itself be right."""

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
kept = []
for i in range(repeat - {fewer}):
    print(f"Repeating all tests (iteration {{i + 1}}) . . .", flush=True)
    kept.append(b"x" * {leak})
sys.exit({code})
"""


class SoakTest(unittest.TestCase):
    def run_soak(self, leak=0, code=0, fewer=0):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder, "program")
            program.write_text(PROGRAM.format(python=sys.executable, leak=leak, code=code, fewer=fewer))
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

    def test_a_program_that_leaks_fails_and_one_that_does_not_passes(self):
        self.assertEqual(self.run_soak().returncode, 0)
        leaking = self.run_soak(leak=4 << 20)
        self.assertEqual(leaking.returncode, 1)
        self.assertIn("grew from", leaking.stdout)

    def test_a_program_that_fails_fails(self):
        failing = self.run_soak(code=3)
        self.assertEqual(failing.returncode, 1)
        self.assertIn("ended with 3", failing.stdout)


if __name__ == "__main__":
    unittest.main()
