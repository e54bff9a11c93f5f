// ShuffleNetV2 (Ma et al., 2018). ":cifar" keeps the extents of the first convolution and does not pool.
#include <array>

#include "core/error.h"
#include "zoo/families.h"

namespace sooner {
namespace {

struct Widths {
  double multiplier;
  std::array<int64_t, 4> channels;  // of the three stages and the last convolution
};
constexpr Widths kWidths[] = {
    {0.5, {48, 96, 192, 1024}}, {1, {116, 232, 464, 1024}}, {1.5, {176, 352, 704, 1024}}, {2, {244, 488, 976, 2048}}};

// Layers "<name>.<index>", as torchvision counts them.
class Branch {
 public:
  Branch(GraphBuilder& b, std::string name, NodeId src) : b_(b), name_(std::move(name)), x_(src) {}
  void pointwise(int64_t channels) {
    x_ = b_.conv2d(next(), x_, conv(channels, 1, 1, 0, false));
    x_ = b_.batch_norm(next(), x_);
    x_ = b_.relu(next(), x_);
  }
  void depthwise(int64_t stride) {
    const int64_t channels = b_.shape(x_)[0];
    Conv2dAttributes a = conv(channels, 3, stride, 1, false);
    a.groups = channels;
    x_ = b_.conv2d(next(), x_, a);
    x_ = b_.batch_norm(next(), x_);
  }
  [[nodiscard]] NodeId value() const { return x_; }

 private:
  std::string next() { return fmt::format("{}.{}", name_, index_++); }
  GraphBuilder& b_;
  std::string name_;
  NodeId x_;
  int64_t index_ = 0;
};

NodeId unit(GraphBuilder& b, const std::string& name, NodeId src, int64_t channels, int64_t stride) {
  const int64_t half = channels / 2;
  NodeId first = src, rest = src;
  if (stride == 1) {
    first = b.slice(name + ".first", src, 0, half);
    rest = b.slice(name + ".rest", src, half, channels);
  } else {
    Branch branch(b, name + ".branch1", src);
    branch.depthwise(stride);
    branch.pointwise(half);
    first = branch.value();
  }
  Branch branch(b, name + ".branch2", rest);
  branch.pointwise(half);
  branch.depthwise(stride);
  branch.pointwise(half);
  return b.channel_shuffle(name, b.concat(name + ".concat", {first, branch.value()}), 2);
}

NodeId convolution(GraphBuilder& b, const std::string& name, NodeId src, Conv2dAttributes attributes) {
  attributes.bias = false;
  return b.relu(name + ".2", b.batch_norm(name + ".1", b.conv2d(name + ".0", src, attributes)));
}

}  // namespace

Graph shufflenet_family(Variant& variant, const Shape& input_shape, int64_t classes) {
  const double multiplier = variant.take_number('w', 0.5, 2).value_or(1);
  const bool cifar = variant.take("cifar");
  variant.expect_no_more("w0.5, w1, w1.5 or w2, or cifar");
  const Widths* widths = nullptr;
  for (const Widths& each : kWidths) {
    if (each.multiplier == multiplier) widths = &each;
  }
  if (widths == nullptr) {
    fail(Code::kInvalidArgument, "[zoo] '{}': got a width of {}, expected 0.5, 1, 1.5 or 2", variant.name(),
         multiplier);
  }
  GraphBuilder b(variant.name(), input_shape, classes);
  NodeId x = convolution(b, "conv1", b.input(), conv(24, 3, cifar ? 1 : 2, 1));
  if (!cifar) x = b.max_pool("maxpool", x, pool(3, 2, 1));
  constexpr std::array<int64_t, 3> kUnits{4, 8, 4};
  for (size_t stage = 0; stage < kUnits.size(); ++stage) {
    for (int64_t i = 0; i < kUnits[stage]; ++i) {
      x = unit(b, fmt::format("stage{}.{}", stage + 2, i), x, widths->channels[stage], i == 0 ? 2 : 1);
    }
  }
  x = convolution(b, "conv5", x, conv(widths->channels[3], 1));
  return b.finish(b.linear("fc", b.global_avg_pool("avgpool", x), classes));
}

}  // namespace sooner
