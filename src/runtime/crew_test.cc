#include "runtime/crew.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

namespace sooner {
namespace {

TEST(Crew, EveryMemberDoesEveryJobOnce) {
  Crew crew(4);
  ASSERT_EQ(crew.members(), 4);
  std::vector<int> done(4);
  for (int round = 0; round < 500; ++round) crew.run([&](int32_t member) { ++done[static_cast<size_t>(member)]; });
  EXPECT_EQ(done, std::vector<int>(4, 500));
}

TEST(Crew, OneMemberIsTheCaller) {
  Crew crew(1);
  const auto here = std::this_thread::get_id();
  crew.run([&](int32_t member) {
    EXPECT_EQ(member, 0);
    EXPECT_EQ(std::this_thread::get_id(), here);
  });
}

TEST(Crew, AnExceptionReachesTheCallerAndTheCrewGoesOn) {
  Crew crew(3);
  for (const int32_t unlucky : {0, 2}) {
    EXPECT_THROW(crew.run([&](int32_t member) {
      if (member == unlucky) throw std::runtime_error("no");
    }),
                 std::runtime_error);
    std::atomic<int> done = 0;
    crew.run([&](int32_t) { ++done; });
    EXPECT_EQ(done, 3);
  }
}

}  // namespace
}  // namespace sooner
