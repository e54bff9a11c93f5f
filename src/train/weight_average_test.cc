#include "train/weight_average.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/error_of.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

using testing::HasSubstr;

at::Tensor& bias_of(GraphModule& module) {
  for (GraphModule::Parameter& parameter : module.parameters()) {
    if (parameter.spec.name == "fc.bias") return parameter.value;
  }
  throw std::logic_error("no bias");
}

void set(at::Tensor& tensor, double value) {
  const at::NoGradGuard no_grad;
  tensor.fill_(value);
}

TEST(WeightAverage, FollowsTheFormulaAndSwapsBackAndForth) {
  GraphModule module(backbone_from_string("swift:w1:d1", {1, 9, 9}, 2), 1);
  at::Tensor& bias = bias_of(module);
  set(bias, 1);
  WeightAverage average(module, 0.5);
  double expected = 1;
  for (int64_t t = 0; t < 40; ++t) {
    const double value = std::sin(static_cast<double>(t));
    set(bias, value);
    average.add(t);
    const double decay = std::min(0.5, (1.0 + static_cast<double>(t)) / (10.0 + static_cast<double>(t)));
    expected += (1 - decay) * (value - expected);
  }
  const double last = bias[0].item<double>();
  average.swap();
  EXPECT_TRUE(average.swapped());
  EXPECT_NEAR(bias[0].item<double>(), expected, 1e-6);
  average.swap();
  EXPECT_EQ(bias[0].item<double>(), last);
  EXPECT_FALSE(average.swapped());
  average.restart();
  average.swap();
  EXPECT_EQ(bias[0].item<double>(), last);
}

// What was measured for the average is gone when its own weights are back.
TEST(WeightAverage, KeepsTheStatisticsOfTheWeightsApart) {
  GraphModule module(backbone_from_string("swift:w1:d1", {1, 9, 9}, 2), 1);
  WeightAverage average(module, 0.9);
  const auto mean = [&] {
    return std::ranges::find_if(module.parameters(),
                                [](const auto& p) { return p.spec.name == "layer1.0.bn.running_mean"; })
        ->value;
  };
  at::Tensor own = mean();
  set(own, 3);
  average.swap();
  at::Tensor statistic = mean();
  set(statistic, 7);
  average.swap();
  EXPECT_EQ(mean()[0].item<double>(), 3);
}

TEST(WeightAverage, SurvivesACheckpointAndRefusesAnotherNetworks) {
  GraphModule module(backbone_from_string("swift:w1:d1", {1, 9, 9}, 2), 1);
  WeightAverage average(module, 0.5);
  set(bias_of(module), 4);
  average.add(100);
  const TensorMap saved = average.export_tensors();
  average.restart();
  average.import_tensors(saved);
  average.swap();
  EXPECT_NE(bias_of(module)[0].item<double>(), 4);
  average.swap();
  TensorMap less = saved;
  less.erase("fc.bias");
  const Error error = error_of([&] { average.import_tensors(less); });
  EXPECT_EQ(error.code(), Code::kDataLoss);
  EXPECT_THAT(error.what(), HasSubstr("'fc.bias' is missing"));
}

}  // namespace
}  // namespace sooner
