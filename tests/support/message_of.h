// For tests: the message of the Error a call throws.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "support/error_of.h"

namespace sooner {

// The test fails when there is no Error, or one of another code.
template <typename Call>
std::string message_of(Code code, Call&& call) {
  const Error error = error_of(std::forward<Call>(call));
  EXPECT_EQ(error.code(), code) << error.what();
  return error.what();
}

}  // namespace sooner
