#include "train/answer_scale.h"

#include "core/error.h"

namespace sooner {
namespace {

// A copy: tensors share their bytes.
void apply(Tensor& tensor, double factor, double summand) {
  std::vector<float> values(tensor.floats().begin(), tensor.floats().end());
  for (float& value : values) value = static_cast<float>(static_cast<double>(value) * factor + summand);
  tensor = Tensor::from_floats(tensor.shape(), values);
}

}  // namespace

void scale_answers(const Graph& graph, const Standard& standard, TensorMap& tensors) {
  for (const Stage& stage : graph.stages) {
    const std::string& layer = graph.node(stage.exit.logits).name;
    if (!tensors.contains(layer + ".bias")) {
      fail(Code::kFailedPrecondition, "[train] the layer '{}' has no bias, expected one: it holds a regression's mean",
           layer);
    }
    apply(tensors.at(layer + ".weight"), standard.std, 0);
    apply(tensors.at(layer + ".bias"), standard.std, standard.mean);
  }
}

Standard inverse(const Standard& standard) { return {-standard.mean / standard.std, 1 / standard.std}; }

}  // namespace sooner
