// SqueezeNet 1.1 (Iandola et al., 2016).
#include "zoo/families.h"

namespace sooner {
namespace {

NodeId conv_relu(GraphBuilder& b, const std::string& name, const std::string& relu, NodeId src,
                 const Conv2dAttributes& attributes) {
  return b.relu(relu, b.conv2d(name, src, attributes));
}

NodeId fire(GraphBuilder& b, const std::string& name, NodeId src, int64_t squeeze, int64_t expand) {
  const NodeId x = conv_relu(b, name + ".squeeze", name + ".squeeze_activation", src, conv(squeeze, 1));
  const NodeId one = conv_relu(b, name + ".expand1x1", name + ".expand1x1_activation", x, conv(expand, 1));
  const NodeId three = conv_relu(b, name + ".expand3x3", name + ".expand3x3_activation", x, conv(expand, 3, 1, 1));
  return b.concat(name, {one, three});
}

}  // namespace

Graph squeezenet_family(Variant& variant, const Shape& input_shape, int64_t classes) {
  variant.expect_no_more("nothing more");
  GraphBuilder b(variant.name(), input_shape, classes);
  const PoolAttributes halve = pool(3, 2, 0, true);
  NodeId x = conv_relu(b, "features.0", "features.1", b.input(), conv(64, 3, 2));
  x = b.max_pool("features.2", x, halve);
  x = fire(b, "features.3", x, 16, 64);
  x = fire(b, "features.4", x, 16, 64);
  x = b.max_pool("features.5", x, halve);
  x = fire(b, "features.6", x, 32, 128);
  x = fire(b, "features.7", x, 32, 128);
  x = b.max_pool("features.8", x, halve);
  x = fire(b, "features.9", x, 48, 192);
  x = fire(b, "features.10", x, 48, 192);
  x = fire(b, "features.11", x, 64, 256);
  x = fire(b, "features.12", x, 64, 256);
  x = conv_relu(b, "classifier.1", "classifier.2", x, conv(classes, 1));
  return b.finish(b.global_avg_pool("classifier.3", x));
}

}  // namespace sooner
