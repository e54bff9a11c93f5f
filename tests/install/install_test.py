#!/usr/bin/env python3
"""Installs a build into a fresh folder and lets other projects use it: examples/cmake_project, and every_header, which
includes every public header alone. They see that folder and the system's packages, nothing of this checkout.

    install_test.py --cmake CMAKE --build FOLDER --generator NAME --make PROGRAM --compiler PROGRAM
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MODEL = ROOT / "tests/golden/models/v1/tiny.safetensors"
OPTIONS = None


def run(*command, code=0):
    """(stdout, stderr) of a command that ends with this exit code."""
    # What a person's shell tells CMake and the linker is no part of the test.
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith(("CMAKE_", "LD_")) and name not in ("CXXFLAGS", "LDFLAGS", "DESTDIR")}
    done = subprocess.run([str(word) for word in command], env=environment, capture_output=True, text=True, check=False)
    if done.returncode != code:
        raise AssertionError(f"{' '.join(map(str, command))}: exit code {done.returncode}, expected {code}\n"
                             f"{done.stdout}\n{done.stderr}")
    return done.stdout, done.stderr


class InstallTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="sooner-install-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name).resolve()
        run(OPTIONS.cmake, "--install", OPTIONS.build, "--prefix", cls.folder / "first")
        # Installed trees may be moved, into a folder with a blank in its name too.
        cls.prefix = cls.folder / "the prefix"
        (cls.folder / "first").rename(cls.prefix)

    def build(self, project):
        """Configures and builds a copy of the project; gives the folder it was built in."""
        source, build = self.folder / project.name, self.folder / f"{project.name}_build"
        shutil.copytree(project, source)
        run(OPTIONS.cmake, "-S", source, "-B", build, "-G", OPTIONS.generator, "-DCMAKE_BUILD_TYPE=Release",
            f"-DCMAKE_MAKE_PROGRAM={OPTIONS.make}", f"-DCMAKE_CXX_COMPILER={OPTIONS.compiler}",
            f"-DCMAKE_PREFIX_PATH={self.prefix}", "-DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF")
        run(OPTIONS.cmake, "--build", build, "--parallel", "2")
        return build

    def assert_needs_nothing_of_the_checkout(self, program):
        has_own_dnnl = any(self.prefix.rglob("libdnnl*"))
        for line in run("ldd", program)[0].splitlines():
            self.assertNotIn("not found", line)
            self.assertNotIn(f"{ROOT}/", line)
            if "libdnnl" in line and has_own_dnnl:
                self.assertIn(str(self.prefix), line)

    def test_a_project_finds_links_and_runs_it(self):
        program = self.build(ROOT / "examples/cmake_project") / "classify"
        self.assertRegex(run(program, MODEL)[0],
                         r"^sooner \d+\.\d+\.\d+, backend (onednn|ref): class \d from exit [01] of 2\n$")
        self.assertRegex(run(program, ROOT / "README.md", code=1)[1], r"^classify: \[.*README\.md.*\n$")
        self.assertEqual(run(program, code=2)[1], "usage: classify MODEL.safetensors\n")
        self.assert_needs_nothing_of_the_checkout(program)

    def test_every_public_header_compiles_alone_and_all_rooms_link(self):
        program = self.build(HERE / "every_header") / "every_room"
        self.assertEqual(run(program)[0], "every room answered\n")

    def test_every_public_header_is_installed(self):
        there = {path.name for path in (self.prefix / "include/sooner").glob("*.h")}
        self.assertEqual(there, {path.name for path in (ROOT / "include/sooner").glob("*.h")})

    def test_the_program_runs_without_the_checkout(self):
        program = self.prefix / "bin/sooner"
        self.assertRegex(run(program, "--version")[0], r"^sooner \d+\.\d+\.\d+\n$")
        self.assertIn("plain network", run(program, "describe", MODEL)[0])
        self.assert_needs_nothing_of_the_checkout(program)

    def test_nothing_for_people_or_compilers_names_the_checkout(self):
        read = 0
        for path in self.prefix.rglob("*"):
            if path.suffix in (".h", ".cmake"):
                read += 1
                text = path.read_text(encoding="utf-8")
                for folder in (f"{ROOT}/", str(OPTIONS.build), "-Werror"):
                    self.assertNotIn(folder, text, path)
        self.assertGreater(read, 20)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cmake", required=True)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--generator", required=True)
    parser.add_argument("--make", required=True)
    parser.add_argument("--compiler", required=True)
    OPTIONS, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])
