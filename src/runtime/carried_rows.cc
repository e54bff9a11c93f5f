#include "runtime/carried_rows.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string_view>

#include "core/error.h"
#include "core/hash.h"

namespace sooner {
namespace {

constexpr std::string_view kMagic = "SOONERCR";
constexpr size_t kHashField = 16, kPrecisionField = 16, kNameField = 32;
constexpr size_t kHeaderBytes = 128, kTensorBytes = 16, kSumBytes = 8;

size_t padding_of(size_t bytes) { return (8 - bytes % 8) % 8; }

void append(std::vector<std::byte>& bytes, const void* data, size_t count) {
  const auto* from = static_cast<const std::byte*>(data);
  bytes.insert(bytes.end(), from, from + count);
}

template <typename Number>
void append_number(std::vector<std::byte>& bytes, Number value) {
  append(bytes, &value, sizeof(value));
}

void append_text(std::vector<std::byte>& bytes, std::string_view text, size_t field) {
  if (text.size() > field) {
    fail(Code::kInvalidArgument, "[carried rows] '{}' is longer than its {} bytes", text, field);
  }
  append(bytes, text.data(), text.size());
  bytes.resize(bytes.size() + field - text.size());
}

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  [[noreturn]] void refuse(size_t byte, std::string_view what) const {
    fail(Code::kDataLoss, "[carried rows] byte {}: {}", byte, what);
  }
  // `count` things of `each` bytes, as far as there are so many.
  std::span<const std::byte> take(uint64_t count, uint64_t each) {
    const size_t left = bytes_.size() - at_;
    if (each != 0 && count > left / each)
      refuse(at_, fmt::format("{} times {} bytes wanted, {} are there", count, each, left));
    const auto taken = bytes_.subspan(at_, static_cast<size_t>(count * each));
    at_ += taken.size();
    return taken;
  }
  template <typename Number>
  Number number() {
    Number value{};
    std::memcpy(&value, take(1, sizeof(value)).data(), sizeof(value));
    return value;
  }
  std::string text(size_t field) {
    const auto taken = take(1, field);
    const std::string_view all(reinterpret_cast<const char*>(taken.data()), taken.size());
    return std::string(all.substr(0, all.find('\0')));
  }
  void skip_padding() { static_cast<void>(take(1, padding_of(at_))); }
  [[nodiscard]] size_t at() const { return at_; }

 private:
  std::span<const std::byte> bytes_;
  size_t at_ = 0;
};

}  // namespace

void append_carried(const CarriedRows& rows, std::vector<std::byte>& bytes) {
  std::vector<std::byte> own;
  append(own, kMagic.data(), kMagic.size());
  append_number(own, kCarriedVersion);
  append_number(own, rows.stage);
  append_number(own, static_cast<uint32_t>(rows.samples.size()));
  append_number(own, static_cast<uint32_t>(rows.tensors.size()));
  append_number(own, rows.state_bytes);
  append_text(own, rows.model_hash, kHashField);
  append_text(own, rows.precision, kPrecisionField);
  append_text(own, rows.backend, kNameField);
  append_text(own, rows.policy, kNameField);
  SOONER_ASSERT(own.size() == kHeaderBytes);
  for (const CarriedTensor& tensor : rows.tensors) {
    append_number(own, tensor.node);
    append_number(own, uint32_t{0});
    append_number(own, tensor.row_bytes);
  }
  append(own, rows.samples.data(), rows.samples.size() * sizeof(int32_t));
  own.resize(own.size() + padding_of(own.size()));
  append(own, rows.states.data(), rows.states.size());
  for (const CarriedTensor& tensor : rows.tensors) {
    append(own, tensor.rows.data(), tensor.rows.size());
    own.resize(own.size() + padding_of(own.size()));
  }
  append_number(own, hash_bytes(std::span<const std::byte>(own)));
  bytes.insert(bytes.end(), own.begin(), own.end());
}

CarriedRows parse_carried(std::span<const std::byte> bytes) {
  Reader reader(bytes);
  if (bytes.size() < kHeaderBytes + kSumBytes || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) {
    reader.refuse(0, fmt::format("got {} bytes that do not begin like carried rows ('{}')", bytes.size(), kMagic));
  }
  uint64_t sum = 0;
  std::memcpy(&sum, bytes.data() + bytes.size() - kSumBytes, kSumBytes);
  CarriedRows rows;
  static_cast<void>(reader.take(1, kMagic.size()));
  const auto version = reader.number<uint32_t>();
  if (version != kCarriedVersion) reader.refuse(8, fmt::format("version {}, expected {}", version, kCarriedVersion));
  if (sum != hash_bytes(bytes.first(bytes.size() - kSumBytes))) {
    reader.refuse(bytes.size() - kSumBytes, "the check sum does not fit; the bytes were damaged or cut short");
  }
  rows.stage = reader.number<uint32_t>();
  const auto count = reader.number<uint32_t>(), tensors = reader.number<uint32_t>();
  if (count > static_cast<uint32_t>(std::numeric_limits<int32_t>::max())) {
    reader.refuse(16, fmt::format("{} rows, expected under 2^31", count));
  }
  rows.state_bytes = reader.number<uint64_t>();
  rows.model_hash = reader.text(kHashField);
  rows.precision = reader.text(kPrecisionField);
  rows.backend = reader.text(kNameField);
  rows.policy = reader.text(kNameField);
  Reader list = reader;
  static_cast<void>(reader.take(tensors, kTensorBytes));
  for (uint32_t t = 0; t < tensors; ++t) {
    CarriedTensor tensor;
    tensor.node = list.number<uint32_t>();
    static_cast<void>(list.number<uint32_t>());
    tensor.row_bytes = list.number<uint64_t>();
    rows.tensors.push_back(tensor);
  }
  const auto samples = reader.take(count, sizeof(int32_t));
  rows.samples.resize(count);
  if (count > 0) std::memcpy(rows.samples.data(), samples.data(), samples.size());
  reader.skip_padding();
  rows.states = reader.take(count, rows.state_bytes);
  for (CarriedTensor& tensor : rows.tensors) {
    tensor.rows = reader.take(count, tensor.row_bytes);
    reader.skip_padding();
  }
  if (reader.at() + kSumBytes != bytes.size()) {
    reader.refuse(reader.at(), fmt::format("{} bytes too many", bytes.size() - reader.at() - kSumBytes));
  }
  return rows;
}

}  // namespace sooner
