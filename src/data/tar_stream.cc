#include "data/tar_stream.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "core/error.h"

namespace sooner {
namespace {

constexpr uint64_t kBlock = 512;
using Block = std::array<char, kBlock>;

// A fixed-width text field, up to its first NUL.
std::string_view field(const Block& block, size_t at, size_t width) {
  const std::string_view whole(block.data() + at, width);
  return whole.substr(0, whole.find('\0'));
}

// Octal digits between optional blanks; nothing when it is not that.
std::optional<uint64_t> octal(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  text = text.substr(0, text.find(' '));
  if (text.empty() || text.size() > 12) return std::nullopt;
  uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '7') return std::nullopt;
    value = value * 8 + static_cast<uint64_t>(c - '0');
  }
  return value;
}

// The sum of all bytes, the checksum field itself counted as blanks.
uint64_t header_sum(const Block& block) {
  uint64_t sum = 0;
  for (size_t i = 0; i < kBlock; ++i) {
    sum += i >= 148 && i < 156 ? uint64_t{' '} : static_cast<unsigned char>(block[i]);
  }
  return sum;
}

uint64_t padded(uint64_t bytes) { return (bytes + kBlock - 1) / kBlock * kBlock; }

}  // namespace

std::optional<TarEntry> TarStream::next() {
  while (true) {
    stream_.skip(left_, entry_.name);
    left_ = 0;
    const uint64_t at = stream_.offset();
    Block block{};
    const size_t got = stream_.read_some(std::as_writable_bytes(std::span(block)));
    // Archives end with zero blocks; some writers leave them out.
    const bool zero = std::all_of(block.begin(), block.end(), [](char c) { return c == 0; });
    if (got == 0 || (got == kBlock && zero)) {
      std::array<std::byte, 4096> rest;
      while (stream_.read_some(rest) == rest.size()) {  // to the end, where a gzip checksum is compared
      }
      return std::nullopt;
    }
    const auto bytes = octal(field(block, 124, 12));
    if (got < kBlock || !bytes || octal(field(block, 148, 8)) != header_sum(block)) {
      fail(Code::kDataLoss, "[tar] '{}' has no valid entry header at byte {}; fetch it again", stream_.path().string(),
           at);
    }
    entry_ = {std::string(field(block, 0, 100)), *bytes};
    left_ = padded(*bytes);
    const char kind = block[156];
    if (kind != '0' && kind != '\0') continue;
    const std::string_view prefix = field(block, 345, 155);
    if (field(block, 257, 5) == "ustar" && block[262] == '\0' && !prefix.empty()) {
      entry_.name = std::string(prefix) + "/" + entry_.name;
    }
    return entry_;
  }
}

std::vector<uint8_t> TarStream::read() {
  SOONER_ASSERT(left_ == padded(entry_.bytes));
  std::vector<uint8_t> content = stream_.read_vector(entry_.bytes, entry_.name);
  left_ -= entry_.bytes;
  return content;
}

}  // namespace sooner
