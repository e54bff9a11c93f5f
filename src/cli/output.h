// How programs of this project talk: results to stdout, in the form asked for; talk to stderr.
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

// Throws kInvalidArgument where `output` (empty: none), given by `option`, is one of the files that are read, which it
// would destroy.
void expect_no_input(const std::string& output, const std::string& option, std::initializer_list<std::string> inputs);

// Beside that, throws what expect_writable (core/file.h) throws, for commands that work long before they write.
void expect_output(const std::string& output, const std::string& option, std::initializer_list<std::string> inputs);

// A line of talk, to stderr; nothing where nobody can be told.
void say(const std::string& line);

}  // namespace sooner
