// What the mains of both programs share: how a command line is read, and what becomes of errors. Header only, for
// sooner-train links none of the rooms that `sooner` does.
#pragma once

#include <fcntl.h>
#include <signal.h>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <functional>
#include <new>
#include <string>

#include "core/error.h"

namespace sooner {

// Every option of `app` and of its commands refuses an empty value, which none has a meaning for: it is most often a
// variable of a script that was never set. After the last option was added.
inline void refuse_empty_values(CLI::App& app) {
  const CLI::Validator something([](const std::string& text) { return text.empty() ? "got '', expected a value" : ""; },
                                 "");
  for (CLI::Option* option : app.get_options()) {
    if (option->get_items_expected_max() > 0) option->transform(something);  // before what else is asked of a value
  }
  for (CLI::App* command : app.get_subcommands({})) refuse_empty_values(*command);
}

// What was wrong with a command line of `app`, with what was expected.
inline std::string usage_error(const CLI::App& app, const CLI::ParseError& error) {
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

// Runs a whole program: `body` gives its exit code, an Error that it throws is one line on stderr and the code 2 for
// kInvalidArgument (what was asked is wrong), 1 for everything else. Results that standard output did not take are an
// error, too. `memory_remedy`: what to try when memory runs out.
inline int run_program(const char* name, const char* memory_remedy, const std::function<int()>& body) {
  // Past a limit of file sizes a write fails as on a full disk, instead of ending the program.
  ::signal(SIGXFSZ, SIG_IGN);
  // No file that is opened later is to take the place of a stream that is closed; what is written to one fails.
  for (const int stream : {0, 1, 2}) {
    if (::fcntl(stream, F_GETFD) < 0) static_cast<void>(::open("/dev/null", stream == 0 ? O_WRONLY : O_RDONLY));
  }
  int code = 1;
  std::string fault;
  try {
    code = body();
  } catch (const Error& error) {
    fault = error.what();
    if (error.code() == Code::kInvalidArgument) code = 2;
  } catch (const std::bad_alloc&) {
    fault = std::string("out of memory; ") + memory_remedy;
  } catch (const std::exception& error) {
    fault = std::string("unexpected error: ") + error.what();
  }
  // Whatever else was thrown then came of it.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    fault = "[output] standard output did not take all of the results; is the disk full?";
    code = 1;
  }
  if (!fault.empty()) std::fputs(fmt::format("{}: {}\n", name, fault).c_str(), stderr);
  return code;
}

}  // namespace sooner
