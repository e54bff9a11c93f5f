// A table of named options bound to variables: read from TOML and "section.key=value" words, written back with
// comments.
//
// Knows types, ranges and choices, not what an option is for. What it writes reads back to the same values.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/shape.h"

namespace sooner {

// A rule's name, or explicit numbers.
struct RuleOrList {
  std::string rule;  // empty when `values` is given
  std::vector<double> values;
  bool operator==(const RuleOrList&) const = default;
};

struct Option {
  std::string section;  // empty: top level
  std::string key;
  std::string comment;  // unit, why this default, the value that turns it off; one line
  std::variant<bool*, int32_t*, int64_t*, uint64_t*, double*, std::string*, Shape*, RuleOrList*> target;
  double low = -std::numeric_limits<double>::infinity();  // numbers, list elements and extents: least value
  double high = std::numeric_limits<double>::infinity();  // and greatest
  std::vector<std::string> choices = {};                  // strings and rules: all values; empty: any

  [[nodiscard]] std::string path() const { return section.empty() ? key : section + "." + key; }
};

// Sets what `text` names. Throws kInvalidArgument "[config] file:line: …" for syntax errors, unknown sections and keys
// (nearest valid name given), wrong types, impossible values.
void read_options(std::string_view text, const std::string& file, const std::vector<Option>& options);

// The same of a text that says more: sections and keys that no option names are let be.
void read_known_options(std::string_view text, const std::string& file, const std::vector<Option>& options);

// Sets one option from "section.key=value"; the value is TOML, except that strings need no quotes. Throws as above,
// with the word itself in place of file and line.
void set_option(std::string_view word, const std::vector<Option>& options);

// The options as TOML, sections in the order of the table, each with its comment.
std::string write_options(const std::vector<Option>& options, bool comments = true);

}  // namespace sooner
