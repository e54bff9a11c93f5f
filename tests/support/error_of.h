// Catches what a call throws, so that a test can look at code and message.
#pragma once

#include <gtest/gtest.h>

#include <exception>
#include <string>
#include <utility>

#include "core/error.h"

namespace sooner {

// The Error that `call` throws. When it throws none, or something else, the test fails and an Error with the code
// kInternal and an empty message is returned.
template <typename Call>
Error error_of(Call&& call) {
  try {
    std::forward<Call>(call)();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << "a message is one line: " << error.what();
    return error;
  } catch (const std::exception& error) {
    ADD_FAILURE() << "threw something other than Error: " << error.what();
    return {Code::kInternal, ""};
  }
  ADD_FAILURE() << "threw nothing";
  return {Code::kInternal, ""};
}

}  // namespace sooner
