#include "cli/output.h"

#include <cstdio>
#include <filesystem>
#include <string_view>

namespace sooner {

void add_output_options(CLI::App& app, OutputForm* form) {
  CLI::Option* json = app.add_flag_callback("--json", [form] { *form = OutputForm::kJson; }, "print JSON");
  app.add_flag_callback("--csv", [form] { *form = OutputForm::kCsv; }, "print CSV")->excludes(json);
}

int exit_code(const Error& error) { return error.code() == Code::kInvalidArgument ? 2 : 1; }

void expect_no_input(const std::string& output, const std::string& option, std::initializer_list<std::string> inputs) {
  if (output.empty()) return;
  for (const std::string& input : inputs) {
    std::error_code ignored;  // of files that are not there: the same by name alone
    if (output != input && !std::filesystem::equivalent(output, input, ignored)) continue;
    fail(Code::kInvalidArgument, "[output] {} names '{}', which is read here and would be lost; name another file",
         option, output);
  }
}

std::string usage_error(const CLI::App& app, const CLI::ParseError& error) {
  // CLI11 says what it got alone: "Could not convert: --limit = x".
  constexpr std::string_view kBegins = "Could not convert: ";
  const std::string text = error.what();
  const size_t equals = text.find(" = ");
  if (!text.starts_with(kBegins) || equals == std::string::npos) return text;
  const std::string name = text.substr(kBegins.size(), equals - kBegins.size());
  const CLI::Option* const option = app.get_option_no_throw(name);
  const std::string type = option == nullptr ? "" : option->get_type_name();
  const char* const wanted = type.starts_with("FLOAT")                             ? "a number"
                             : type.starts_with("INT") || type.starts_with("UINT") ? "a whole number"
                                                                                   : "another value";
  return fmt::format("{}: got '{}', expected {}", name, text.substr(equals + 3), wanted);
}

void say(const std::string& line) { std::fputs((line + "\n").c_str(), stderr); }

}  // namespace sooner
