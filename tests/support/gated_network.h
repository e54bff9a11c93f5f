// A network for tests that the zoo has no like of: padding of its own, pools that pad unevenly, bent maps, channels
// scaled by what they hold (squeeze and excitation), a map and a vector times another.
#pragma once

#include "graph/graph_builder.h"

namespace sooner::test {

// `width` channels inside; one exit, behind the squeeze, with a gate of its own.
inline Graph gated_network(const Shape& input_shape, int64_t width, int64_t classes) {
  GraphBuilder b("gated", input_shape, classes);
  NodeId x =
      b.conv2d("conv1", b.pad("pad1", b.input(), {.top = 1, .left = 0, .bottom = 2, .right = 1}), conv(width, 3));
  x = b.pad("pad2", b.leaky_relu("leaky", x, 0.2), {.top = 0, .left = 2, .bottom = 1, .right = 0});
  x = b.gelu("gelu1", b.batch_norm("bn", b.conv2d("conv2", x, conv(width, 3, 1, 1))));
  PoolAttributes whole;
  whole.kernel_h = whole.stride_h = b.shape(x)[1];
  whole.kernel_w = whole.stride_w = b.shape(x)[2];
  NodeId squeeze = b.conv2d("squeeze", b.avg_pool("whole", x, whole), conv((width + 3) / 4, 1));
  squeeze = b.conv2d("excite", b.relu("squeezed", squeeze), conv(width, 1));
  x = b.mul("scaled", x, b.hard_sigmoid("factors", squeeze, {.alpha = 0.25, .beta = 0.5}));
  x = b.gelu("gelu2", b.conv2d("conv3", x, conv(width + 1, 3, 2, 1)), true);
  x = b.mul("swish", x, b.sigmoid("share", x));
  PoolAttributes uneven = pool(3, 2);
  uneven.end_pad_h = uneven.end_pad_w = 1;
  x = b.max_pool("uneven", x, uneven);
  PoolAttributes wide = pool(3, 1, 2);
  wide.end_pad_h = 1;
  wide.end_pad_w = 0;
  x = b.avg_pool("wide", x, wide);
  NodeId v = b.linear("fc1", b.flatten("flatten", x), width);
  v = b.mul("swish2", b.gelu("gelu3", v), b.sigmoid("share2", v));
  v = b.hard_sigmoid("hard", b.leaky_relu("leaky2", b.gelu("gelu4", v, true)));
  const auto head = [](GraphBuilder& builder, const std::string& prefix, NodeId src) {
    const NodeId features = builder.gelu(prefix + "gelu", builder.global_avg_pool(prefix + "gap", src));
    return builder.linear(prefix + "fc", features, builder.classes());
  };
  return attach_exits(b.finish(b.linear("fc", v, classes)), {{"scaled", head, Gate{}}});
}

}  // namespace sooner::test
