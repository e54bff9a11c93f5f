#include "report/png.h"

#include <zlib.h>

#include <array>
#include <string_view>

#include "core/error.h"

namespace sooner {
namespace {

using Bytes = std::vector<std::byte>;

void append_u32(Bytes& dst, uint32_t value) {
  for (const unsigned shift : {24U, 16U, 8U, 0U}) dst.push_back(static_cast<std::byte>(value >> shift & 0xffU));
}

// Length, type, data, checksum of type and data.
void append_chunk(Bytes& dst, std::string_view type, std::span<const std::byte> data) {
  append_u32(dst, static_cast<uint32_t>(data.size()));
  const size_t begin = dst.size();
  for (const char c : type) dst.push_back(static_cast<std::byte>(c));
  dst.insert(dst.end(), data.begin(), data.end());
  const auto* from = reinterpret_cast<const Bytef*>(dst.data() + begin);
  append_u32(dst, static_cast<uint32_t>(crc32(0, from, static_cast<uInt>(dst.size() - begin))));
}

Bytes deflate_all(const Bytes& raw) {
  uLongf size = compressBound(static_cast<uLong>(raw.size()));
  Bytes packed(size);
  const int status = compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
                               reinterpret_cast<const Bytef*>(raw.data()), static_cast<uLong>(raw.size()), 9);
  SOONER_ASSERT(status == Z_OK);
  packed.resize(size);
  return packed;
}

}  // namespace

std::vector<std::byte> encode_png(std::span<const uint8_t> pixels, const Shape& shape) {
  constexpr int64_t kMaxSide = 4096;
  if (shape.size() != 3 || (shape[0] != 1 && shape[0] != 3) || shape[1] < 1 || shape[1] > kMaxSide || shape[2] < 1 ||
      shape[2] > kMaxSide || pixels.size() != static_cast<size_t>(element_count(shape))) {
    fail(Code::kInvalidArgument, "[encode_png] got {} bytes of shape {}, expected 1 or 3 x rows x columns up to {}",
         pixels.size(), to_string(shape), kMaxSide);
  }
  const auto channels = static_cast<size_t>(shape[0]);
  const auto rows = static_cast<size_t>(shape[1]);
  const auto columns = static_cast<size_t>(shape[2]);
  Bytes raw;  // every row: filter 0, then its pixels, channels fastest
  raw.reserve(rows * (1 + columns * channels));
  for (size_t y = 0; y < rows; ++y) {
    raw.push_back(std::byte{0});
    for (size_t x = 0; x < columns; ++x) {
      for (size_t c = 0; c < channels; ++c) {
        raw.push_back(static_cast<std::byte>(pixels[(c * rows + y) * columns + x]));
      }
    }
  }
  Bytes png;
  for (const unsigned value : {0x89U, 0x50U, 0x4eU, 0x47U, 0x0dU, 0x0aU, 0x1aU, 0x0aU}) {
    png.push_back(static_cast<std::byte>(value));
  }
  Bytes header;
  append_u32(header, static_cast<uint32_t>(columns));
  append_u32(header, static_cast<uint32_t>(rows));
  // 8 bits a channel; grey or RGB; deflate, adaptive filters, not interlaced.
  for (const unsigned value : {8U, channels == 1 ? 0U : 2U, 0U, 0U, 0U}) {
    header.push_back(static_cast<std::byte>(value));
  }
  append_chunk(png, "IHDR", header);
  append_chunk(png, "IDAT", deflate_all(raw));
  append_chunk(png, "IEND", {});
  return png;
}

}  // namespace sooner
