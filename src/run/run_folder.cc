#include "run/run_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "core/error.h"
#include "core/file.h"

namespace sooner {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

void make_parts(const fs::path& path) {
  for (const char* part : {"checkpoints", "logits", "tb"}) make_folder(path / part);
}

// What a kill while a file was being written leaves behind (see write_file_atomically).
void remove_unfinished(const fs::path& folder) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().filename().string().find(".tmp-") != std::string::npos) fs::remove(entry.path(), ignored);
  }
}

}  // namespace

RunFolder RunFolder::create_numbered(const fs::path& root, const std::string& name) {
  make_folder(root);
  for (int n = 1;; ++n) {
    const fs::path path = root / fmt::format("{}-{}", name, n);
    // mkdir itself decides, so that two runs started at once get two folders.
    if (::mkdir(path.c_str(), 0777) == 0) {
      make_parts(path);
      return RunFolder(path);
    }
    if (errno != EEXIST) fail_io("RunFolder", "creating", path, errno);
  }
}

RunFolder RunFolder::create(const fs::path& path) {
  if (is_there(path / "config.toml")) {
    fail(Code::kFailedPrecondition,
         "[RunFolder] '{}' already holds a run; name another folder, or continue it with --resume", path.string());
  }
  make_folder(path);
  make_parts(path);
  return RunFolder(path);
}

RunFolder RunFolder::open(const fs::path& path) {
  if (!is_there(path / "config.toml")) {
    fail(Code::kNotFound, "[RunFolder] '{}' holds no config.toml; name a run folder such as runs/name-1",
         path.string());
  }
  make_parts(path);
  remove_unfinished(path / "checkpoints");
  remove_unfinished(path);
  std::error_code ignored;
  fs::remove(path / "features.bf16", ignored);  // of a run that was killed
  return RunFolder(path);
}

void RunFolder::discard_if_unused() const {
  if (is_there(log())) return;
  std::error_code ignored;
  fs::remove(config(), ignored);
  fs::remove(path_ / ".lock", ignored);
  // Empty folders only: remove does not touch others.
  for (const char* part : {"checkpoints", "logits", "tb"}) fs::remove(path_ / part, ignored);
  fs::remove(path_, ignored);
}

fs::path RunFolder::checkpoint(std::string_view name) const {
  return path_ / "checkpoints" / fmt::format("{}.safetensors", name);
}

fs::path RunFolder::logits(std::string_view split) const {
  return path_ / "logits" / fmt::format("{}.safetensors", split);
}

RunLock::RunLock(const fs::path& folder)
    : file_(::open((folder / ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
  if (file_ < 0 || ::flock(file_, LOCK_EX | LOCK_NB) == 0) return;
  const int error = errno;
  ::close(file_);
  file_ = -1;
  if (error != EWOULDBLOCK) return;  // a file system without locks
  fail(Code::kFailedPrecondition,
       "[RunFolder] another process is training in '{}'; wait for it, stop it, or name another folder",
       folder.string());
}

RunLock::~RunLock() {
  if (file_ >= 0) ::close(file_);
}

fs::path model_path(const fs::path& run_or_model) {
  std::error_code error;
  if (!fs::is_directory(run_or_model, error)) return run_or_model;
  const fs::path model = run_or_model / "model.safetensors";
  if (!fs::exists(model, error)) {
    fail(Code::kNotFound, "[run] '{}' holds no model.safetensors; is the training finished? (sooner train --resume {})",
         run_or_model.string(), run_or_model.string());
  }
  return model;
}

void append_line(const fs::path& path, std::string_view line) {
  const std::string text = std::string(line) + '\n';
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0) fail_io("RunFolder", "opening", path, errno);
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t written = ::write(fd, text.data() + done, text.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int error = errno;
      ::close(fd);
      fail_io("RunFolder", "writing", path, error);
    }
    done += static_cast<size_t>(written);
  }
  ::close(fd);
}

void keep_lines(const fs::path& path, size_t lines) {
  if (!is_there(path)) return;
  const std::string text = read_text(path);
  size_t end = 0;
  for (size_t n = 0; n < lines && end != std::string::npos; ++n) {
    const size_t newline = text.find('\n', end);
    end = newline == std::string::npos ? text.size() : newline + 1;
  }
  if (end < text.size()) write_file_atomically(path, text.substr(0, end));
}

}  // namespace sooner
