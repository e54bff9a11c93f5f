#include "core/file.h"

#include <fcntl.h>
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

// Opens what is no folder and no device; its size, for a regular file, is at most `limit`.
Descriptor open_to_read(const std::filesystem::path& path, size_t limit, struct stat& info) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
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

std::vector<std::byte> read_whole(int file, const struct stat& info, const std::filesystem::path& path, size_t limit) {
  std::vector<std::byte> bytes(static_cast<size_t>(info.st_size));
  size_t have = 0;
  while (true) {
    if (have == bytes.size()) {
      if (have > limit) fail(Code::kDataLoss, "[read] '{}' holds over {} bytes", path.string(), limit);
      if (S_ISREG(info.st_mode)) break;
      bytes.resize(std::max<size_t>(4096, 2 * bytes.size()));  // a pipe: its size is not known before
    }
    const ssize_t got = ::read(file, bytes.data() + have, bytes.size() - have);
    if (got < 0) {
      if (errno == EINTR) continue;
      fail_io("read", "reading", path, errno);
    }
    if (got == 0) break;
    have += static_cast<size_t>(got);
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

void write_file_atomically(const std::filesystem::path& path, const std::function<void(FileSink&)>& produce) {
  // Renamed onto a device, a pipe or a folder, the new file would take its place.
  std::error_code unknown;
  const std::filesystem::file_status there = std::filesystem::status(path, unknown);
  if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there)) {
    fail(Code::kInvalidArgument, "[write] '{}' is no file to replace but a folder or a device; name a file",
         path.string());
  }
  std::string temporary = path.string() + ".tmp-XXXXXX";
  Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (file.get() < 0) fail_io("write", "creating", path, errno);
  try {
    DescriptorSink sink(file.get(), path);
    produce(sink);
    if (::fchmod(file.get(), 0644) != 0 || ::fsync(file.get()) != 0) fail_io("write", "writing", path, errno);
    if (::close(file.release()) != 0) fail_io("write", "closing", path, errno);
    if (::rename(temporary.c_str(), path.c_str()) != 0) fail_io("write", "renaming to", path, errno);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() >= 0) ::fsync(directory.get());
}

void write_file_atomically(const std::filesystem::path& path, std::string_view text) {
  write_file_atomically(path, [text](FileSink& sink) { sink.write(text); });
}

void make_folder(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) fail_io("folder", "creating", path, error.value());
}

}  // namespace sooner
