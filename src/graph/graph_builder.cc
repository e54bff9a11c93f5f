#include "graph/graph_builder.h"

#include <algorithm>
#include <set>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "graph/cost.h"
#include "graph/shape_inference.h"
#include "graph/validate.h"

namespace sooner {

Conv2dAttributes conv(int64_t out_channels, int64_t kernel, int64_t stride, int64_t pad, bool bias) {
  Conv2dAttributes a;
  a.out_channels = out_channels;
  a.kernel_h = a.kernel_w = kernel;
  a.stride_h = a.stride_w = stride;
  a.pad_top = a.pad_left = a.pad_bottom = a.pad_right = pad;
  a.bias = bias;
  return a;
}

PoolAttributes pool(int64_t kernel, int64_t stride, int64_t pad, bool ceil_mode) {
  PoolAttributes a;
  a.kernel_h = a.kernel_w = kernel;
  a.stride_h = a.stride_w = stride;
  a.pad_h = a.pad_w = pad;
  a.ceil_mode = ceil_mode;
  return a;
}

GraphBuilder::GraphBuilder(std::string name, Shape input_shape, int64_t classes) {
  graph_.name = std::move(name);
  graph_.input_shape = std::move(input_shape);
  graph_.classes = classes;
  graph_.nodes.push_back({OpKind::kInput, "input", {}, {}});
  shapes_.push_back(graph_.input_shape);
}

NodeId GraphBuilder::append(Node node) {
  if (node.op == OpKind::kInput) fail(Code::kInvalidArgument, "[graph] '{}' is a second input", node.name);
  std::vector<Shape> shapes;
  for (const NodeId input : node.inputs) {
    if (input < 0 || static_cast<size_t>(input) >= shapes_.size()) {
      fail(Code::kInvalidArgument, "[graph] node '{}' reads a node that does not exist", node.name);
    }
    shapes.push_back(shape(input));
  }
  shapes_.push_back(infer_shape(node, shapes));
  graph_.nodes.push_back(std::move(node));
  return size() - 1;
}

NodeId GraphBuilder::conv2d(const std::string& name, NodeId src, const Conv2dAttributes& attributes) {
  return append({OpKind::kConv2d, name, {src}, attributes});
}
NodeId GraphBuilder::linear(const std::string& name, NodeId src, int64_t out_features, bool bias) {
  return append({OpKind::kLinear, name, {src}, LinearAttributes{out_features, bias}});
}
NodeId GraphBuilder::batch_norm(const std::string& name, NodeId src) {
  return append({OpKind::kBatchNorm, name, {src}, BatchNormAttributes{}});
}
NodeId GraphBuilder::relu(const std::string& name, NodeId src) { return append({OpKind::kRelu, name, {src}, {}}); }
NodeId GraphBuilder::max_pool(const std::string& name, NodeId src, const PoolAttributes& attributes) {
  return append({OpKind::kMaxPool, name, {src}, attributes});
}
NodeId GraphBuilder::avg_pool(const std::string& name, NodeId src, const PoolAttributes& attributes) {
  return append({OpKind::kAvgPool, name, {src}, attributes});
}
NodeId GraphBuilder::mixed_pool(const std::string& name, NodeId src, const PoolAttributes& attributes) {
  return append({OpKind::kMixedPool, name, {src}, attributes});
}
NodeId GraphBuilder::global_avg_pool(const std::string& name, NodeId src) {
  return append({OpKind::kGlobalAvgPool, name, {src}, {}});
}
NodeId GraphBuilder::add(const std::string& name, NodeId a, NodeId b) {
  return append({OpKind::kAdd, name, {a, b}, {}});
}
NodeId GraphBuilder::flatten(const std::string& name, NodeId src) {
  return append({OpKind::kFlatten, name, {src}, {}});
}

NodeId GraphBuilder::concat(const std::string& name, const std::vector<NodeId>& parts) {
  return append({OpKind::kConcat, name, parts, {}});
}
NodeId GraphBuilder::clip(const std::string& name, NodeId src, double low, double high) {
  return append({OpKind::kClip, name, {src}, ClipAttributes{low, high}});
}
NodeId GraphBuilder::hard_swish(const std::string& name, NodeId src) {
  return append({OpKind::kHardSwish, name, {src}, {}});
}
NodeId GraphBuilder::slice(const std::string& name, NodeId src, int64_t begin, int64_t end) {
  return append({OpKind::kSlice, name, {src}, SliceAttributes{begin, end}});
}
NodeId GraphBuilder::channel_shuffle(const std::string& name, NodeId src, int64_t groups) {
  return append({OpKind::kChannelShuffle, name, {src}, ChannelShuffleAttributes{groups}});
}
NodeId GraphBuilder::local_response_norm(const std::string& name, NodeId src,
                                         const LocalResponseNormAttributes& attributes) {
  return append({OpKind::kLocalResponseNorm, name, {src}, attributes});
}
NodeId GraphBuilder::layer_norm(const std::string& name, NodeId src) {
  return append({OpKind::kLayerNorm, name, {src}, LayerNormAttributes{}});
}
NodeId GraphBuilder::leaky_relu(const std::string& name, NodeId src, double slope) {
  return append({OpKind::kLeakyRelu, name, {src}, LeakyReluAttributes{slope}});
}
NodeId GraphBuilder::sigmoid(const std::string& name, NodeId src) {
  return append({OpKind::kSigmoid, name, {src}, {}});
}
NodeId GraphBuilder::hard_sigmoid(const std::string& name, NodeId src, const HardSigmoidAttributes& attributes) {
  return append({OpKind::kHardSigmoid, name, {src}, attributes});
}
NodeId GraphBuilder::gelu(const std::string& name, NodeId src, bool tanh) {
  return append({OpKind::kGelu, name, {src}, GeluAttributes{tanh}});
}
NodeId GraphBuilder::mul(const std::string& name, NodeId a, NodeId b) {
  return append({OpKind::kMul, name, {a, b}, {}});
}
NodeId GraphBuilder::pad(const std::string& name, NodeId src, const PadAttributes& attributes) {
  return append({OpKind::kPad, name, {src}, attributes});
}

Node GraphBuilder::take_last() {
  SOONER_ASSERT(graph_.nodes.size() > 1);
  Node node = std::move(graph_.nodes.back());
  graph_.nodes.pop_back();
  shapes_.pop_back();
  return node;
}

Graph GraphBuilder::finish(NodeId logits) {
  Graph graph = graph_;
  const auto is_classifier = [](OpKind op) {
    return op == OpKind::kGlobalAvgPool || op == OpKind::kFlatten || op == OpKind::kLinear;
  };
  const auto may_answer = [](OpKind op) { return op == OpKind::kGlobalAvgPool || op == OpKind::kLinear; };
  if (logits < 0 || static_cast<size_t>(logits) >= graph.nodes.size() || !may_answer(graph.node(logits).op)) {
    fail(Code::kInvalidArgument, "[graph] '{}' does not end in a linear layer or a global average", graph.name);
  }
  size_t head_begin = static_cast<size_t>(logits);
  while (head_begin > 1 && is_classifier(graph.nodes[head_begin - 1].op)) --head_begin;
  Stage stage;
  for (size_t id = 0; id < graph.nodes.size(); ++id) {
    (id < head_begin ? stage.trunk : stage.exit.head).push_back(static_cast<NodeId>(id));
  }
  stage.exit.name = "last";
  stage.exit.logits = logits;
  stage.exit.features = graph.node(logits).inputs[0];
  graph.stages = {std::move(stage)};
  validate(graph);
  return graph;
}

namespace {

// Lets the linear layer that has just been built read earlier logits, too.
NodeId read_earlier(GraphBuilder& builder, const std::string& prefix, NodeId logits) {
  Node linear = builder.take_last();
  const NodeId earlier = builder.layer_norm(prefix + "earlier", logits);
  linear.inputs = {builder.concat(prefix + "join", {linear.inputs[0], earlier})};
  return builder.append(std::move(linear));
}

}  // namespace

void expect_plain(const Graph& graph) {
  if (graph.stages.size() != 1) {
    fail(Code::kInvalidArgument,
         "[attach] '{}' has {} exits already, expected a plain network; sooner exits --keep none drops them",
         graph.name, graph.stages.size());
  }
}

Graph attach_exits(const Graph& plain, const std::vector<ExitRequest>& requests) {
  expect_plain(plain);
  const std::vector<NodeId>& trunk = plain.stages[0].trunk;
  std::vector<std::pair<NodeId, const ExitRequest*>> points;
  for (const ExitRequest& request : requests) {
    const auto found =
        std::find_if(trunk.begin(), trunk.end(), [&](NodeId id) { return plain.node(id).name == request.trunk_point; });
    if (found == trunk.end() || *found == 0) {
      std::vector<std::string> names;
      for (const NodeId id : trunk) {
        if (id != 0) names.push_back(plain.node(id).name);
      }
      fail(Code::kInvalidArgument, "[attach] '{}' is no trunk point of '{}'; {}", request.trunk_point, plain.name,
           suggest(request.trunk_point, names));
    }
    points.emplace_back(*found, &request);
  }
  std::sort(points.begin(), points.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (size_t i = 1; i < points.size(); ++i) {
    if (points[i].first == points[i - 1].first) {
      fail(Code::kInvalidArgument, "[attach] two exits stand at '{}'", points[i].second->trunk_point);
    }
  }

  // Heads are inserted right after the trunk node they read, so the list stays in topological order.
  GraphBuilder builder(plain.name, plain.input_shape, plain.classes);
  std::vector<NodeId> renamed(plain.nodes.size(), 0);
  std::vector<Stage> stages(1);
  stages[0].trunk.push_back(builder.input());
  const std::set<NodeId> last_head(plain.stages[0].exit.head.begin(), plain.stages[0].exit.head.end());
  size_t next = 0;
  for (size_t id = 1; id < plain.nodes.size(); ++id) {
    Node node = plain.nodes[id];
    for (NodeId& input : node.inputs) input = renamed[static_cast<size_t>(input)];
    renamed[id] = builder.append(std::move(node));
    const bool in_head = last_head.contains(static_cast<NodeId>(id));
    (in_head ? stages.back().exit.head : stages.back().trunk).push_back(renamed[id]);
    if (next == points.size() || points[next].first != static_cast<NodeId>(id)) continue;
    const size_t k = next++;
    Exit& exit = stages.back().exit;
    exit.name = fmt::format("exit{}", k);
    exit.gate = points[k].second->gate;
    const NodeId first = builder.size();
    const std::string prefix = fmt::format("exits.{}.head.", k);
    exit.logits = points[k].second->head(builder, prefix, renamed[id]);
    if (points[k].second->cascade && k > 0) exit.logits = read_earlier(builder, prefix, stages[k - 1].exit.logits);
    for (NodeId added = first; added < builder.size(); ++added) exit.head.push_back(added);
    SOONER_ASSERT(exit.logits == builder.size() - 1);
    exit.features = builder.graph().node(exit.logits).inputs[0];
    stages.emplace_back();
  }
  Graph net = builder.graph();
  Exit& last = stages.back().exit;
  last.name = plain.stages[0].exit.name;
  last.features = renamed[static_cast<size_t>(plain.stages[0].exit.features)];
  last.logits = renamed[static_cast<size_t>(plain.stages[0].exit.logits)];
  net.stages = std::move(stages);
  validate(net);
  return net;
}

std::vector<CutPoint> single_value_cuts(const Graph& plain) {
  const GraphCost cost = compute_cost(plain);
  const std::vector<NodeId>& trunk = plain.stages.at(0).trunk;
  std::vector<NodeId> last_use(plain.nodes.size(), 0);
  for (size_t id = 0; id < plain.nodes.size(); ++id) {
    for (const NodeId input : plain.nodes[id].inputs) last_use[static_cast<size_t>(input)] = static_cast<NodeId>(id);
  }
  std::vector<CutPoint> cuts;
  int64_t macs = 0;
  NodeId furthest = 0;  // the last node that reads anything before the current one
  for (const NodeId id : trunk) {
    macs += cost.nodes[static_cast<size_t>(id)].macs;
    if (id != 0 && furthest <= id) {
      cuts.push_back({id, static_cast<double>(macs) / static_cast<double>(std::max<int64_t>(1, cost.backbone_macs))});
    }
    furthest = std::max(furthest, last_use[static_cast<size_t>(id)]);
  }
  return cuts;
}

}  // namespace sooner
