#!/usr/bin/env python3
"""The include check's own test, on small trees of files made for it."""

import pathlib
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import check_includes  # noqa: E402


class CheckIncludesTest(unittest.TestCase):
    def check(self, files):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = pathlib.Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return check_includes.check(pathlib.Path(folder))

    def assert_one_fault(self, files, *words):
        faults = self.check(files)
        self.assertEqual(len(faults), 1, faults)
        for word in words:
            self.assertIn(word, faults[0])

    def test_downward_includes_pass(self):
        self.assertEqual(self.check({
            "src/core/error.h": "#include <string>\n",
            "src/graph/graph.h": '#include "core/error.h"\n',
            "src/format/model_file.h": '#include "graph/graph.h"\n#include "core/error.h"\n',
            "tools/sooner.cc": '#include "command.h"\n#include "format/model_file.h"\n',
            "tools/command.h": "",
        }), [])

    def test_an_upward_include_fails_with_its_line(self):
        self.assert_one_fault({"src/core/error.h": '// why\n#include "graph/graph.h"\n', "src/graph/graph.h": ""},
                              "src/core/error.h:2", "room core may not see room graph")

    def test_a_sideways_include_fails(self):
        self.assert_one_fault({"src/data/idx.cc": '#include "policy/scores.h"\n', "src/policy/scores.h": ""},
                              "data may not see room policy")

    def test_one_backend_may_not_see_the_other_but_both_see_the_seam(self):
        files = {"src/backend/backend.h": "", "src/backend/ref/ref.h": '#include "backend/backend.h"\n'}
        self.assertEqual(self.check(files), [])
        files["src/backend/onednn/stage.cc"] = '#include "backend/ref/ref.h"\n'
        self.assert_one_fault(files, "backend/onednn may not see room backend/ref")

    def test_library_headers_stay_in_their_room(self):
        self.assertEqual(self.check({"src/train/net.cc": "#include <torch/torch.h>\n",
                                     "src/backend/onednn/a.cc": "#include <oneapi/dnnl/dnnl.hpp>\n"}), [])
        self.assert_one_fault({"src/eval/curve.cc": "#include <torch/torch.h>\n"}, "LibTorch", "src/train")
        self.assert_one_fault({"src/backend/registry.cc": "#include <dnnl.hpp>\n"}, "oneDNN")
        self.assert_one_fault({"tools/cmd_export.cc": "#include <onnx-ml.pb.h>\n"}, "ONNX's schema", "src/onnx")
        self.assert_one_fault({"tools/cmd_train.cc": "#  include <ATen/ATen.h>\n"}, "LibTorch")
        self.assert_one_fault({"src/measure/data.cc": "#include <toml++/toml.h>\n"}, "toml++", "src/recipe")

    def test_only_the_training_program_sees_the_trainer(self):
        files = {"src/train/trainer.h": "", "tools/sooner_train.cc": '#include "train/trainer.h"\n'}
        self.assertEqual(self.check(files), [])
        files["tools/cmd_train.cc"] = '#include "train/trainer.h"\n'
        self.assert_one_fault(files, "tools/cmd_train.cc:1", "the trainer")

    def test_nothing_includes_the_tools(self):
        self.assert_one_fault({"src/core/a.cc": '#include "tools/command.h"\n', "tools/command.h": ""}, "no file below")

    def test_tests_see_their_support_and_code_does_not(self):
        files = {"tests/support/temp_folder.h": "", "src/core/file_test.cc": '#include "support/temp_folder.h"\n'}
        self.assertEqual(self.check(files), [])
        files["src/core/file.cc"] = '#include "support/temp_folder.h"\n'
        self.assert_one_fault(files, "src/core/file.cc:1")

    def test_a_folder_that_is_no_room_fails(self):
        self.assert_one_fault({"src/misc/a.h": ""}, "is no room")

    def test_angle_brackets_do_not_hide_an_include(self):
        self.assert_one_fault({"src/core/a.h": "#include <graph/graph.h>\n", "src/graph/graph.h": ""}, "in quotes")

    def test_public_headers_name_rooms_headers_and_declare_nothing(self):
        files = {"src/core/error.h": "#include <fmt/format.h>\n#include <string>\n",
                 "include/sooner/error.h": '// Why.\n#pragma once\n\n#include "core/error.h"\n',
                 "include/sooner/sooner.h": "#include <sooner/error.h>\n",
                 "examples/use.cc": "#include <sooner/sooner.h>\n"}
        self.assertEqual(self.check(files), [])
        files["include/sooner/error.h"] += "class Error;\n"
        self.assert_one_fault(files, "include/sooner/error.h", "class Error;")

    def test_a_public_header_that_is_not_there_fails(self):
        self.assert_one_fault({"examples/use.cc": "#include <sooner/none.h>\n"}, "no file below include/")

    def test_rooms_and_tools_do_not_include_public_headers(self):
        for name in ("src/core/a.cc", "tools/a.cc", "tests/parity/a_test.cc"):
            self.assert_one_fault({"include/sooner/version.h": "#define A 1\n", name: "#include <sooner/version.h>\n"},
                                  name, "above the rooms")

    def test_examples_do_not_look_behind_public_headers(self):
        self.assert_one_fault({"src/core/error.h": "", "examples/use.cc": '#include "core/error.h"\n'},
                              "examples/use.cc:1", "alone")

    def test_what_public_headers_reach_is_installed_and_needs_no_further_library(self):
        files = {"include/sooner/model.h": '#include "format/model_file.h"\n', "src/format/json.h": "",
                 "src/format/model_file.h": '#include "format/json.h"\n'}
        self.assertEqual(self.check(files), [])
        files["src/format/json.h"] = "#include <nlohmann/json.hpp>\n"
        self.assert_one_fault(files, "src/format/json.h", "include/sooner/model.h", "nlohmann")
        self.assert_one_fault({"include/sooner/report.h": '#include "report/html.h"\n', "src/report/html.h": ""},
                              "src/report/html.h", "not one whose headers are installed")

    def test_a_circle_of_headers_fails(self):
        self.assert_one_fault({"src/core/a.h": '#include "core/b.h"\n', "src/core/b.h": '#include "core/c.h"\n',
                               "src/core/c.h": '#include "core/a.h"\n'},
                              "these need each other: src/core/a -> src/core/b -> src/core/c -> src/core/a")

    def test_sources_that_need_each_others_headers_fail(self):
        files = {"src/core/a.h": "", "src/core/a.cc": '#include "core/a.h"\n#include "core/b.h"\n',
                 "src/core/b.h": "", "src/core/b.cc": '#include "core/b.h"\n'}
        self.assertEqual(self.check(files), [])
        files["src/core/b.cc"] += '#include "core/a.h"\n'
        self.assert_one_fault(files, "these need each other: src/core/a -> src/core/b -> src/core/a")

    def test_a_longer_circle_of_sources_and_headers_fails(self):
        self.assert_one_fault({"src/core/a.cc": '#include "core/b.h"\n', "src/core/a.h": "",
                               "src/core/b.h": '#include "core/c.h"\n', "src/core/c.h": "",
                               "src/core/c.cc": '#include "core/a.h"\n'},
                              "src/core/a -> src/core/b -> src/core/c -> src/core/a")

    def test_a_circle_of_tools_fails(self):
        self.assert_one_fault({"tools/a.cc": '#include "b.h"\n', "tools/a.h": "", "tools/b.h": "",
                               "tools/b.cc": '#include "a.h"\n'}, "tools/a -> tools/b -> tools/a")

    def test_a_header_does_not_include_its_source(self):
        self.assert_one_fault({"src/core/a.h": '#include "core/a.cc"\n', "src/core/a.cc": ""},
                              "src/core/a -> src/core/a")

    def test_programs_that_measure_use_rooms_and_no_tools(self):
        files = {"src/core/a.h": "", "tools/table.h": "", "tests/support/net.h": "",
                 "bench/x.cc": '#include "core/a.h"\n#include "support/net.h"\n'}
        self.assertEqual(self.check(files), [])
        files["bench/x.cc"] += '#include "tools/table.h"\n'
        self.assert_one_fault(files, 'bench/x.cc:3: includes "tools/table.h"', "bench/ uses rooms")

    def test_locks_are_those_that_the_compiler_checks(self):
        files = {"src/core/mutex.h": "std::mutex mutex_;\n", "src/core/a.h": "// like std::mutex\nMutex mutex_;\n"}
        self.assertEqual(self.check(files), [])
        for lock in ("std::mutex mutex_;", "std::lock_guard lock(mutex_);", "std::condition_variable_any ready;"):
            self.assert_one_fault(files | {"tools/b.cc": f"\n{lock}\n"}, "tools/b.cc:2: names std::", "core/mutex.h")

    def test_time_is_read_in_one_place(self):
        files = {"src/core/clock.cc": "return std::chrono::steady_clock::now();\n", "bench/a.cc": "// steady_clock\n"}
        self.assertEqual(self.check(files), [])
        self.assert_one_fault(files | {"tools/b.cc": "using Clock = std::chrono::steady_clock;\n"},
                              "tools/b.cc:1: reads std::chrono::steady_clock", "core/clock.h")

    def test_the_table_itself_must_point_downward(self):
        with mock.patch.dict(check_includes.ROOMS, {"core": ["graph"]}):
            self.assertIn("'core' names 'graph'", check_includes.check_order()[0])


if __name__ == "__main__":
    unittest.main()
