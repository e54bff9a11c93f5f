// VGG (Simonyan and Zisserman, 2015). ":cifar" has one linear layer in place of three.
#include <algorithm>
#include <map>

#include "core/error.h"
#include "zoo/families.h"

namespace sooner {

Graph vgg_family(Variant& variant, const Shape& input_shape, int64_t classes) {
  // Channels of each convolution; 0 pools.
  static const std::map<std::string, std::vector<int64_t>, std::less<>> kLayers{
      {"vgg11", {64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0}},
      {"vgg13", {64, 64, 0, 128, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0}},
      {"vgg16", {64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0}}};
  const auto layers = kLayers.find(variant.family());
  if (layers == kLayers.end()) {
    fail(Code::kInvalidArgument, "[zoo] '{}' is unknown; expected vgg11, vgg13 or vgg16", variant.family());
  }
  const bool norm = variant.take("bn"), cifar = variant.take("cifar");
  variant.expect_no_more("bn or cifar");
  GraphBuilder b(variant.name(), input_shape, classes);
  NodeId x = b.input();
  int64_t index = 0;  // torchvision counts every layer
  const auto next = [&] { return fmt::format("features.{}", index++); };
  for (const int64_t channels : layers->second) {
    if (channels == 0) {
      x = b.max_pool(next(), x, pool(2, 2));
      continue;
    }
    x = b.conv2d(next(), x, conv(channels, 3, 1, 1));
    if (norm) x = b.batch_norm(next(), x);
    x = b.relu(next(), x);
  }
  if (cifar) return b.finish(b.linear("classifier", b.global_avg_pool("avgpool", x), classes));
  if (b.shape(x) != Shape{512, 7, 7}) {
    fail(Code::kInvalidArgument, "[zoo] '{}' wants pictures of 224x224, got {}; for small ones add :cifar",
         variant.name(), to_string(input_shape));
  }
  x = b.relu("classifier.1", b.linear("classifier.0", b.flatten("flatten", x), 4096));
  x = b.relu("classifier.4", b.linear("classifier.3", x, 4096));
  return b.finish(b.linear("classifier.6", x, classes));
}

}  // namespace sooner
