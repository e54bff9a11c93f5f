#!/usr/bin/env python3
"""Proves that the pass of clang-tidy sees what it is there for: a member used without the lock that guards it."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import run_clang_tidy  # noqa: E402

PROGRAM = """
#include "core/mutex.h"

namespace sooner {

class Counter {
 public:
  void add() SOONER_EXCLUDES(mutex_) {
    BODY
  }

 private:
  void add_held() SOONER_REQUIRES(mutex_) { ++count_; }
  Mutex mutex_;
  Condition changed_;
  int count_ SOONER_GUARDED_BY(mutex_) = 0;
};

void count() {
  Counter counter;
  counter.add();
}

}  // namespace sooner
"""


class RunClangTidyTest(unittest.TestCase):
    def findings(self, body):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "counter.cc")
            path.write_text(PROGRAM.replace("BODY", body))
            command = [*run_clang_tidy.tidy_command(), str(path), "--", "-std=c++20",
                       f"-I{run_clang_tidy.ROOT / 'src'}"]
            result = subprocess.run(command, capture_output=True, text=True, check=False)
            self.assertEqual(result.returncode == 0, result.stdout.strip() == "", result.stderr)
            return result.stdout

    def test_what_is_guarded_passes_with_the_lock_held(self):
        for body in ("const MutexLock lock(mutex_); ++count_; add_held();",
                     "MutexLock lock(mutex_); while (count_ == 0) changed_.wait(lock); ++count_;",
                     "MutexLock lock(mutex_); lock.unlock(); lock.lock(); ++count_;"):
            self.assertEqual(self.findings(body), "", body)

    def test_what_is_guarded_is_refused_without_the_lock(self):
        for body, words in (("++count_;", "writing variable 'count_' requires holding mutex 'mutex_'"),
                            ("add_held();", "calling function 'add_held' requires holding mutex 'mutex_'"),
                            ("MutexLock lock(mutex_); lock.unlock(); ++count_;", "requires holding mutex 'mutex_'"),
                            ("const MutexLock lock(mutex_); add();", "while mutex 'mutex_' is held")):
            found = self.findings(body)
            self.assertIn(words, found, body)
            self.assertIn("thread-safety-analysis", found, body)


if __name__ == "__main__":
    unittest.main()
