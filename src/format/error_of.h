// For tests: the message of the Error an action throws.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "core/error.h"

namespace sooner {

// Fails the test when there is no Error, when it has another code, or when its message is not one line.
template <typename Action>
std::string error_of(Code code, Action action) {
  try {
    action();
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(error.code(), code) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    return message;
  }
  ADD_FAILURE() << "no error";
  return "";
}

}  // namespace sooner
