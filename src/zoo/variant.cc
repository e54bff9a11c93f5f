#include "zoo/variant.h"

#include <algorithm>

#include "core/error.h"
#include "core/text.h"

namespace sooner {

Variant::Variant(std::string_view name) : name_(name), words_(split(name, ':')) {
  family_ = words_.front();
  words_.erase(words_.begin());
}

bool Variant::take(std::string_view word) {
  const auto found = std::ranges::find(words_, word);
  if (found == words_.end()) return false;
  words_.erase(found);
  return true;
}

std::optional<double> Variant::take_number(char letter, double low, double high) {
  const auto found = std::ranges::find_if(words_, [&](const std::string& word) {
    return word.size() > 1 && word[0] == letter && (word[1] == '.' || (word[1] >= '0' && word[1] <= '9'));
  });
  if (found == words_.end()) return std::nullopt;
  const double value = parse_number("zoo", std::string_view(*found).substr(1));
  if (!(value >= low && value <= high)) {
    fail(Code::kInvalidArgument, "[zoo] '{}': {} is out of range, expected {} to {}", name_, *found, low, high);
  }
  words_.erase(found);
  return value;
}

void Variant::expect_no_more(std::string_view known) const {
  if (words_.empty()) return;
  fail(Code::kInvalidArgument, "[zoo] '{}': got '{}', expected {}", name_, words_.front(), known);
}

}  // namespace sooner
