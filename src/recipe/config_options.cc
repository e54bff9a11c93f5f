#include "recipe/config_options.h"

#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/text.h"

namespace sooner {
namespace {

template <typename... Args>
[[noreturn]] void bad(std::string_view place, fmt::format_string<Args...> format, Args&&... args) {
  fail(Code::kInvalidArgument, "[config] {}: {}", place, fmt::format(format, std::forward<Args>(args)...));
}

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "text";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

std::string range_text(const Option& option) {
  if (std::isinf(option.high)) return fmt::format("{} or more", option.low);
  if (std::isinf(option.low)) return fmt::format("{} or less", option.high);
  return fmt::format("{} to {}", option.low, option.high);
}

double number(const toml::node& node, const Option& option, std::string_view place) {
  const auto value = node.value<double>();
  if ((!node.is_integer() && !node.is_floating_point()) || !value) {
    bad(place, "{} is {}, expected a number", option.path(), type_name(node));
  }
  if (!std::isfinite(*value) || *value < option.low || *value > option.high) {
    bad(place, "{} = {} is out of range, expected {}", option.path(), *value, range_text(option));
  }
  return *value;
}

int64_t whole_number(const toml::node& node, const Option& option, std::string_view place) {
  const auto* value = node.as_integer();
  if (value == nullptr) bad(place, "{} is {}, expected a whole number", option.path(), type_name(node));
  number(node, option, place);
  return value->get();
}

std::string one_of(const toml::node& node, const Option& option, std::string_view place) {
  const auto* value = node.as_string();
  if (value == nullptr) bad(place, "{} is {}, expected text in quotes", option.path(), type_name(node));
  const std::string& text = value->get();
  if (!option.choices.empty() &&
      std::find(option.choices.begin(), option.choices.end(), text) == option.choices.end()) {
    bad(place, "{} = \"{}\" is unknown; {}", option.path(), text, suggest(text, option.choices));
  }
  return text;
}

const toml::array& list(const toml::node& node, const Option& option, std::string_view place) {
  const auto* array = node.as_array();
  if (array == nullptr) bad(place, "{} is {}, expected a list such as [1, 2]", option.path(), type_name(node));
  return *array;
}

struct Assign {
  const toml::node& node;
  const Option& option;
  std::string_view place;

  void operator()(bool* target) const {
    const auto* value = node.as_boolean();
    if (value == nullptr) bad(place, "{} is {}, expected true or false", option.path(), type_name(node));
    *target = value->get();
  }
  void operator()(int32_t* target) const { *target = static_cast<int32_t>(whole_number(node, option, place)); }
  void operator()(int64_t* target) const { *target = whole_number(node, option, place); }
  void operator()(uint64_t* target) const { *target = static_cast<uint64_t>(whole_number(node, option, place)); }
  void operator()(double* target) const { *target = number(node, option, place); }
  void operator()(std::string* target) const { *target = one_of(node, option, place); }
  void operator()(Shape* target) const {
    target->clear();
    for (const toml::node& extent : list(node, option, place)) target->push_back(whole_number(extent, option, place));
  }
  void operator()(RuleOrList* target) const {
    *target = {};
    if (node.is_string()) {
      target->rule = one_of(node, option, place);
      return;
    }
    if (!node.is_array()) {
      bad(place, "{} is {}, expected {} or a list of numbers", option.path(), type_name(node),
          fmt::join(option.choices, ", "));
    }
    for (const toml::node& value : list(node, option, place)) target->values.push_back(number(value, option, place));
  }
};

void assign(const toml::node& node, const Option& option, std::string_view place) {
  std::visit(Assign{node, option, place}, option.target);
}

[[noreturn]] void unknown(std::string_view place, const std::string& path, const std::vector<Option>& options) {
  std::vector<std::string> known;
  const size_t dot = path.find('.');
  for (const Option& option : options) {
    // Within a known section only its keys are worth naming.
    if (dot != std::string::npos && option.section == path.substr(0, dot)) known.push_back(option.path());
  }
  if (known.empty()) {
    for (const Option& option : options) known.push_back(option.path());
  }
  bad(place, "{} is unknown; {}", path, suggest(path, known, known.size()));
}

void read_table(const toml::table& table, const std::string& section, const std::string& file,
                const std::vector<Option>& options) {
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    const std::string place = fmt::format("{}:{}", file, key.source().begin.line);
    const std::string path = section.empty() ? name : fmt::format("{}.{}", section, name);
    const auto option =
        std::find_if(options.begin(), options.end(), [&](const Option& each) { return each.path() == path; });
    if (option != options.end()) {
      assign(node, *option, place);
      continue;
    }
    const bool is_section = std::any_of(options.begin(), options.end(),
                                        [&](const Option& each) { return section.empty() && each.section == name; });
    if (is_section && node.is_table()) {
      read_table(*node.as_table(), name, file, options);
    } else if (is_section) {
      bad(place, "{} is {}, expected a section [{}]", path, type_name(node), name);
    } else if (section.empty() && node.is_table()) {
      std::vector<std::string> known;
      for (const Option& each : options) {
        if (!each.section.empty() && (known.empty() || known.back() != each.section)) known.push_back(each.section);
      }
      bad(place, "section [{}] is unknown; {}", path, suggest(path, known, known.size()));
    } else {
      unknown(place, path, options);
    }
  }
}

toml::table parse(std::string_view text, const std::string& file) {
  try {
    return toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    bad(fmt::format("{}:{}", file, error.source().begin.line), "not TOML: {}", error.description());
  }
}

std::string in_quotes(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      result += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      result += c;
    }
  }
  return result + '"';
}

