#include "onnx/import_operation.h"

#include <algorithm>
#include <array>

#include "core/error.h"
#include "core/text.h"
#include "onnx/imported_operations.h"

namespace sooner {
namespace {

std::array<std::span<const ImportOperation>, 6> tables() {
  return {layer_operations(),   pool_operations(), element_operations(),
          channel_operations(), view_operations(), arithmetic_operations()};
}

struct Remedy {
  std::string_view names;  // between spaces
  std::string_view text;
};
constexpr Remedy kRemedies[] = {
    {" QuantizeLinear DequantizeLinear QLinearConv QLinearMatMul ConvInteger MatMulInteger DynamicQuantizeLinear ",
     "quantised networks are not read; import the fp32 one and use sooner quantize"},
    {" If Loop Scan SequenceMap ", "control flow is not read; export the network with fixed extents"},
    {" LayerNormalization InstanceNormalization GroupNormalization LpNormalization MeanVarianceNormalization ",
     "is not read; of normalisations BatchNormalization and LRN are"},
    {" Tanh Elu Selu Celu Softplus Softsign Mish ThresholdedRelu Swish Erf Exp ",
     "is not read; of activations Relu, Clip, LeakyRelu, Sigmoid, HardSigmoid, HardSwish and Gelu (operator set 20) "
     "are"},
    {" LpPool GlobalLpPool MaxRoiPool RoiAlign MaxUnpool ", "is not read; of pools MaxPool and AveragePool are"},
    {" Resize Upsample ConvTranspose DepthToSpace SpaceToDepth GridSample DeformConv ",
     "is not read; networks that answer with classes are, not those that draw images"},
    {" ArgMax TopK Max Min NonMaxSuppression ", "is not read; end the network at its logits (see --output-name)"},
    {" LSTM GRU RNN Attention MultiHeadAttention Einsum ", "is not read; convolutional classifiers are"},
    {" ReduceSum ReduceMax ReduceMin ReduceProd ReduceL2 ReduceL1 ReduceSumSquare ",
     "is not read; of reductions ReduceMean over rows and columns is"},
    {" GatherElements GatherND ScatterND Tile Expand Where ", "is not read; Slice, Split and Concat of channels are"},
};

}  // namespace

const ImportOperation* find_import_operation(std::string_view name) {
  for (const std::span<const ImportOperation> table : tables()) {
    const auto found = std::ranges::find(table, name, &ImportOperation::name);
    if (found != table.end()) return &*found;
  }
  return nullptr;
}

std::string import_remedy(std::string_view name) {
  const std::string word = fmt::format(" {} ", name);
  for (const Remedy& remedy : kRemedies) {
    if (remedy.names.find(word) != std::string_view::npos) return std::string(remedy.text);
  }
  return "is not read; " + suggest(name, imported_operations());
}

std::vector<std::string> imported_operations() {
  std::vector<std::string> names;
  for (const std::span<const ImportOperation> table : tables()) {
    for (const ImportOperation& operation : table) names.emplace_back(operation.name);
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace sooner
