#include "core/file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/error.h"

namespace sooner {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

class DescriptorSink final : public FileSink {
 public:
  DescriptorSink(int fd, std::filesystem::path path) : fd_(fd), path_(std::move(path)) {}
  void write(std::span<const std::byte> bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_, bytes.data(), std::min(bytes.size(), size_t{1} << 30U));
      if (written < 0) {
        if (errno == EINTR) continue;
        fail_io("write", "writing", path_, errno);
      }
      bytes = bytes.subspan(static_cast<size_t>(written));
    }
  }

 private:
  int fd_;
  std::filesystem::path path_;
};

}  // namespace

void fail_io(std::string_view place, std::string_view action, const std::filesystem::path& path, int error_number) {
  Code code = Code::kDataLoss;
  std::string_view remedy = "check the device";
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
      code = Code::kNotFound;
      remedy = "check the path";
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      code = Code::kPermissionDenied;
      remedy = "check the permissions, or name another folder";
      break;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      code = Code::kResourceExhausted;
      remedy = "free some space or name another folder; what was there before is untouched";
      break;
    case EISDIR:
      code = Code::kInvalidArgument;
      remedy = "name a file, not a folder";
      break;
    default:
      break;
  }
  fail(code, "[{}] {} '{}' failed: {}; {}", place, action, path.string(), std::strerror(error_number), remedy);
}

namespace {

// Opens what is no folder and no device; its size, for a regular file, is at most `limit`. A pipe opens at once, writer
// or not.
Descriptor open_to_read(const std::filesystem::path& path, size_t limit, struct stat& info) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) fail_io("read", "opening", path, errno);
  if (::fstat(file.get(), &info) != 0) fail_io("read", "reading", path, errno);
  if (S_ISDIR(info.st_mode)) fail_io("read", "reading", path, EISDIR);
  if (S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode)) {  // such as /dev/zero, which never ends
    fail(Code::kInvalidArgument, "[read] '{}' is a device; name a file", path.string());
  }
  if (static_cast<size_t>(info.st_size) > limit) {
    fail(Code::kDataLoss, "[read] '{}' holds {} bytes, expected at most {}", path.string(), info.st_size, limit);
  }
  return file;
}

constexpr int kWriterComesWithin = 10;    // seconds
constexpr int kWriterSilentAtMost = 600;  // seconds

// True when there are bytes, or none will come any more; false when neither was so within kWriterComesWithin.
bool bytes_come(int file, const std::filesystem::path& path) {
  struct pollfd waited {
    file, POLLIN, 0
  };
  while (true) {
    const int ready = ::poll(&waited, 1, 1000 * kWriterComesWithin);
    if (ready >= 0) return ready > 0;
    if (errno != EINTR) fail_io("read", "waiting for", path, errno);
  }
}

// How many bytes were there, at most as many as fit; 0 at the end. Waits for a pipe's, though not for ever.
size_t read_some(int file, std::span<std::byte> bytes, const std::filesystem::path& path) {
  for (int silent = 0; silent < kWriterSilentAtMost;) {
    const bool came = bytes_come(file, path);
    const ssize_t got = ::read(file, bytes.data(), bytes.size());
    if (got > 0 || (got == 0 && came)) return static_cast<size_t>(got);
    if (got == 0) {
      fail(Code::kUnavailable,
           "[read] '{}' is a pipe that nobody has opened for writing within {} s; start what writes into it first",
           path.string(), kWriterComesWithin);
    }
    if (errno != EAGAIN && errno != EINTR) fail_io("read", "reading", path, errno);
    if (!came) silent += kWriterComesWithin;
  }
  fail(Code::kUnavailable,
       "[read] '{}' is a pipe into which nothing was written for {} s; see what its writer waits for", path.string(),
       kWriterSilentAtMost);
}

std::vector<std::byte> read_whole(int file, const struct stat& info, const std::filesystem::path& path, size_t limit) {
  std::vector<std::byte> bytes(static_cast<size_t>(info.st_size));
  size_t have = 0;
  while (true) {
    if (have == bytes.size()) {
      if (have > limit) fail(Code::kDataLoss, "[read] '{}' holds over {} bytes", path.string(), limit);
      if (S_ISREG(info.st_mode)) break;
      bytes.resize(std::max<size_t>(4096, 2 * bytes.size()));  // a pipe: its size is not known before
    }
    const size_t got = read_some(file, std::span(bytes).subspan(have), path);
    if (got == 0) break;
    have += got;
  }
  bytes.resize(have);
  return bytes;
}

}  // namespace

