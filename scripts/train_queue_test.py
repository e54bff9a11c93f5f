"""Self-test of train_queue, with a trainer that only pretends: train_queue_test.py"""

import importlib.machinery
import importlib.util
import io
import contextlib
import pathlib
import sys
import tempfile
import textwrap
import unittest

HERE = pathlib.Path(__file__).resolve().parent
loader = importlib.machinery.SourceFileLoader("train_queue", str(HERE / "train_queue"))
spec = importlib.util.spec_from_loader("train_queue", loader)
queue = importlib.util.module_from_spec(spec)
sys.dont_write_bytecode = True
loader.exec_module(queue)

TRAINER = """
    import json, pathlib, sys
    words = sys.argv[1:]
    if "train.seed=13" in words:
        sys.exit(3)
    run = pathlib.Path(words[words.index("--out") + 1])
    run.mkdir(parents=True)
    (run / "words.json").write_text(json.dumps(words))
    (run / "env.json").write_text(json.dumps({"finished": True, "processor": "one", "config_hash": "ab"}))
    epoch = lambda n, best, a: {"epoch": n, "best": best, "seconds": 30, "validation": {"exits": [{"accuracy": a}, {"accuracy": 0.5}]}}
    (run / "metrics.jsonl").write_text("".join(json.dumps(e) + chr(10) for e in [epoch(1, True, 0.25), epoch(2, True, 0.75), epoch(3, False, 0.5)]))
"""


class TrainQueue(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        trainer = self.root / "trainer"
        trainer.write_text(f"#!{sys.executable}\n" + textwrap.dedent(TRAINER))
        trainer.chmod(0o755)
        queue.TRAINER, queue.ROOT, queue.has_bf16 = trainer, self.root, lambda: True
        (self.root / "a.toml").write_text("")

    def tearDown(self):
        self.folder.cleanup()

    def run_queue(self, text, *more):
        (self.root / "queue.txt").write_text(text)
        sys.argv = ["train_queue", str(self.root / "queue.txt"), str(self.root / "out"), *more]
        said = io.StringIO()
        code = 0
        with contextlib.redirect_stderr(said):
            try:
                queue.main()
            except SystemExit as end:
                code = end.code
        return code, said.getvalue()

    def table(self):
        return (self.root / "out" / "queue.csv").read_text().splitlines()

    def test_trains_what_is_not_in_the_table(self):
        text = "# all\n[one]\nx a.toml train.seed=2  # first\n[two]\ny a.toml\n"
        code, said = self.run_queue(text)
        self.assertEqual(code, 0)
        self.assertEqual(said, "train_queue: x\ntrain_queue: y\n")
        self.assertEqual(self.table()[1], "one,x,3,2,75.00 50.00,50.00 50.00,1.5,one,ab")
        self.assertIn("train.seed=2", (self.root / "out/x/words.json").read_text())
        self.assertEqual(self.run_queue(text), (0, ""))
        # A row stands for a run whose folder is gone; a folder for a row that is.
        for file in (self.root / "out" / "x").iterdir():
            file.unlink()
        (self.root / "out" / "x").rmdir()
        self.assertEqual(self.run_queue(text), (0, ""))
        (self.root / "out" / "queue.csv").write_text("\n".join(self.table()[:2]) + "\n")
        self.assertEqual(self.run_queue(text), (0, ""))
        self.assertEqual(len(self.table()), 3)

    def test_keeps_what_was_done_where_one_fails(self):
        code, said = self.run_queue("x a.toml\ny a.toml train.seed=13\nz a.toml\n")
        self.assertEqual(code, 1)
        self.assertIn("'y' ended with exit code 3", said)
        self.assertEqual(len(self.table()), 2)

    def test_one_part_alone(self):
        self.assertEqual(self.run_queue("[one]\nx a.toml\n[two]\ny a.toml\n", "--only", "two"), (0, "train_queue: y\n"))
        self.assertEqual(self.run_queue("[one]\nx a.toml\n", "--only", "three")[0], 2)

    def test_names_the_line_that_cannot_be(self):
        for text, what in (
            ("x\n", ":1: got 'x', expected a name"),
            ("x a.toml\nx a.toml\n", ":2: 'x' cannot name a run folder, or names two"),
            ("a/b a.toml\n", "'a/b' cannot name"),
            ("x b.toml\n", "there is no configuration 'b.toml'"),
            ("x a.toml seed\n", "got 'seed', expected section.key=value"),
        ):
            code, said = self.run_queue(text)
            self.assertEqual(code, 2)
            self.assertIn(what, said)

    def test_waits_for_bf16(self):
        queue.has_bf16 = lambda: False
        code, said = self.run_queue("x a.toml\n")
        self.assertEqual(code, 1)
        self.assertIn("no bf16 arithmetic", said)


if __name__ == "__main__":
    unittest.main()