// Shortest text that reads back to the same double, always with a point or exponent.
std::string real(double value) {
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

struct Write {
  std::string operator()(const bool* value) const { return *value ? "true" : "false"; }
  std::string operator()(const int32_t* value) const { return std::to_string(*value); }
  std::string operator()(const int64_t* value) const { return std::to_string(*value); }
  std::string operator()(const uint64_t* value) const { return std::to_string(*value); }
  std::string operator()(const double* value) const { return real(*value); }
  std::string operator()(const std::string* value) const { return in_quotes(*value); }
  std::string operator()(const Shape* value) const { return fmt::format("[{}]", fmt::join(*value, ", ")); }
  std::string operator()(const RuleOrList* value) const {
    if (!value->rule.empty()) return in_quotes(value->rule);
    std::vector<std::string> numbers;
    for (const double number : value->values) numbers.push_back(real(number));
    return fmt::format("[{}]", fmt::join(numbers, ", "));
  }
};

}  // namespace

void read_options(std::string_view text, const std::string& file, const std::vector<Option>& options) {
  read_table(parse(text, file), "", file, options);
}

void read_known_options(std::string_view text, const std::string& file, const std::vector<Option>& options) {
  const toml::table table = parse(text, file);
  for (const Option& option : options) {
    const auto node = option.section.empty() ? table[option.key] : table[option.section][option.key];
    if (!node) continue;
    assign(*node.node(), option, fmt::format("{}:{}", file, node.node()->source().begin.line));
  }
}

void set_option(std::string_view word, const std::vector<Option>& options) {
  const std::string place = fmt::format("--set {}", word);
  const size_t equals = word.find('=');
  if (equals == std::string_view::npos) bad(place, "expected section.key=value");
  const std::string path(word.substr(0, equals));
  std::string value(word.substr(equals + 1));
  const auto option =
      std::find_if(options.begin(), options.end(), [&](const Option& each) { return each.path() == path; });
  if (option == options.end()) unknown(place, path, options);
  const bool is_text = std::holds_alternative<std::string*>(option->target) ||
                       (std::holds_alternative<RuleOrList*>(option->target) && !value.starts_with('['));
  if (is_text && !value.starts_with('"') && !value.starts_with('\'')) value = in_quotes(value);
  try {
    const toml::table table = toml::parse("value = " + value);
    assign(*table.get("value"), *option, place);
  } catch (const toml::parse_error& error) {
    bad(place, "'{}' is not a TOML value: {}", value, error.description());
  }
}

std::string write_options(const std::vector<Option>& options, bool comments) {
  std::string text;
  std::string section;
  for (const Option& option : options) {
    if (option.section != section) {
      section = option.section;
      text += fmt::format("\n[{}]\n", section);
    }
    if (comments) text += fmt::format("# {}\n", option.comment);
    text += fmt::format("{} = {}\n", option.key, std::visit(Write{}, option.target));
  }
  return text;
}

}  // namespace sooner
