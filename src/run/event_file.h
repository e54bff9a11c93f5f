// Scalars for TensorBoard: an event file of protocol-buffer messages in TFRecord frames, written by hand (both are
// small).
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sooner {

// CRC-32C (Castagnoli), as TFRecord uses it: rotated right by 15 bits plus a constant.
uint32_t masked_crc32c(std::string_view bytes);

// One event: scalars by tag at a step. `wall_time` in seconds since 1970.
std::string encode_event(double wall_time, int64_t step, const std::vector<std::pair<std::string, float>>& scalars);
// length, its checksum, data, its checksum.
std::string encode_record(std::string_view data);

class EventFile {
 public:
  // Creates folder/events.out.tfevents.<seconds>.<process>. Throws as core/file.h does.
  EventFile(const std::filesystem::path& folder, double wall_time);
  // Flushed at once. Throws kResourceExhausted and others when the disk will not take it.
  void write(double wall_time, int64_t step, const std::vector<std::pair<std::string, float>>& scalars);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  void append(const std::string& record);

  std::filesystem::path path_;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace sooner
