#include "graph/op.h"

#include <array>
#include <utility>

#include "core/error.h"

namespace sooner {
namespace {

constexpr std::array<std::pair<OpKind, std::string_view>, 24> kNames{{
    {OpKind::kInput, "input"},
    {OpKind::kConv2d, "conv2d"},
    {OpKind::kLinear, "linear"},
    {OpKind::kBatchNorm, "batch_norm"},
    {OpKind::kRelu, "relu"},
    {OpKind::kMaxPool, "max_pool"},
    {OpKind::kAvgPool, "avg_pool"},
    {OpKind::kMixedPool, "mixed_pool"},
    {OpKind::kGlobalAvgPool, "global_avg_pool"},
    {OpKind::kAdd, "add"},
    {OpKind::kFlatten, "flatten"},
    {OpKind::kConcat, "concat"},
    {OpKind::kLayerNorm, "layer_norm"},
    {OpKind::kClip, "clip"},
    {OpKind::kHardSwish, "hard_swish"},
    {OpKind::kSlice, "slice"},
    {OpKind::kChannelShuffle, "channel_shuffle"},
    {OpKind::kLocalResponseNorm, "local_response_norm"},
    {OpKind::kLeakyRelu, "leaky_relu"},
    {OpKind::kSigmoid, "sigmoid"},
    {OpKind::kHardSigmoid, "hard_sigmoid"},
    {OpKind::kGelu, "gelu"},
    {OpKind::kMul, "mul"},
    {OpKind::kPad, "pad"},
}};

}  // namespace

std::string_view to_string(OpKind kind) {
  for (const auto& [known, name] : kNames) {
    if (known == kind) return name;
  }
  return "?";
}

OpKind op_kind_from_string(std::string_view name) {
  for (const auto& [kind, known] : kNames) {
    if (known == name) return kind;
  }
  fail(Code::kDataLoss, "[graph] operation '{}' is unknown to this version", name);
}

}  // namespace sooner
