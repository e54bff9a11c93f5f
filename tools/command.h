// One row of the table of subcommands, and what all of them share.
//
// A subcommand is one file, cmd_<name>.cc, and one row in sooner.cc; the row also feeds --help, `sooner help topics`
// and shell completion. Results go to stdout, talk goes to stderr. Exit code 0: done, 1: failed, 2: wrong usage.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

#include "core/error.h"

namespace sooner {

// Set by --json and --csv; a table on the terminal otherwise.
enum class OutputForm : uint8_t { kText, kJson, kCsv };

struct CommandRow {
  const char* name;
  const char* summary;
  const char* example;
  // Adds the command's options to `app` and sets its callback. The callback throws Error to fail.
  void (*add)(CLI::App& app);
};

void add_train(CLI::App& app);
void add_eval(CLI::App& app);
void add_tune(CLI::App& app);
void add_quantize(CLI::App& app);
void add_bench(CLI::App& app);
void add_describe(CLI::App& app);
void add_check(CLI::App& app);
void add_export(CLI::App& app);
void add_data(CLI::App& app);
void add_report(CLI::App& app);
void add_predict(CLI::App& app);
void add_profile(CLI::App& app);
void add_drift(CLI::App& app);
void add_exits(CLI::App& app);
void add_compare(CLI::App& app);
void add_import(CLI::App& app);
void add_attach(CLI::App& app);

// --json and --csv. The pointer must outlive the app's parse.
void add_output_options(CLI::App& app, OutputForm* form);

// 2 for kInvalidArgument (what was asked is wrong), 1 for everything else.
int exit_code(const Error& error);

// A line of talk, to stderr.
void say(const std::string& line);

}  // namespace sooner
