// How programs of this project talk: results to stdout, in the form asked for; talk to stderr; exit codes.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <initializer_list>
#include <string>

#include "core/error.h"

namespace sooner {

// Set by --json and --csv; a table on the terminal otherwise.
enum class OutputForm : uint8_t { kText, kJson, kCsv };

// --json and --csv. The pointer must outlive the app's parse.
void add_output_options(CLI::App& app, OutputForm* form);

// 2 for kInvalidArgument (what was asked is wrong), 1 for everything else.
int exit_code(const Error& error);

// Throws kInvalidArgument where `output` (empty: none), given by `option`, is one of the files that are read, which it
// would destroy.
void expect_no_input(const std::string& output, const std::string& option, std::initializer_list<std::string> inputs);

// What was wrong with a command line of `app`, with what was expected.
std::string usage_error(const CLI::App& app, const CLI::ParseError& error);

// A line of talk, to stderr; nothing where nobody can be told.
void say(const std::string& line);

}  // namespace sooner