MappedFile map_file(const std::filesystem::path& path, size_t limit) {
  struct stat info {};
  const Descriptor file = open_to_read(path, limit, info);
  if (!S_ISREG(info.st_mode) || info.st_size == 0) {
    const auto bytes = std::make_shared<std::vector<std::byte>>(read_whole(file.get(), info, path, limit));
    return {{bytes, bytes->data()}, bytes->size()};
  }
  const auto size = static_cast<size_t>(info.st_size);
  void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.get(), 0);
  if (data == MAP_FAILED) fail_io("read", "mapping", path, errno);
  return {{static_cast<std::byte*>(data), [size](std::byte* mapped) { ::munmap(mapped, size); }}, size};
}

std::vector<std::byte> read_file(const std::filesystem::path& path, size_t limit) {
  struct stat info {};
  const Descriptor file = open_to_read(path, limit, info);
  return read_whole(file.get(), info, path, limit);
}

std::string read_text(const std::filesystem::path& path, size_t limit) {
  const std::vector<std::byte> bytes = read_file(path, limit);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

namespace {

// The file that a path leads to through links, or would, where it is not there yet.
std::filesystem::path behind_links(std::filesystem::path path) {
  constexpr int kMostLinks = 40;  // as the kernel follows
  std::error_code error;
  for (int links = 0; std::filesystem::is_symlink(std::filesystem::symlink_status(path, error)); ++links) {
    if (links == kMostLinks) fail_io("write", "following the link", path, ELOOP);
    const std::filesystem::path target = std::filesystem::read_symlink(path, error);
    if (error) fail_io("write", "following the link", path, error.value());
    path = path.parent_path() / target;
  }
  return path;
}

// A new file in the folder of the one whose place it is to take; gone unless it took it.
class Temporary {
 public:
  explicit Temporary(const std::filesystem::path& path) {
    // Renamed onto a device, a pipe or a folder, the new file would take its place.
    std::error_code unknown;
    const std::filesystem::file_status there = std::filesystem::status(path, unknown);
    if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there)) {
      fail(Code::kInvalidArgument, "[write] '{}' is no file to replace but a folder or a device; name a file",
           path.string());
    }
    place_ = behind_links(path);
    name_ = place_.string() + ".tmp-XXXXXX";
    file_ = Descriptor(::mkostemp(name_.data(), O_CLOEXEC));
    if (file_.get() < 0) fail_io("write", "creating", place_, errno);
  }
  ~Temporary() {
    if (!placed_) ::unlink(name_.c_str());
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  [[nodiscard]] int descriptor() const { return file_.get(); }
  [[nodiscard]] const std::filesystem::path& place() const { return place_; }
  void take_place() {
    if (::fchmod(file_.get(), 0644) != 0 || ::fsync(file_.get()) != 0) fail_io("write", "writing", place_, errno);
    if (::close(file_.release()) != 0) fail_io("write", "closing", place_, errno);
    if (::rename(name_.c_str(), place_.c_str()) != 0) fail_io("write", "renaming to", place_, errno);
    placed_ = true;
  }

 private:
  std::filesystem::path place_;
  std::string name_;
  Descriptor file_{-1};
  bool placed_ = false;
};

}  // namespace

void write_file_atomically(const std::filesystem::path& path, const std::function<void(FileSink&)>& produce) {
  Temporary file(path);
  DescriptorSink sink(file.descriptor(), file.place());
  produce(sink);
  file.take_place();
  const std::filesystem::path folder = file.place().has_parent_path() ? file.place().parent_path() : ".";
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() >= 0) ::fsync(directory.get());
}

void write_file_atomically(const std::filesystem::path& path, std::string_view text) {
  write_file_atomically(path, [text](FileSink& sink) { sink.write(text); });
}

void expect_writable(const std::filesystem::path& path) { const Temporary made_and_removed(path); }

void make_folder(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) fail_io("folder", "creating", path, error.value());
}

}  // namespace sooner
