// The program that holds LibTorch, started as git starts its commands.
#pragma once

#include <string>
#include <vector>

namespace sooner {

// Beside this program, or by name where the shell finds it.
std::string trainer_program();

// Runs the trainer once for each list of words, at most `jobs` at a time, and waits for all. What they print goes to
// stderr. Returns their exit codes (128 + n for a signal n). Throws kFailedPrecondition when one cannot be started.
std::vector<int> run_trainers(const std::vector<std::vector<std::string>>& calls, int jobs);

}  // namespace sooner
