// For tests of the data room, and of what stands on it: made-up files of every format it reads, and a check of what an
// error says. Users link zlib and turbojpeg, as sooner_data does.
#pragma once

#include <gtest/gtest.h>
#include <turbojpeg.h>
#include <zlib.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "support/error_of.h"
#include "support/temp_folder.h"

namespace sooner {

// A folder of its own, with files in it.
class TemporaryFolder : public TempFolder {
 public:
  // Writes a file, with the folders above it.
  [[maybe_unused]] std::filesystem::path write(const std::string& name, std::string_view content) const {
    const std::filesystem::path file = path() / name;
    std::filesystem::create_directories(file.parent_path());
    std::filesystem::remove(file);  // some file systems wait for the disk when a file is overwritten
    std::ofstream(file, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
    return file;
  }
};

inline std::string bytes_of(const std::vector<int>& values) {
  std::string bytes;
  for (const int value : values) bytes += static_cast<char>(value);
  return bytes;
}

// One gzip member, checksum and length at its end.
inline std::string gzip(std::string_view content) {
  std::string packed(compressBound(content.size()) + 64, '\0');
  z_stream zip{};
  deflateInit2(&zip, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  zip.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  zip.avail_in = static_cast<uInt>(content.size());
  zip.next_out = reinterpret_cast<Bytef*>(packed.data());
  zip.avail_out = static_cast<uInt>(packed.size());
  deflate(&zip, Z_FINISH);
  packed.resize(zip.total_out);
  deflateEnd(&zip);
  return packed;
}

inline std::string big_endian(uint32_t value) {
  return bytes_of({static_cast<int>(value >> 24U & 255U), static_cast<int>(value >> 16U & 255U),
                   static_cast<int>(value >> 8U & 255U), static_cast<int>(value & 255U)});
}

inline std::string idx_images(uint32_t count, uint32_t height, uint32_t width, std::string_view pixels) {
  return big_endian(0x803) + big_endian(count) + big_endian(height) + big_endian(width) + std::string(pixels);
}
inline std::string idx_labels(const std::vector<int>& labels) {
  return big_endian(0x801) + big_endian(static_cast<uint32_t>(labels.size())) + bytes_of(labels);
}

// One entry of a tar archive: header block, content, padding. `kind` '0' is a regular file, '5' a folder.
inline std::string tar_entry(const std::string& name, std::string_view content, char kind = '0') {
  std::string header(512, '\0');
  header.replace(0, name.size(), name);
  header.replace(100, 7, "0000644");
  std::array<char, 16> size{};
  snprintf(size.data(), size.size(), "%011zo", content.size());
  header.replace(124, 11, size.data());
  header[156] = kind;
  header.replace(257, 8,
                 std::string("ustar\0"
                             "00",
                             8));
  header.replace(148, 8, "        ");
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  std::array<char, 16> check{};
  snprintf(check.data(), check.size(), "%06o", sum);
  header.replace(148, 8, std::string(check.data()) + std::string("\0 ", 2));
  std::string entry = header + std::string(content);
  entry.resize((entry.size() + 511) / 512 * 512);
  return entry;
}

inline std::string tar_end() { return std::string(1024, '\0'); }

// A JPEG of one colour; `rgb` has one value for grey.
inline std::string jpeg_file(int width, int height, const std::vector<int>& rgb) {
  std::string pixels;
  for (int i = 0; i < width * height; ++i) pixels += bytes_of(rgb);
  tjhandle encoder = tjInitCompress();
  unsigned char* packed = nullptr;
  unsigned long size = 0;
  const bool grey = rgb.size() == 1;
  tjCompress2(encoder, reinterpret_cast<const unsigned char*>(pixels.data()), width, 0, height,
              grey ? TJPF_GRAY : TJPF_RGB, &packed, &size, grey ? TJSAMP_GRAY : TJSAMP_444, 95, 0);
  std::string file(reinterpret_cast<const char*>(packed), size);
  tjFree(packed);
  tjDestroy(encoder);
  return file;
}

// Runs `action`, which must throw an Error of this code whose message holds every one of `parts`.
inline void expect_error(Code code, const std::vector<std::string>& parts, const std::function<void()>& action) {
  const Error error = error_of(action);
  const std::string message = error.what();
  EXPECT_EQ(error.code(), code) << message;
  for (const std::string& part : parts) EXPECT_NE(message.find(part), std::string::npos) << part << "\nin: " << message;
}

// Hands `read` the file with each byte in turn changed, all of its bits or the lowest: it may succeed or throw an
// Error, nothing else.
inline void expect_only_errors(const std::string& whole, const std::function<void(const std::string&)>& read) {
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ (i % 2 == 0 ? 0xff : 0x01));
    try {
      read(damaged);
    } catch (const Error& error) {
      EXPECT_NE(error.code(), Code::kInternal) << "byte " << i << ": " << error.what();
    }
  }
}

}  // namespace sooner
