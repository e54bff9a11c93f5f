#include "format/json_reader.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <set>

#include "core/error.h"

namespace sooner {
namespace {

using nlohmann::json;

constexpr size_t kMaxDepth = 32;
constexpr size_t kMaxValues = size_t{1} << 20U;

// Walks the text and counts, so that a callback knows where the parser stands.
struct CountingIterator {
  // NOLINTBEGIN(readability-identifier-naming): the standard's names
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;
  // NOLINTEND(readability-identifier-naming)

  const char* at = nullptr;
  size_t* count = nullptr;

  reference operator*() const { return *at; }
  CountingIterator& operator++() {
    ++at;
    ++*count;
    return *this;
  }
  CountingIterator operator++(int) {
    const CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at == other.at; }
  bool operator!=(const CountingIterator& other) const { return at != other.at; }
};

// Enforces the limits while nlohmann's parser builds the document.
class Limits {
 public:
  Limits(std::string_view place, size_t first_byte, const size_t& position, std::map<std::string, size_t>& key_ends)
      : place_(place), first_byte_(first_byte), position_(position), key_ends_(key_ends) {}

  void see(json::parse_event_t event, const json& value) {
    using Event = json::parse_event_t;
    if (event == Event::object_start || event == Event::array_start) {
      if (keys_.size() == kMaxDepth) refuse(fmt::format("JSON nested over {} levels deep", kMaxDepth));
      keys_.emplace_back();
    } else if (event == Event::object_end || event == Event::array_end) {
      if (!keys_.empty()) keys_.pop_back();
    } else if (event == Event::key) {
      const auto& key = value.get_ref<const std::string&>();
      if (!keys_.back().insert(key).second) refuse(fmt::format("the key '{}' for the second time", printable(key)));
      if (keys_.size() == 1) key_ends_[key] = position_;
    }
    if (++values_ > kMaxValues) refuse(fmt::format("more than {} JSON values", kMaxValues));
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    fail(Code::kDataLoss, "[{}] byte {}: got {}; the file is not valid", place_, first_byte_ + position_ - 1, what);
  }

  std::string_view place_;
  size_t first_byte_;
  const size_t& position_;
  std::map<std::string, size_t>& key_ends_;
  std::vector<std::set<std::string>> keys_;  // of every open object (empty for arrays)
  size_t values_ = 0;
};

}  // namespace

std::string printable(std::string_view text) {
  constexpr size_t kLongest = 80;
  std::string result;
  for (const char c : text.substr(0, kLongest)) result += c >= 0x20 && c <= 0x7e ? c : '?';
  if (text.size() > kLongest) result += "...";
  return result;
}

bool is_utf8(std::string_view text) {
  try {
    static_cast<void>(json(text).dump());
    return true;
  } catch (const json::type_error&) {
    return false;
  }
}

bool is_plain_name(std::string_view name) {
  constexpr size_t kLongest = 512;
  return !name.empty() && name.size() <= kLongest && is_utf8(name) &&
         std::none_of(name.begin(), name.end(), [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
}

JsonDocument parse_json(std::string_view text, std::string_view place, size_t first_byte) {
  if (text.size() > kMaxJsonBytes) {
    fail(Code::kDataLoss, "[{}] byte {}: got {} bytes of JSON, expected at most {}", place, first_byte, text.size(),
         kMaxJsonBytes);
  }
  JsonDocument document;
  size_t position = 0;
  Limits limits(place, first_byte, position, document.key_ends);
  const auto see = [&limits](int, json::parse_event_t event, const json& value) {
    limits.see(event, value);
    return true;
  };
  const char* const begin = text.data();
  try {
    document.root =
        json::parse(CountingIterator{begin, &position}, CountingIterator{begin + text.size(), &position}, see);
  } catch (const json::exception&) {
    // Its message quotes raw bytes of the file; ours does not.
    fail(Code::kDataLoss, "[{}] byte {}: not valid JSON (syntax, UTF-8 or a number out of range)", place,
         first_byte + (position > 0 ? position - 1 : 0));
  }
  return document;
}

void JsonValue::refuse(std::string_view message) const {
  fail(Code::kDataLoss, "{}: {}", path_.empty() ? "top level" : path_, message);
}

void JsonValue::require_keys(std::span<const std::string_view> keys) const {
  if (!value_->is_object()) refuse("expected an object");
  for (const auto& [key, unused] : value_->items()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      refuse(fmt::format("unknown key '{}', expected only {}", printable(key), fmt::join(keys, ", ")));
    }
  }
  for (const std::string_view key : keys) {
    if (!value_->contains(key)) refuse(fmt::format("'{}' is missing", key));
  }
}

void JsonValue::require_size(size_t count) const {
  if (!value_->is_object()) refuse("expected an object");
  if (value_->size() != count) refuse(fmt::format("got {} members, expected {}", value_->size(), count));
}

JsonValue JsonValue::operator[](std::string_view key) const {
  if (!value_->is_object()) refuse("expected an object");
  const auto found = value_->find(key);
  if (found == value_->end()) refuse(fmt::format("'{}' is missing", key));
  return {*found, path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key)};
}

std::vector<JsonValue> JsonValue::items(size_t max) const {
  if (!value_->is_array()) refuse("expected an array");
  if (value_->size() > max) refuse(fmt::format("got {} elements, expected at most {}", value_->size(), max));
  std::vector<JsonValue> result;
  result.reserve(value_->size());
  for (size_t i = 0; i < value_->size(); ++i) result.emplace_back((*value_)[i], fmt::format("{}[{}]", path_, i));
  return result;
}

bool JsonValue::boolean() const {
  if (!value_->is_boolean()) refuse("expected true or false");
  return value_->get<bool>();
}

std::string JsonValue::text() const {
  if (!value_->is_string()) refuse("expected a string");
  return value_->get<std::string>();
}

int64_t JsonValue::integer(int64_t low, int64_t high) const {
  const bool whole = value_->is_number_integer();  // true for nlohmann's unsigned numbers too
  const bool fits = whole && (!value_->is_number_unsigned() ||
                              value_->get<uint64_t>() <= uint64_t{std::numeric_limits<int64_t>::max()});
  if (!fits || value_->get<int64_t>() < low || value_->get<int64_t>() > high) {
    refuse(fmt::format("got {}, expected a whole number from {} to {}", printable(value_->dump()), low, high));
  }
  return value_->get<int64_t>();
}

uint64_t JsonValue::unsigned_integer() const {
  if (!value_->is_number_unsigned()) {
    refuse(fmt::format("got {}, expected a whole number from 0 to 2^64 - 1", printable(value_->dump())));
  }
  return value_->get<uint64_t>();
}

double JsonValue::number(double low, double high) const {
  double result = std::numeric_limits<double>::quiet_NaN();
  if (value_->is_number()) {
    result = value_->get<double>();
  } else if (*value_ == "inf") {
    result = std::numeric_limits<double>::infinity();
  } else if (*value_ == "-inf") {
    result = -std::numeric_limits<double>::infinity();
  }
  if (!(result >= low && result <= high)) {
    refuse(fmt::format("got {}, expected a number from {} to {}", printable(value_->dump()), low, high));
  }
  return result;
}

std::vector<int64_t> JsonValue::integers(size_t max, int64_t low, int64_t high) const {
  std::vector<int64_t> result;
  for (const JsonValue& item : items(max)) result.push_back(item.integer(low, high));
  return result;
}

std::vector<double> JsonValue::numbers(size_t max, double low, double high) const {
  std::vector<double> result;
  for (const JsonValue& item : items(max)) result.push_back(item.number(low, high));
  return result;
}

}  // namespace sooner
