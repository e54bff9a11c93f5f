// What programs that measure have in common.
#pragma once

#include <fmt/format.h>

#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/shape.h"
#include "core/text.h"

namespace sooner {

// Runs `body`, which gives the exit code; an error becomes one line on stderr and 1, or 2 for a wrong argument.
template <typename Body>
int run_program(std::string_view name, const Body& body) {
  try {
    return body();
  } catch (const Error& error) {
    fmt::print(stderr, "{}: {}\n", name, error.what());
    return error.code() == Code::kInvalidArgument ? 2 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", name, error.what());
    return 1;
  }
}

// From "NETWORK CxHxW", or the two networks the project measures itself on.
inline std::vector<std::pair<std::string, Shape>> networks_of(int argc, char** argv) {
  if (argc <= 2) return {{"b-lenet", {1, 28, 28}}, {"resnet20", {3, 32, 32}}};
  Shape shape;
  for (const std::string& extent : split(argv[2], 'x')) {
    shape.push_back(static_cast<int64_t>(parse_number("shape", extent)));
  }
  return {{argv[1], shape}};
}

}  // namespace sooner
