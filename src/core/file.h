// Whole-file reads and atomic whole-file writes, with errors that name the file and the remedy.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sooner {

// Throws kNotFound, kPermissionDenied, or kDataLoss when the file is longer than `limit` bytes or cannot be read. A
// pipe is read to its end; kUnavailable where nobody opens it for writing within ten seconds, or who has it open writes
// nothing for ten minutes.
std::vector<std::byte> read_file(const std::filesystem::path& path, size_t limit = size_t{1} << 36U);
// A whole file as memory, read from disk when it is first touched. Writing to the memory does not change the file. The
// file must not be shortened while it is mapped; replacing it (write_file_atomically) is harmless.
struct MappedFile {
  std::shared_ptr<std::byte> data;  // keeps the mapping
  size_t size = 0;
  [[nodiscard]] std::span<const std::byte> bytes() const { return {data.get(), size}; }
};
// Throws what read_file throws. What is no regular file (a pipe) is read.
MappedFile map_file(const std::filesystem::path& path, size_t limit = size_t{1} << 36U);
std::string read_text(const std::filesystem::path& path, size_t limit = size_t{1} << 30U);

// Appends pieces to a file that is not yet visible under its final name.
class FileSink {
 public:
  virtual ~FileSink() = default;
  // Throws kResourceExhausted (disk full) or kPermissionDenied, naming the file.
  virtual void write(std::span<const std::byte> bytes) = 0;
  void write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }
};

// Writes a file so that a reader, or a crash at any moment, sees either the old content or the new one:
// temporary file in the same folder, fsync, rename, fsync of the folder. On an error the temporary is removed and
// the old file is untouched. Throws kResourceExhausted when the disk is full, kPermissionDenied for a read-only
// folder, kNotFound when the folder does not exist, kInvalidArgument for the path of a folder or device. A link stays
// one: the file it leads to is written, and made where it is not there.
void write_file_atomically(const std::filesystem::path& path, const std::function<void(FileSink&)>& produce);
void write_file_atomically(const std::filesystem::path& path, std::string_view text);
// Throws what write_file_atomically would throw before its first byte: for those who work long before they write.
void expect_writable(const std::filesystem::path& path);

// mkdir -p with the same errors.
void make_folder(const std::filesystem::path& path);

// Throws the Error that fits `error_number` (an errno): "[place] action 'path' failed: reason; remedy".
[[noreturn]] void fail_io(std::string_view place, std::string_view action, const std::filesystem::path& path,
                          int error_number);

}  // namespace sooner
