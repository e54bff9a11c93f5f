// Walks a tar archive (ustar, with GNU and pax headers passed over), packed with gzip or not, from front to back.
//
// Reads only; knows regular files, skips every other kind of entry. No extraction to disk, so no path ever leaves it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/byte_stream.h"

namespace sooner {

struct TarEntry {
  std::string name;  // as stored, "cifar-10-batches-bin/test_batch.bin"
  uint64_t bytes = 0;
};

// Not thread-safe.
class TarStream {
 public:
  explicit TarStream(const std::filesystem::path& path) : stream_(path) {}
  // The next regular file, past whatever of the last one was not read; nothing after the last. Throws kDataLoss.
  std::optional<TarEntry> next();
  // The content of the entry next() returned; once per entry.
  std::vector<uint8_t> read();

 private:
  ByteStream stream_;
  TarEntry entry_;
  uint64_t left_ = 0;  // bytes of the entry and its padding not read yet
};

}  // namespace sooner
