// Strict reading of JSON that came with an untrusted file: bounded size, depth and number of values, no key twice,
// every value asked for by type and range. All errors are kDataLoss; none of nlohmann's exceptions get out.
//
// Knows nothing of models. Writing JSON needs none of this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/shape.h"

namespace sooner {

// `text` fit for a one-line message: control characters and bytes over 126 replaced, cut after 80.
std::string printable(std::string_view text);

bool is_utf8(std::string_view text);

// True when `name` is UTF-8 of 1 to 512 bytes without control characters.
bool is_plain_name(std::string_view name);

struct JsonDocument {
  nlohmann::json root;
  // Top-level keys: byte offset within the text, just after the key's closing quote.
  std::map<std::string, size_t> key_ends;
};

// Throws kDataLoss "[place] byte …", bytes counted from `first_byte`: not JSON, not UTF-8, a number no double holds, a
// key twice in one object, over 32 levels or 2^20 values. At most 16 MiB may be given.
JsonDocument parse_json(std::string_view text, std::string_view place, size_t first_byte);
inline constexpr size_t kMaxJsonBytes = size_t{1} << 24U;

// One value of a document and the way to it ("graph.nodes[3].name"), for messages. Borrows the document.
// Every member throws kDataLoss "graph.nodes[3].name: got …, expected …" when the value is not as asked for.
class JsonValue {
 public:
  JsonValue(const nlohmann::json& value, std::string path) : value_(&value), path_(std::move(path)) {}

  // An object of exactly these keys.
  void require_keys(std::span<const std::string_view> keys) const;
  void require_keys(std::initializer_list<std::string_view> keys) const {
    require_keys(std::span(keys.begin(), keys.size()));
  }
  // An object of `count` members: to be asked after all known ones were read, so that none is unknown.
  void require_size(size_t count) const;
  // Whether it is an object with that member.
  [[nodiscard]] bool has(std::string_view key) const { return value_->is_object() && value_->contains(key); }
  // Member of an object.
  [[nodiscard]] JsonValue operator[](std::string_view key) const;
  // Elements of an array of at most `max` of them.
  [[nodiscard]] std::vector<JsonValue> items(size_t max) const;
  [[nodiscard]] bool is_null() const { return value_->is_null(); }
  [[nodiscard]] bool boolean() const;
  [[nodiscard]] std::string text() const;
  // A whole number within [low, high]; a number with a fraction or exponent is refused.
  [[nodiscard]] int64_t integer(int64_t low, int64_t high) const;
  [[nodiscard]] uint64_t unsigned_integer() const;
  // Within [low, high]; the strings "inf" and "-inf" stand for infinities.
  [[nodiscard]] double number(double low, double high) const;
  [[nodiscard]] std::vector<int64_t> integers(size_t max, int64_t low, int64_t high) const;
  [[nodiscard]] std::vector<double> numbers(size_t max, double low, double high) const;

  // Throws kDataLoss "path: message".
  [[noreturn]] void refuse(std::string_view message) const;

 private:
  const nlohmann::json* value_;
  std::string path_;
};

}  // namespace sooner
