#include "core/parallel.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

namespace sooner {
namespace {

TEST(Parallel, VisitsEveryItemOnceAndTheLastBlockIsShort) {
  std::vector<int> visits(1003, 0);
  std::vector<int64_t> sizes(101, 0);
  for_each_block(1003, 10, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
    sizes[static_cast<size_t>(begin / 10)] = end - begin;
  });
  for (const int count : visits) EXPECT_EQ(count, 1);
  for (size_t b = 0; b < 100; ++b) EXPECT_EQ(sizes[b], 10);
  EXPECT_EQ(sizes[100], 3);
}

TEST(Parallel, OfNothingCallsNothing) {
  for_each_block(0, 8, [](int64_t, int64_t) { FAIL() << "there is no block"; });
}

TEST(Parallel, PassesOnWhatABodyThrows) {
  EXPECT_THROW(for_each_block(100, 1,
                              [](int64_t begin, int64_t) {
                                if (begin == 37) throw std::runtime_error("block 37");
                              }),
               std::runtime_error);
}

}  // namespace
}  // namespace sooner
