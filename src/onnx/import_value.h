// What a value of an ONNX file is while the file is turned into a network.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "core/tensor.h"
#include "graph/graph.h"

namespace sooner {

// How ONNX sees a value of the network. Letters: C channels, H rows, W columns, g groups.
enum class View : uint8_t {
  kPlain,         // `extents` in row-major order over the node's own
  kPooled,        // the mean over rows and columns of the node's map, not computed yet
  kSwapped,       // [C/g, g, …] of the node's map: a channel shuffle half done
  kChannelsLast,  // [H, W, C] of the node's map, or that as [H, W, g, C/g], or flattened
  kSwappedLast,   // [H, W, C/g, g] of the node's map: a channel shuffle half done
};

struct Activation {
  NodeId node = -1;
  Shape extents;  // without the batch's
  View view = View::kPlain;
  int64_t groups = 0;  // for kSwapped, kSwappedLast
  std::string name{};  // for kPooled: what its node will be called
};

// An extent, or the batch's, which no number stands for.
struct Extent {
  int64_t value = 0;
  bool batch = false;
};

// What exporters compute shapes with.
struct Integers {
  std::vector<Extent> values;
  bool scalar = false;
};

// Weights and numbers, fp32.
using ImportValue = std::variant<Activation, Integers, Tensor>;

}  // namespace sooner
