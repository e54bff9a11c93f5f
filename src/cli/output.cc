#include "cli/output.h"

#include <cstdio>
#include <filesystem>

#include "core/file.h"

namespace sooner {

void add_output_options(CLI::App& app, OutputForm* form) {
  CLI::Option* json = app.add_flag_callback("--json", [form] { *form = OutputForm::kJson; }, "print JSON");
  app.add_flag_callback("--csv", [form] { *form = OutputForm::kCsv; }, "print CSV")->excludes(json);
}

void expect_no_input(const std::string& output, const std::string& option, std::initializer_list<std::string> inputs) {
  if (output.empty()) return;
  for (const std::string& input : inputs) {
    std::error_code ignored;  // of files that are not there: the same by name alone
    if (output != input && !std::filesystem::equivalent(output, input, ignored)) continue;
    fail(Code::kInvalidArgument, "[output] {} names '{}', which is read here and would be lost; name another file",
         option, output);
  }
}

void expect_output(const std::string& output, const std::string& option, std::initializer_list<std::string> inputs) {
  expect_no_input(output, option, inputs);
  if (!output.empty()) expect_writable(output);
}

void say(const std::string& line) { std::fputs((line + "\n").c_str(), stderr); }

}  // namespace sooner
