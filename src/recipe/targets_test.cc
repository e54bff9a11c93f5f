#include "recipe/targets.h"

#include <gtest/gtest.h>

#include "data/memory_source.h"
#include "support/message_of.h"

namespace sooner {
namespace {

TEST(Standard, IsOfTheSamplesNamed) {
  const MemorySource source({1, 1, 1}, {0, 0, 0, 0}, {0, 0, 0, 0}, {}, {2, 100, 6, 4});
  const std::vector<int64_t> chosen{0, 2, 3};  // 2, 6, 4: mean 4, variance 8/3
  const Standard standard = standard_of(source, chosen);
  EXPECT_DOUBLE_EQ(standard.mean, 4);
  EXPECT_DOUBLE_EQ(standard.std * standard.std, 8.0 / 3);
}

TEST(Standard, OfTargetsThatAreMissingOrAllTheSameIsRefused) {
  const MemorySource same({1, 1, 1}, {0, 0}, {0, 0}, {}, {3, 3}), none({1, 1, 1}, {0, 0}, {0, 0});
  const std::vector<int64_t> both{0, 1};
  for (const MemorySource* source : {&same, &none}) {
    EXPECT_NE(message_of(Code::kInvalidArgument, [&] { standard_of(*source, both); }).find("numbers that differ"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace sooner
