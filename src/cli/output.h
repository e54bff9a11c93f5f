// How programs of this project talk: results to stdout, in the form asked for; talk to stderr; exit codes.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <string>

#include "core/error.h"

namespace sooner {

// Set by --json and --csv; a table on the terminal otherwise.
enum class OutputForm : uint8_t { kText, kJson, kCsv };

// --json and --csv. The pointer must outlive the app's parse.
void add_output_options(CLI::App& app, OutputForm* form);

// 2 for kInvalidArgument (what was asked is wrong), 1 for everything else.
int exit_code(const Error& error);

// What was wrong with a command line of `app`, with what was expected.
std::string usage_error(const CLI::App& app, const CLI::ParseError& error);

// A line of talk, to stderr; nothing where nobody can be told.
void say(const std::string& line);

}  // namespace sooner
