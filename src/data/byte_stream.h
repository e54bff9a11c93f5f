// Reads a file from front to back, unpacking gzip on the way when the file is gzip (told by its first two bytes).
//
// Every fault is a kDataLoss that names the file and the byte: an end that comes too early, a wrong checksum, foreign
// bytes after the end. Does not seek.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace sooner {

// Not thread-safe.
class ByteStream {
 public:
  // Throws kNotFound or kPermissionDenied.
  explicit ByteStream(const std::filesystem::path& path);
  ~ByteStream();
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  // Fills `bytes` as far as the stream reaches; returns how many (fewer only at the end). After the last byte of a gzip
  // file its checksum has been compared.
  size_t read_some(std::span<std::byte> bytes);
  // Fills all of `bytes`; `what` says in the error what was being read.
  void read(std::span<std::byte> bytes, std::string_view what);
  // Reads `count` bytes into a vector that grows as they come, so that a lying header cannot claim memory.
  std::vector<uint8_t> read_vector(uint64_t count, std::string_view what);
  void skip(uint64_t count, std::string_view what);
  // Throws kDataLoss unless nothing is left.
  void expect_end(std::string_view what);

  [[nodiscard]] uint64_t offset() const;  // bytes handed out so far (unpacked)
  [[nodiscard]] const std::filesystem::path& path() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sooner
