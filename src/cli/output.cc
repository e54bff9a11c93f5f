#include "cli/output.h"

namespace sooner {

void add_output_options(CLI::App& app, OutputForm* form) {
  CLI::Option* json = app.add_flag_callback("--json", [form] { *form = OutputForm::kJson; }, "print JSON");
  app.add_flag_callback("--csv", [form] { *form = OutputForm::kCsv; }, "print CSV")->excludes(json);
}

int exit_code(const Error& error) { return error.code() == Code::kInvalidArgument ? 2 : 1; }

void say(const std::string& line) { fmt::print(stderr, "{}\n", line); }

}  // namespace sooner
