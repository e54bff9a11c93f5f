// One row of the table of subcommands.
//
// A subcommand is one file, cmd_<name>.cc, and one row in sooner.cc; the row also feeds --help, `sooner help topics`
// and shell completion. Results go to stdout, talk goes to stderr. Exit code 0: done, 1: failed, 2: wrong usage.
#pragma once

#include <CLI/CLI.hpp>

namespace sooner {

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
void add_cascade(CLI::App& app);

}  // namespace sooner
