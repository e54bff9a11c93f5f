#!/usr/bin/env python3
"""C++ that README.md and docs/api.md show stands in a file of examples/, line after line, and so is built and run."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def squeezed(text):
    """The text's lines without indentation and blank lines, each ended."""
    return "".join(f"{line.strip()}\n" for line in text.splitlines() if line.strip())


class PagesTest(unittest.TestCase):
    def test_what_pages_show_is_an_example(self):
        examples = [squeezed(path.read_text(encoding="utf-8")) for path in (ROOT / "examples").rglob("*")
                    if path.suffix in (".cc", ".txt")]
        for page in ("README.md", "docs/api.md"):
            blocks = re.findall(r"^```(?:cpp|cmake)\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.S | re.M)
            self.assertTrue(blocks, f"{page} shows no program")
            for block in blocks:
                self.assertTrue(any(squeezed(block) in example for example in examples),
                                f"{page} shows what stands in no file of examples/:\n{block}")

    def test_the_page_names_every_public_header(self):
        page = (ROOT / "docs/api.md").read_text(encoding="utf-8")
        for header in (ROOT / "include/sooner").glob("*.h"):
            self.assertIn(f"`<sooner/{header.name}>`", page)


if __name__ == "__main__":
    unittest.main()
