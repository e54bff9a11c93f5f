#include "runtime/carried_rows.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <string_view>

#include "core/error.h"
#include "core/hash.h"

namespace sooner {
namespace {

constexpr std::string_view kMagic = "SOONERCR";
constexpr size_t kHashField = 16, kPrecisionField = 16, kNameField = 32;
constexpr size_t kHeaderBytes = 96, kPolicyBytes = 48, kTensorBytes = 16, kRowBytes = 40, kAnswerBytes = 24;
constexpr size_t kSumBytes = 8;

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
  const auto pad = [&] { own.resize(own.size() + padding_of(own.size())); };
  append(own, kMagic.data(), kMagic.size());
  append_number(own, kCarriedVersion);
  append_number(own, rows.stage);
  append_number(own, static_cast<uint32_t>(rows.rows.size()));
  append_number(own, static_cast<uint32_t>(rows.tensors.size()));
  append_number(own, static_cast<uint32_t>(rows.policies.size()));
  append_number(own, rows.classes);
  append_text(own, rows.model_hash, kHashField);
  append_text(own, rows.precision, kPrecisionField);
  append_text(own, rows.backend, kNameField);
  SOONER_ASSERT(own.size() == kHeaderBytes);
  for (const CarriedPolicy& policy : rows.policies) {
    append_number(own, policy.fingerprint);
    append_number(own, policy.state_bytes);
    append_text(own, policy.name, kNameField);
  }
  for (const CarriedTensor& tensor : rows.tensors) {
    append_number(own, tensor.node);
    append_number(own, uint32_t{0});
    append_number(own, tensor.row_bytes);
  }
  for (const CarriedRow& row : rows.rows) {
    append_number(own, row.id);
    append_number(own, row.policy);
    append_number(own, uint32_t{0});
    append_number(own, row.macs);
    append_number(own, row.spent_seconds);
    append_number(own, row.left_seconds);
  }
  for (const auto& state : rows.states) append(own, state.data(), state.size());
  for (const Result& answer : rows.answers) {
    append_number(own, answer.label);
    append_number(own, answer.exit_index);
    append_number(own, static_cast<uint32_t>(answer.left));
    append_number(own, answer.score);
    append_number(own, answer.probability);
    append_number(own, answer.number);
  }
  for (const auto& logits : rows.logits) append(own, logits.data(), logits.size());
  pad();
  for (const CarriedTensor& tensor : rows.tensors) {
    append(own, tensor.rows.data(), tensor.rows.size());
    pad();
  }
  append_number(own, hash_bytes(std::span<const std::byte>(own)));
  bytes.insert(bytes.end(), own.begin(), own.end());
}

namespace {

// `count` things of `each` bytes; gives a reader of those alone.
Reader part(Reader& reader, uint64_t count, uint64_t each) {
  Reader own = reader;
  static_cast<void>(reader.take(count, each));
  return own;
}

CarriedRow read_row(Reader& reader, size_t policies) {
  const size_t at = reader.at();
  CarriedRow row;
  row.id = reader.number<uint64_t>();
  row.policy = reader.number<uint32_t>();
  static_cast<void>(reader.number<uint32_t>());
  row.macs = reader.number<int64_t>();
  row.spent_seconds = reader.number<double>();
  row.left_seconds = reader.number<double>();
  if (row.policy >= policies) reader.refuse(at + 8, fmt::format("policy {} of {}", row.policy, policies));
  if (row.macs < 0) reader.refuse(at + 16, fmt::format("{} MACs, expected 0 or more", row.macs));
  if (!std::isfinite(row.spent_seconds)) reader.refuse(at + 24, "a time that is no number");
  if (std::isnan(row.left_seconds)) reader.refuse(at + 32, "a deadline that is no number");
  return row;
}

Result read_answer(Reader& reader, uint32_t stage) {
  const size_t at = reader.at();
  Result answer;
  answer.label = reader.number<int32_t>();
  answer.exit_index = reader.number<int32_t>();
  const auto left = reader.number<uint32_t>();
  answer.score = reader.number<float>();
  answer.probability = reader.number<float>();
  answer.number = reader.number<float>();
  if (answer.exit_index < -1 || answer.exit_index > static_cast<int64_t>(stage)) {
    reader.refuse(at + 4, fmt::format("an answer of exit {}, expected -1 to {}", answer.exit_index, stage));
  }
  if (left > static_cast<uint32_t>(Left::kAbstains)) reader.refuse(at + 8, fmt::format("left by reason {}", left));
  answer.left = static_cast<Left>(left);
  return answer;
}

}  // namespace

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
  if (version != kCarriedVersion) {
    reader.refuse(8, fmt::format("version {}, expected {}; both sides must run the same version of sooner", version,
                                 kCarriedVersion));
  }
  if (sum != hash_bytes(bytes.first(bytes.size() - kSumBytes))) {
    reader.refuse(bytes.size() - kSumBytes, "the check sum does not fit; the bytes were damaged or cut short");
  }
  rows.stage = reader.number<uint32_t>();
  const auto count = reader.number<uint32_t>(), tensors = reader.number<uint32_t>();
  const auto policies = reader.number<uint32_t>();
  rows.classes = reader.number<uint32_t>();
  if (count > static_cast<uint32_t>(std::numeric_limits<int32_t>::max())) {
    reader.refuse(16, fmt::format("{} rows, expected under 2^31", count));
  }
  rows.model_hash = reader.text(kHashField);
  rows.precision = reader.text(kPrecisionField);
  rows.backend = reader.text(kNameField);
  for (Reader list = part(reader, policies, kPolicyBytes); rows.policies.size() < policies;) {
    const auto fingerprint = list.number<uint64_t>(), state_bytes = list.number<uint64_t>();
    if (state_bytes % 8 != 0)
      list.refuse(list.at() - 8, fmt::format("{} bytes of state, no multiple of 8", state_bytes));
    rows.policies.push_back({fingerprint, state_bytes, list.text(kNameField)});
  }
  for (Reader list = part(reader, tensors, kTensorBytes); rows.tensors.size() < tensors;) {
    CarriedTensor tensor;
    tensor.node = list.number<uint32_t>();
    static_cast<void>(list.number<uint32_t>());
    tensor.row_bytes = list.number<uint64_t>();
    rows.tensors.push_back(tensor);
  }
  for (Reader list = part(reader, count, kRowBytes); rows.rows.size() < count;) {
    rows.rows.push_back(read_row(list, policies));
  }
  for (const CarriedRow& row : rows.rows) rows.states.push_back(reader.take(1, rows.policies[row.policy].state_bytes));
  if (rows.classes > 0) {
    for (Reader list = part(reader, count, kAnswerBytes); rows.answers.size() < count;) {
      rows.answers.push_back(read_answer(list, rows.stage));
    }
    for (uint32_t row = 0; row < count; ++row) rows.logits.push_back(reader.take(rows.classes, sizeof(float)));
  }
  reader.skip_padding();
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
