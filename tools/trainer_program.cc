#include "trainer_program.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>

#include "core/error.h"

namespace sooner {
namespace {

constexpr int kCannotStart = 127;

pid_t start(const std::string& program, const std::vector<std::string>& words) {
  std::vector<char*> arguments{const_cast<char*>(program.c_str())};
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) fail(Code::kFailedPrecondition, "[train] starting '{}' failed: {}", program, std::strerror(errno));
  if (child > 0) return child;
  // Who is ended ends them, too: they finish a step and save.
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
  ::execvp(program.c_str(), arguments.data());
  ::_exit(kCannotStart);
}

int exit_code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

}  // namespace

std::string trainer_program() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) {
    const std::filesystem::path beside = self.parent_path() / "sooner-train";
    if (std::filesystem::exists(beside, error)) return beside.string();
  }
  return "sooner-train";
}

std::vector<int> run_trainers(const std::vector<std::vector<std::string>>& calls, int jobs) {
  const std::string program = trainer_program();
  std::vector<int> codes(calls.size(), 0);
  std::map<pid_t, size_t> running;
  const auto wait_for_one = [&] {
    int status = 0;
    pid_t done = -1;
    do {
      done = ::wait(&status);
    } while (done < 0 && errno == EINTR);
    if (done < 0) fail(Code::kFailedPrecondition, "[train] waiting for '{}' failed: {}", program, std::strerror(errno));
    const auto found = running.find(done);
    if (found == running.end()) return;
    codes[found->second] = exit_code_of(status);
    running.erase(found);
  };
  for (size_t i = 0; i < calls.size(); ++i) {
    while (running.size() >= static_cast<size_t>(jobs)) wait_for_one();
    running.emplace(start(program, calls[i]), i);
  }
  while (!running.empty()) wait_for_one();
  for (const int code : codes) {
    if (code != kCannotStart) continue;
    fail(Code::kFailedPrecondition,
         "[train] '{}' cannot be started; this build has no trainer: build with -DSOONER_TRAIN=ON", program);
  }
  return codes;
}

}  // namespace sooner
