// AlexNets for 32x32 pictures.
#include "zoo/families.h"

namespace sooner {
namespace {

NodeId pool3(GraphBuilder& b, const std::string& name, NodeId src) {
  return b.max_pool(name, src, pool(3, 2, 0, true));
}

// Of Chainer: the sum is not divided by its length, and begins at 2.
NodeId chainer_norm(GraphBuilder& b, const std::string& name, NodeId src) {
  return b.local_response_norm(name, src, {.size = 3, .alpha = 3 * 5e-5, .beta = 0.75, .bias = 2});
}

}  // namespace

// B-AlexNet of BranchyNet (Teerapittayanon et al., 2016), its branches left out; pooling rounds up. Branch points:
// "conv2" and "conv3".
Graph b_alexnet_family(Variant& variant, const Shape& input_shape, int64_t classes) {
  variant.expect_no_more("nothing more");
  GraphBuilder b(variant.name(), input_shape, classes);
  NodeId x = b.relu("relu1", b.conv2d("conv1", b.input(), conv(32, 5, 1, 2)));
  x = chainer_norm(b, "norm1", pool3(b, "pool1", x));
  x = b.relu("relu2", b.conv2d("conv2", x, conv(64, 5, 1, 2)));
  x = chainer_norm(b, "norm2", pool3(b, "pool2", x));
  x = b.relu("relu3", b.conv2d("conv3", x, conv(96, 3, 1, 1)));
  x = b.relu("relu4", b.conv2d("conv4", x, conv(96, 3, 1, 1)));
  x = b.relu("relu5", b.conv2d("conv5", x, conv(64, 3, 1, 1)));
  x = b.flatten("flatten", pool3(b, "pool5", x));
  x = b.relu("relu6", b.linear("fc1", x, 256));
  x = b.relu("relu7", b.linear("fc2", x, 128));
  return b.finish(b.linear("fc3", x, classes));
}

// As Pomponi, Scardapane and Uncini (2022) train it: five convolutions, each followed by a place for an exit.
Graph alexnet_cifar_family(Variant& variant, const Shape& input_shape, int64_t classes) {
  variant.expect_no_more("nothing more");
  GraphBuilder b(variant.name(), input_shape, classes);
  NodeId x = b.input();
  const auto layer = [&](int index, int64_t channels, int64_t pad, bool pooled) {
    const std::string suffix = std::to_string(index);
    x = b.relu("relu" + suffix, b.conv2d("conv" + suffix, x, conv(channels, 3, 1, pad)));
    if (pooled) x = b.max_pool("pool" + suffix, x, pool(2, 2));
  };
  layer(1, 64, 2, false);
  layer(2, 192, 2, true);
  layer(3, 384, 1, true);
  layer(4, 256, 1, false);
  layer(5, 256, 1, true);
  return b.finish(b.linear("fc", b.flatten("flatten", x), classes));
}

}  // namespace sooner
