#include "run/event_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

#include "core/file.h"

namespace sooner {
namespace {

constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0x82f63b78U : 0U);
    table[byte] = crc;
  }
  return table;
}

template <typename T>
std::string little_endian(T value) {
  static_assert(std::endian::native == std::endian::little);
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

// Protocol-buffer wire types.
enum class Wire : uint8_t { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80U; value >>= 7U) bytes += static_cast<char>((value & 0x7fU) | 0x80U);
  return bytes + static_cast<char>(value);
}

std::string tag(uint32_t field, Wire wire) { return varint((field << 3U) | static_cast<uint32_t>(wire)); }

std::string length_delimited(uint32_t field, std::string_view bytes) {
  return tag(field, Wire::kLength) + varint(bytes.size()) + std::string(bytes);
}

std::string wall_time_field(double wall_time) { return tag(1, Wire::kFixed64) + little_endian(wall_time); }

}  // namespace

uint32_t masked_crc32c(std::string_view bytes) {
  static constexpr std::array<uint32_t, 256> kTable = make_table();
  uint32_t crc = 0xffffffffU;
  for (const char byte : bytes) crc = kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xffU] ^ (crc >> 8U);
  return std::rotr(~crc, 15) + 0xa282ead8U;
}

// Event: 1 wall_time (double), 2 step (int64), 3 file_version (string), 5 summary; Summary: 1 value (repeated); Value:
// 1 tag (string), 2 simple_value (float). From TensorFlow's event.proto and summary.proto.
std::string encode_event(double wall_time, int64_t step, const std::vector<std::pair<std::string, float>>& scalars) {
  std::string summary;
  for (const auto& [name, value] : scalars) {
    summary += length_delimited(1, length_delimited(1, name) + tag(2, Wire::kFixed32) + little_endian(value));
  }
  return wall_time_field(wall_time) + tag(2, Wire::kVarint) + varint(static_cast<uint64_t>(step)) +
         length_delimited(5, summary);
}

std::string encode_record(std::string_view data) {
  const std::string length = little_endian(static_cast<uint64_t>(data.size()));
  return length + little_endian(masked_crc32c(length)) + std::string(data) + little_endian(masked_crc32c(data));
}

EventFile::EventFile(const std::filesystem::path& folder, double wall_time) {
  make_folder(folder);
  path_ = folder / fmt::format("events.out.tfevents.{:010}.{}", static_cast<int64_t>(wall_time), ::getpid());
  file_.reset(std::fopen(path_.c_str(), "ab"));
  if (!file_) fail_io("EventFile", "creating", path_, errno);
  append(encode_record(wall_time_field(wall_time) + length_delimited(3, "brain.Event:2")));
}

void EventFile::write(double wall_time, int64_t step, const std::vector<std::pair<std::string, float>>& scalars) {
  append(encode_record(encode_event(wall_time, step, scalars)));
}

void EventFile::append(const std::string& record) {
  if (std::fwrite(record.data(), 1, record.size(), file_.get()) != record.size() || std::fflush(file_.get()) != 0) {
    fail_io("EventFile", "writing", path_, errno);
  }
}

}  // namespace sooner
