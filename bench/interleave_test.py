#!/usr/bin/env python3
"""Self-test of interleave.py, with programs that only print."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).with_name("interleave.py")


class Interleave(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def program(self, name, body):
        path = pathlib.Path(self.folder.name, name)
        path.write_text("#!/bin/sh\n" + body, encoding="utf-8")
        path.chmod(0o755)
        return str(path)

    def printing(self, name, us):
        return self.program(name, f'echo "$0 $*" >> "{self.folder.name}/order"\n'
                                  f'echo "batch,precision,session_us"\necho "1,fp32,{us}"\n')

    def run_script(self, *arguments):
        return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=False)

    def test_takes_turns_and_says_the_ratio(self):
        before, after = self.printing("before", 10), self.printing("after", 10.05)
        run = self.run_script(before, after, "m", "--turns", "2", "--", "--batches", "1")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("m fp32 batch 1: 10.00 us before, 10.05 us after, ratio 1.0050", run.stdout)
        order = pathlib.Path(self.folder.name, "order").read_text(encoding="utf-8").splitlines()
        self.assertEqual(order, [f"{program} m --csv --batches 1" for program in (before, after, after, before)])

    def test_a_slower_build_fails(self):
        run = self.run_script(self.printing("before", 10), self.printing("after", 10.2), "m", "--turns", "1")
        self.assertEqual(run.returncode, 1)

    def test_a_program_that_fails_is_named(self):
        broken = self.program("broken", "echo no such model >&2; exit 3\n")
        run = self.run_script(self.printing("before", 10), broken, "m")
        self.assertEqual(run.returncode, 2)
        self.assertIn(f"{broken} ended with 3: no such model", run.stderr)


if __name__ == "__main__":
    unittest.main()
