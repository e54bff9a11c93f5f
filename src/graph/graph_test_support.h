// Small networks for this room's tests, each drawn where it is declared.
#pragma once

#include <optional>
#include <string>

#include "graph/graph_builder.h"

namespace sooner {

// One linear layer on a flattened map: the smallest head.
inline NodeId flat_head(GraphBuilder& builder, const std::string& prefix, NodeId src) {
  return builder.linear(prefix + "fc", builder.flatten(prefix + "flatten", src), builder.classes());
}

// input 1x4x4 -> conv 2@3x3 p1 -> relu -> conv 2@3x3 s2 p1 (2x2x2) -> relu2 -> flatten 8 -> fc 3
inline Graph tiny_plain() {
  GraphBuilder b("tiny", {1, 4, 4}, 3);
  NodeId x = b.relu("relu", b.conv2d("conv", b.input(), conv(2, 3, 1, 1)));
  x = b.relu("relu2", b.conv2d("conv2", x, conv(2, 3, 2, 1, false)));
  return b.finish(b.linear("fc", b.flatten("flatten", x), 3));
}

// The same with an exit after "relu".
inline Graph tiny_with_exit(const std::optional<Gate>& gate = Gate{}) {
  return attach_exits(tiny_plain(), {{"relu", flat_head, gate}});
}

// input 2x4x4 -> a = relu -> b = conv 2@3x3 p1 -> c = relu -> sum = c + a -> gap 2 -> fc 3
inline Graph tiny_residual() {
  GraphBuilder b("residual", {2, 4, 4}, 3);
  const NodeId a = b.relu("a", b.input());
  const NodeId c = b.relu("c", b.conv2d("b", a, conv(2, 3, 1, 1, false)));
  return b.finish(b.linear("fc", b.global_avg_pool("gap", b.add("sum", c, a)), 3));
}

}  // namespace sooner
