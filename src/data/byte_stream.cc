#include "data/byte_stream.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include "core/error.h"
#include "core/file.h"

namespace sooner {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 17U;
constexpr size_t kPieceBytes = size_t{1} << 22U;
constexpr Bytef kGzipMagic[] = {0x1f, 0x8b};

}  // namespace

struct ByteStream::Impl {
  std::filesystem::path path;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{nullptr, &std::fclose};
  std::vector<Bytef> buffer = std::vector<Bytef>(kBufferBytes);
  uint64_t file_bytes = 0;  // read from the file
  uint64_t offset = 0;      // handed out
  bool packed = false;
  bool member_open = false;  // inside a gzip member
  z_stream zip{};

  ~Impl() {
    if (packed) inflateEnd(&zip);
  }

  // Makes input available; false at the end of the file.
  bool refill() {
    if (zip.avail_in > 0) return true;
    const size_t got = std::fread(buffer.data(), 1, buffer.size(), file.get());
    if (got == 0 && std::ferror(file.get()) != 0) fail_io("data", "reading", path, errno);
    file_bytes += got;
    zip.next_in = buffer.data();
    zip.avail_in = static_cast<uInt>(got);
    return got > 0;
  }

  // Between members: another one, nothing, or zeros (padding to a block, as tapes leave it).
  bool next_member() {
    while (refill() && *zip.next_in == 0) {
      ++zip.next_in;
      --zip.avail_in;
    }
    if (zip.avail_in == 0) return false;
    if (*zip.next_in != kGzipMagic[0]) {
      fail(Code::kDataLoss, "[gzip] '{}' has foreign bytes after its end at byte {}; fetch it again", path.string(),
           file_bytes - zip.avail_in);
    }
    inflateReset(&zip);
    member_open = true;
    return true;
  }

  size_t unpack(std::span<std::byte> bytes) {
    zip.next_out = reinterpret_cast<Bytef*>(bytes.data());
    zip.avail_out = static_cast<uInt>(bytes.size());
    while (zip.avail_out > 0) {
      if (!member_open && !next_member()) break;
      if (!refill()) {
        fail(Code::kDataLoss,
             "[gzip] '{}' is cut short: the file ends at byte {} inside the compressed data; fetch it again",
             path.string(), file_bytes);
      }
      const int status = inflate(&zip, Z_NO_FLUSH);
      if (status == Z_STREAM_END) {
        member_open = false;
      } else if (status != Z_OK) {
        fail(Code::kDataLoss, "[gzip] '{}' is corrupt near byte {}: {}; fetch it again", path.string(),
             file_bytes - zip.avail_in, zip.msg != nullptr ? zip.msg : zError(status));
      }
    }
    return bytes.size() - zip.avail_out;
  }

  size_t copy(std::span<std::byte> bytes) {
    size_t have = 0;
    while (have < bytes.size() && refill()) {
      const size_t piece = std::min<size_t>(bytes.size() - have, zip.avail_in);
      std::copy_n(reinterpret_cast<const std::byte*>(zip.next_in), piece, bytes.data() + have);
      zip.next_in += piece;
      zip.avail_in -= static_cast<uInt>(piece);
      have += piece;
    }
    return have;
  }
};

ByteStream::ByteStream(const std::filesystem::path& path) : impl_(std::make_unique<Impl>()) {
  impl_->path = path;
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) fail_io("data", "opening", path, EISDIR);
  // Opening a pipe would wait for whoever writes into it.
  if (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored)) {
    fail(Code::kInvalidArgument, "[data] '{}' is no regular file but a pipe or a device; name a file", path.string());
  }
  impl_->file.reset(std::fopen(path.c_str(), "rbe"));
  if (!impl_->file) fail_io("data", "opening", path, errno);
  if (impl_->refill() && impl_->zip.avail_in >= 2 && std::equal(kGzipMagic, kGzipMagic + 2, impl_->zip.next_in)) {
    // 15 + 16: the largest window, gzip framing with its checksum.
    if (inflateInit2(&impl_->zip, 15 + 16) != Z_OK) fail(Code::kResourceExhausted, "[gzip] no memory to unpack");
    impl_->packed = true;
  }
}

ByteStream::~ByteStream() = default;

size_t ByteStream::read_some(std::span<std::byte> bytes) {
  size_t have = 0;
  while (have < bytes.size()) {
    const auto piece = bytes.subspan(have, std::min(bytes.size() - have, kPieceBytes));
    const size_t got = impl_->packed ? impl_->unpack(piece) : impl_->copy(piece);
    have += got;
    impl_->offset += got;
    if (got < piece.size()) break;
  }
  return have;
}

void ByteStream::read(std::span<std::byte> bytes, std::string_view what) {
  const size_t got = read_some(bytes);
  if (got == bytes.size()) return;
  fail(Code::kDataLoss, "[data] '{}' ends at byte {} inside {}, expected {} more bytes; fetch it again",
       path().string(), offset(), what, bytes.size() - got);
}

std::vector<uint8_t> ByteStream::read_vector(uint64_t count, std::string_view what) {
  std::vector<uint8_t> bytes;
  while (bytes.size() < count) {
    const size_t have = bytes.size();
    // Doubling: at most twice what the file really holds is ever asked for.
    const size_t piece = std::min<uint64_t>(count - have, std::max(kPieceBytes, have));
    bytes.resize(have + piece);
    const size_t got = read_some(std::as_writable_bytes(std::span(bytes).subspan(have)));
    if (got < piece) {
      fail(Code::kDataLoss, "[data] '{}' ends at byte {} inside {}, expected {} more bytes; fetch it again",
           path().string(), offset(), what, count - have - got);
    }
  }
  return bytes;
}

void ByteStream::skip(uint64_t count, std::string_view what) {
  std::array<std::byte, 4096> waste;
  while (count > 0) {
    const size_t piece = std::min<uint64_t>(count, waste.size());
    read(std::span(waste).first(piece), what);
    count -= piece;
  }
}

void ByteStream::expect_end(std::string_view what) {
  std::byte extra{};
  if (read_some({&extra, 1}) == 0) return;
  fail(Code::kDataLoss, "[data] '{}' goes on after byte {}, expected its end there, after {}; fetch it again",
       path().string(), offset() - 1, what);
}

uint64_t ByteStream::offset() const { return impl_->offset; }
const std::filesystem::path& ByteStream::path() const { return impl_->path; }

}  // namespace sooner
