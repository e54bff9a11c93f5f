#!/usr/bin/env python3
"""Tests of the coordinator's side of the line protocol, with small workers made for them."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from worker_process import CannotTakePart, WorkerProcess  # noqa: E402

ECHO = """
import json, sys
print(json.dumps({"contender": "echo"}), flush=True)
for line in sys.stdin:
    if line.startswith("die"):
        sys.exit("echo: was told to")
    print(json.dumps({"got": line.strip()}), flush=True)
"""


class WorkerProcessTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.log = pathlib.Path(folder.name) / "worker.log"

    def start(self, program):
        worker = WorkerProcess([sys.executable, "-c", program], self.log)
        self.addCleanup(worker.close)
        return worker

    def test_every_command_gets_its_answer(self):
        worker = self.start(ECHO)
        self.assertEqual(worker.hello, {"contender": "echo"})
        self.assertEqual(worker.ask("run 1"), {"got": "run 1"})
        self.assertEqual(worker.ask("answers /x y"), {"got": "answers /x y"})

    def test_a_worker_that_cannot_start_says_why(self):
        with self.assertRaisesRegex(CannotTakePart, "no int8 here"):
            self.start("import sys; sys.exit('no int8 here')")

    def test_a_worker_that_dies_says_why(self):
        worker = self.start(ECHO)
        with self.assertRaisesRegex(CannotTakePart, "was told to"):
            worker.ask("die")
        with self.assertRaises(CannotTakePart):
            worker.ask("run 1")

    def test_a_silent_death_is_told_by_its_exit_code(self):
        with self.assertRaisesRegex(CannotTakePart, "3"):
            self.start("import os; os._exit(3)")

    def test_words_that_are_no_json_are_an_error_and_not_an_answer(self):
        with self.assertRaisesRegex(CannotTakePart, "hello there"):
            self.start("print('hello there', flush=True)")


if __name__ == "__main__":
    unittest.main()
