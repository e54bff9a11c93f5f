// The one exception type of the project, and the helpers that throw it.
//
// A message reads "[place] got …, expected …; remedy": one line, for a person. Expected outcomes
// (a sample that went on, a file that is not there yet) are values, never errors.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace sooner {

// Named like gRPC's codes.
enum class Code {
  kCancelled,
  kInvalidArgument,
  kNotFound,
  kPermissionDenied,
  kResourceExhausted,
  kFailedPrecondition,
  kOutOfRange,
  kUnimplemented,
  kInternal,
  kUnavailable,
  kDataLoss,
};

// "DATA_LOSS" and so on.
std::string_view to_string(Code code);

class Error : public std::runtime_error {
 public:
  Error(Code code, const std::string& message) : std::runtime_error(message), code_(code) {}
  [[nodiscard]] Code code() const { return code_; }

 private:
  Code code_;
};

// Throws Error(code, formatted message).
template <typename... Args>
[[noreturn]] void fail(Code code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

namespace detail {
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);
}  // namespace detail

// For our own mistakes only: never reachable from a file, a flag or a packet.
// Throws Error(kInternal) rather than aborting.
#define SOONER_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::sooner::detail::assertion_failed(#condition, __FILE__, __LINE__))

}  // namespace sooner
