#include "eval/interval.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/error.h"

namespace sooner {
namespace {

TEST(MeanInterval, IsThatWorkedByHand) {
  // Mean 2, standard deviation 1, t = 4.3027 with two degrees of freedom.
  const MeanInterval three = mean_interval(std::vector<double>{1, 2, 3});
  EXPECT_DOUBLE_EQ(three.mean, 2);
  EXPECT_NEAR(three.half_width, 4.3027 / std::sqrt(3.0), 1e-12);
  EXPECT_EQ(mean_interval(std::vector<double>{5, 5}).half_width, 0);
}

TEST(MeanInterval, FollowsStudentsTableForManyValues) {
  // 0 and 1 in turn, 31 values: t of 30 degrees is 2.0423; of 120, 1.9799.
  for (const auto& [n, t] : {std::pair(31, 2.0423), std::pair(121, 1.9799), std::pair(12, 2.2010)}) {
    std::vector<double> values;
    for (int i = 0; i < n; ++i) values.push_back(i % 2);
    double squares = 0;
    const MeanInterval result = mean_interval(values);
    for (const double value : values) squares += (value - result.mean) * (value - result.mean);
    EXPECT_NEAR(result.half_width / std::sqrt(squares / (n - 1) / n), t, 1e-3) << n;
  }
}

TEST(MeanInterval, OfOneValueIsUnknown) {
  const MeanInterval one = mean_interval(std::vector<double>{0.5});
  EXPECT_EQ(one.mean, 0.5);
  EXPECT_TRUE(std::isnan(one.half_width));
  EXPECT_THROW(mean_interval({}), Error);
  EXPECT_THROW(mean_interval(std::vector<double>{std::nan("")}), Error);
}

}  // namespace
}  // namespace sooner
