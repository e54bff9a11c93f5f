// A model that is read, changed and written again over itself, while other programs may do the same.
#pragma once

#include <cstdint>
#include <filesystem>

#include "format/model_file.h"

namespace sooner {

class ModelUpdate {
 public:
  // Reads it. Throws what load_model throws.
  explicit ModelUpdate(std::filesystem::path path);

  ModelFile& file() { return file_; }

  // As save_model. Over the file that was read, throws kFailedPrecondition, with that left alone, where another program
  // has written it since: what was added there would be lost. empty: over that file.
  void save(const std::filesystem::path& output = {});

 private:
  // What tells one content of a path from the next: files are replaced, never written in place.
  struct Stamp {
    uint64_t device = 0;
    uint64_t inode = 0;
    int64_t size = 0;
    int64_t changed_ns = 0;
    bool operator==(const Stamp&) const = default;
  };
  static Stamp stamp_of(const std::filesystem::path& path);

  std::filesystem::path path_;
  Stamp read_;
  ModelFile file_;
};

}  // namespace sooner
