#include "format/model_update.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "core/error.h"

namespace sooner {
namespace {

// One program at a time between looking at a file of this folder and replacing it. Where the file system has no locks
// nobody is kept waiting.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder)
      : fd_(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (fd_ >= 0) static_cast<void>(::flock(fd_, LOCK_EX));
  }
  ~FolderLock() {
    if (fd_ >= 0) ::close(fd_);  // and unlocks
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int fd_;
};

}  // namespace

ModelUpdate::Stamp ModelUpdate::stamp_of(const std::filesystem::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  constexpr int64_t kNanoseconds = 1'000'000'000;
  return {.device = info.st_dev,
          .inode = info.st_ino,
          .size = info.st_size,
          .changed_ns = info.st_mtim.tv_sec * kNanoseconds + info.st_mtim.tv_nsec};
}

ModelUpdate::ModelUpdate(std::filesystem::path path)
    : path_(std::move(path)), read_(stamp_of(path_)), file_(load_model(path_)) {}

void ModelUpdate::save(const std::filesystem::path& output) {
  const std::filesystem::path& target = output.empty() ? path_ : output;
  const FolderLock lock(target.parent_path());
  std::error_code none;
  const bool same = target == path_ || std::filesystem::equivalent(target, path_, none);
  if (same && stamp_of(target) != read_) {
    fail(Code::kFailedPrecondition,
         "[save] '{}' was written by another program since it was read, and what that added would be lost; nothing is "
         "written: run this again",
         target.string());
  }
  save_model(file_, target);
  if (same) read_ = stamp_of(target);
}

}  // namespace sooner
