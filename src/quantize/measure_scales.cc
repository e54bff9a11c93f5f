#include "quantize/measure_scales.h"

#include "check/check.h"
#include "core/error.h"
#include "graph/shape_inference.h"

namespace sooner {

std::map<std::string, MapScale> measure_scales(const Graph& graph, const TensorMap& weights, const Backend& backend,
                                               std::span<const float> images, RangeMethod method) {
  if (images.empty()) fail(Code::kInvalidArgument, "[quantize] got no samples, expected at least 1");
  const std::vector<Shape> shapes = infer_shapes(graph);
  std::map<NodeId, MapRange> ranges;
  const auto pass = [&](void (MapRange::*take)(std::span<const float>)) {
    const auto observe = [&](const CompiledStage& stage, size_t step, const StageBatch& batch,
                             const StageContext& context) {
      const std::vector<NodeId>& nodes = stage.steps()[step].nodes;
      // A copy or a gate writes nothing new.
      if (nodes.empty() || nodes.back() == 0 || shapes[static_cast<size_t>(nodes.back())].size() != 3) return;
      (ranges[nodes.back()].*take)(stage.read_result(step, batch, context));
    };
    static_cast<void>(run_every_exit(graph, weights, backend, {.batch_max = 16}, images, observe));
  };
  pass(&MapRange::see);
  if (method != RangeMethod::kMinMax) pass(&MapRange::count);
  std::map<std::string, MapScale> scales;
  for (const auto& [id, range] : ranges) {
    const Node& node = graph.node(id);
    MapScale map = range.scale(method);
    // The largest of some bytes is one of them, rectified or not, and zeros are in every code: another step would only
    // round it again.
    const Node& pool = node.op == OpKind::kRelu ? graph.node(node.inputs[0]) : node;
    const bool keeps = pool.op == OpKind::kMaxPool || pool.op == OpKind::kPad;
    const auto src = keeps ? scales.find(graph.node(pool.inputs[0]).name) : scales.end();
    if (src != scales.end() && (src->second.is_signed || !map.is_signed)) map.scale = src->second.scale;
    scales.emplace(node.name, map);
  }
  return scales;
}

}  // namespace sooner
