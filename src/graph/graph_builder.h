// Builds a plain network node by node, then attaches exits to it.
//
//   GraphBuilder b("tiny", {1, 28, 28}, 10);
//   NodeId x = b.conv2d("conv1", b.input(), conv(8, 3, 1, 1));
//   x = b.relu("relu1", x);
//   Graph plain = b.finish(b.linear("fc", b.flatten("flatten", x)));
//   Graph net = attach_exits(plain, {{"relu1", build_some_head}});
//
// Every call checks shapes at once and throws kInvalidArgument naming the node.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace sooner {

// A square convolution: `kernel` x `kernel`, same stride and padding on all sides.
Conv2dAttributes conv(int64_t out_channels, int64_t kernel, int64_t stride = 1, int64_t pad = 0, bool bias = true);
PoolAttributes pool(int64_t kernel, int64_t stride, int64_t pad = 0, bool ceil_mode = false);

class GraphBuilder {
 public:
  GraphBuilder(std::string name, Shape input_shape, int64_t classes);

  [[nodiscard]] NodeId input() const { return 0; }
  NodeId conv2d(const std::string& name, NodeId src, const Conv2dAttributes& attributes);
  NodeId linear(const std::string& name, NodeId src, int64_t out_features, bool bias = true);
  NodeId batch_norm(const std::string& name, NodeId src);
  NodeId relu(const std::string& name, NodeId src);
  NodeId max_pool(const std::string& name, NodeId src, const PoolAttributes& attributes);
  NodeId avg_pool(const std::string& name, NodeId src, const PoolAttributes& attributes);
  NodeId mixed_pool(const std::string& name, NodeId src, const PoolAttributes& attributes);
  NodeId global_avg_pool(const std::string& name, NodeId src);  // [C, H, W] -> [C]
  NodeId add(const std::string& name, NodeId a, NodeId b);
  NodeId flatten(const std::string& name, NodeId src);
  // Channels of maps [C, H, W], or features of vectors, one after the other.
  NodeId concat(const std::string& name, const std::vector<NodeId>& parts);
  NodeId clip(const std::string& name, NodeId src, double low, double high);
  NodeId hard_swish(const std::string& name, NodeId src);
  NodeId slice(const std::string& name, NodeId src, int64_t begin, int64_t end);
  NodeId channel_shuffle(const std::string& name, NodeId src, int64_t groups);
  NodeId local_response_norm(const std::string& name, NodeId src, const LocalResponseNormAttributes& attributes);
  NodeId layer_norm(const std::string& name, NodeId src);  // of a vector
  NodeId leaky_relu(const std::string& name, NodeId src, double slope = 0.01);
  NodeId sigmoid(const std::string& name, NodeId src);
  NodeId hard_sigmoid(const std::string& name, NodeId src, const HardSigmoidAttributes& attributes = {});
  NodeId gelu(const std::string& name, NodeId src, bool tanh = false);
  // Two of one shape, or a map [C, H, W] and a factor [C, 1, 1] for each of its channels, which comes second.
  NodeId mul(const std::string& name, NodeId a, NodeId b);
  NodeId pad(const std::string& name, NodeId src, const PadAttributes& attributes);
  // Any node, its inputs given by this builder's ids.
  NodeId append(Node node);
  // Removes the newest node. REQUIRES: not the input.
  Node take_last();
  [[nodiscard]] const Shape& shape(NodeId id) const { return shapes_[static_cast<size_t>(id)]; }
  [[nodiscard]] int64_t classes() const { return graph_.classes; }
  [[nodiscard]] const Graph& graph() const { return graph_; }
  [[nodiscard]] NodeId size() const { return static_cast<NodeId>(graph_.nodes.size()); }

  // One stage, one exit. The head of the last exit is the longest run of nodes at the end that follows the last
  // convolution, normalisation, activation or pooling over rows and columns: global pooling, flatten, linear.
  Graph finish(NodeId logits);

 private:
  Graph graph_;
  std::vector<Shape> shapes_;
};

// Adds a head's nodes to `builder`, reading `src` (a trunk value), names starting with `prefix`
// ("exits.0.head."); returns the node that gives the logits, a linear layer.
using HeadFunction = std::function<NodeId(GraphBuilder& builder, const std::string& prefix, NodeId src)>;

struct ExitRequest {
  std::string trunk_point;  // name of the trunk node whose value the head reads
  HeadFunction head;
  std::optional<Gate> gate = Gate{};
  // The head's last layer also reads the exit before, if there is one: its logits, normalised (layer_norm).
  bool cascade = false;
};

// Throws kInvalidArgument for a network that has early exits already.
void expect_plain(const Graph& graph);

// The network with early exits. Requests may come in any order; exits follow the trunk. Throws kInvalidArgument
// for an unknown trunk point (naming the nearest names), a repeated one, or a graph that has early exits already.
Graph attach_exits(const Graph& plain, const std::vector<ExitRequest>& requests);

// Trunk points where an exit may stand so that one value crosses the cut, with the MAC fraction of the trunk up to
// and including each, in order.
struct CutPoint {
  NodeId node = -1;
  double mac_fraction = 0;
};
std::vector<CutPoint> single_value_cuts(const Graph& plain);

}  // namespace sooner
