#include "backend/common/memory_limit.h"

#include <gtest/gtest.h>

#include "support/message_of.h"

namespace sooner {
namespace {

TEST(MemoryLimit, RefusesMoreThanTheMachineHas) {
  expect_memory("Session", 1e6);
  const std::string message = message_of(Code::kResourceExhausted, [] { expect_memory("Session", 1e18); });
  EXPECT_EQ(message.find("[Session] would need "), 0U) << message;
  EXPECT_NE(message.find("smaller batch_max"), std::string::npos) << message;
}

TEST(MemoryLimit, RefusesSizesThatWouldWrapAround) {
  expect_countable({{1, 28, 28}, {10}}, 128);
  // 2^62 floats are 2^64 bytes: 0, when nobody looks.
  message_of(Code::kResourceExhausted, [] { expect_countable({{int64_t{1} << 31, int64_t{1} << 31}}, 1); });
}

}  // namespace
}  // namespace sooner
