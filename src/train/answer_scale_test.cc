#include "train/answer_scale.h"

#include <gtest/gtest.h>

#include "graph/graph_builder.h"
#include "support/error_of.h"

namespace sooner {
namespace {

TEST(AnswerScale, GoesIntoTheLastLayerAndBack) {
  GraphBuilder b("one", {1, 1, 2}, 1);
  const Graph graph = b.finish(b.linear("fc", b.flatten("flat", b.input()), 1));
  const auto values = [](const Tensor& tensor) {
    return std::vector<float>(tensor.floats().begin(), tensor.floats().end());
  };
  TensorMap tensors{{"fc.weight", Tensor::from_floats({1, 2}, std::vector<float>{1, -2})},
                    {"fc.bias", Tensor::from_floats({1}, std::vector<float>{0.5F})}};
  const Tensor before = tensors.at("fc.weight");
  const Standard standard{.mean = 10, .std = 4};
  scale_answers(graph, standard, tensors);
  EXPECT_EQ(values(tensors.at("fc.weight")), (std::vector<float>{4, -8}));
  EXPECT_EQ(values(tensors.at("fc.bias")), std::vector<float>{12}) << "0.5 * 4 + 10";
  EXPECT_EQ(values(before), (std::vector<float>{1, -2})) << "another holder's copy is as it was";
  scale_answers(graph, inverse(standard), tensors);
  EXPECT_EQ(values(tensors.at("fc.weight")), (std::vector<float>{1, -2}));
  EXPECT_EQ(values(tensors.at("fc.bias")), std::vector<float>{0.5F});
  tensors.erase("fc.bias");
  EXPECT_EQ(error_of([&] { scale_answers(graph, standard, tensors); }).code(), Code::kFailedPrecondition);
}

}  // namespace
}  // namespace sooner
