#!/usr/bin/env python3
"""The scenario runner's own test: that it passes what is right and, above all, fails what is wrong."""

import contextlib
import io
import os
import pathlib
import sys
import tempfile
import textwrap
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import run_scenarios  # noqa: E402


class RunnerTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_text(self, text, *flags):
        """(exit code, what was printed)."""
        path = self.folder / "case.scenario"
        path.write_text(textwrap.dedent(text))
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = run_scenarios.main(["--sooner", "/bin/echo", *flags, str(path)])
        return code, out.getvalue()

    def assert_passes(self, text, *flags):
        code, out = self.run_text(text, *flags)
        self.assertEqual(code, 0, out)

    def assert_fails(self, text, reason, *flags):
        code, out = self.run_text(text, *flags)
        self.assertEqual(code, 1, out)
        self.assertIn(reason, out)

    def test_lines_in_order_with_others_between_pass(self):
        self.assert_passes(r"""
            $ printf 'one\ntwo   2\nthree 3.14 ms\n'; echo oops >&2
            > one
            > two 2
            > three ... ms
            ! oops
            """)

    def test_lines_in_the_wrong_order_fail(self):
        self.assert_fails("$ printf 'one\\ntwo\\n'\n> two\n> one\n", "it stands earlier")

    def test_part_of_a_line_is_not_the_line(self):
        self.assert_fails("$ echo one two\n> one\n", "no line 'one'")

    def test_a_line_on_the_other_stream_does_not_count(self):
        self.assert_fails("$ echo one >&2\n> one\n", "stdout has no line 'one'")

    def test_special_characters_mean_themselves(self):
        self.assert_fails("$ echo aXb\n> a.b\n", "no line")
        self.assert_passes("$ echo 'a[0] (x) {y} $'\n> a[0] (x) {y} $\n")

    def test_exit_codes_are_compared(self):
        self.assert_passes("$ exit 3\n? 3\n")
        self.assert_fails("$ exit 1\n", "exit code 1, expected 0")
        self.assert_fails("$ true\n? 2\n", "exit code 0, expected 2")

    def test_forbidden_lines_fail(self):
        self.assert_fails("$ echo loss nan\nx> ...nan...\n", "expected none")
        self.assert_fails("$ echo bad >&2\nx! ba...\n", "expected none")
        self.assert_passes("$ echo fine\nx> ...nan...\nx! ...\\w...\n")

    def test_every_step_is_checked(self):
        self.assert_fails("$ true\n$ false\n$ true\n", "$ false")

    def test_files_are_written_and_the_folder_is_fresh_and_removed(self):
        self.assert_passes("""
            file {tmp}/a.txt
            | first {tmp}
            |  second

            $ cat {tmp}/a.txt; ls | wc -l; pwd > SEEN; echo "$HOME"
            > first {tmp}
            > second
            > 1
            > {tmp}
            """.replace("SEEN", str(self.folder / "seen")))
        self.assertFalse(pathlib.Path((self.folder / "seen").read_text().strip()).exists())

    def test_the_program_is_put_in(self):
        self.assert_passes("$ {sooner} hello\n> hello\n")

    def test_a_hanging_command_is_ended_with_its_children(self):
        self.assert_fails("timeout: 0.2\n$ sleep 60 | cat\n", "still running")

    def test_requirements_skip(self):
        code, out = self.run_text("requires: train\n$ false\n")
        self.assertEqual((code, out), (77, "skipped case: needs train\n"))
        self.assert_passes("requires: train\n$ true\n", "--has", "train")

    def test_examples_are_a_folder_or_missing(self):
        code, out = self.run_text("requires: examples\n$ false\n")
        self.assertEqual((code, out), (77, "skipped case: needs examples\n"))
        self.assert_passes("requires: examples\n$ {examples}/true\n", "--examples", "/bin")

    def test_data_is_seen_only_when_required(self):
        with mock.patch.dict(os.environ, {"SOONER_DATA": str(self.folder)}):
            self.assert_passes("$ echo \"<$SOONER_DATA>\"\n> <>\n")
            self.assert_passes("requires: data\n$ echo \"<$SOONER_DATA>\"\n> <{data}>\n")

    def test_a_scenario_that_cannot_be_read_is_an_error(self):
        for text, reason in (("", "no command"), ("> one\n", "before any command"), ("$ true\n? x\n", ":2:"),
                             ("%% what\n", "no known kind"), ("| text\n", "without a 'file'"),
                             ("requires: magic\n$ true\n", "magic")):
            code, out = self.run_text(text)
            self.assertEqual(code, 2, out)
            self.assertIn(reason, out)


if __name__ == "__main__":
    unittest.main()
