#include "zoo/heads.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/error.h"
#include "core/text.h"

namespace sooner {
namespace {

[[noreturn]] void bad(std::string_view description, std::string_view part, std::string_view expected) {
  fail(Code::kInvalidArgument, "[head] '{}' in '{}': expected {}", part, description, expected);
}

// Reads a number from 1 (or `low`) to 65536 at the front of `text` and removes it.
int64_t take_number(std::string_view& text, std::string_view description, int64_t low = 1) {
  int64_t value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value < low || value > 65536) {
    bad(description, text, fmt::format("a number from {} to 65536", low));
  }
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

NodeId linear_on(GraphBuilder& builder, const std::string& prefix, NodeId src) {
  if (builder.shape(src).size() != 1) src = builder.flatten(prefix + "flatten", src);
  return builder.linear(prefix + "fc", src, builder.classes());
}

NodeId gap_fc(GraphBuilder& builder, const std::string& prefix, NodeId src) {
  if (builder.shape(src).size() == 3) src = builder.global_avg_pool(prefix + "gap", src);
  return linear_on(builder, prefix, src);
}

NodeId pool_fc(GraphBuilder& builder, const std::string& prefix, NodeId src, int64_t side) {
  const Shape shape = builder.shape(src);
  if (shape.size() == 3 && (shape[1] > side || shape[2] > side)) {
    // As many windows as asked for, all of one size, from edge to edge; they tile the map where its extent is a
    // multiple.
    PoolAttributes a;
    const int64_t rows = std::min(side, shape[1]), columns = std::min(side, shape[2]);
    a.stride_h = shape[1] / rows;
    a.stride_w = shape[2] / columns;
    a.kernel_h = shape[1] - (rows - 1) * a.stride_h;
    a.kernel_w = shape[2] - (columns - 1) * a.stride_w;
    src = builder.mixed_pool(prefix + "pool", src, a);
  }
  return linear_on(builder, prefix, src);
}

NodeId conv_gap_fc(GraphBuilder& builder, const std::string& prefix, NodeId src, int64_t channels) {
  src = builder.conv2d(prefix + "conv", src, conv(channels, 3, 2, 1, false));
  src = builder.batch_norm(prefix + "bn", src);
  src = builder.relu(prefix + "relu", src);
  return gap_fc(builder, prefix, src);
}

NodeId conv2_fc(GraphBuilder& builder, const std::string& prefix, NodeId src, int64_t channels) {
  for (const char* number : {"1", "2"}) {
    src = builder.conv2d(prefix + "conv" + number, src, conv(channels, 3, 2, 1, false));
    src = builder.batch_norm(prefix + "bn" + number, src);
    src = builder.relu(prefix + "relu" + number, src);
  }
  const Shape shape = builder.shape(src);
  if (shape[1] > 1 && shape[2] > 1) src = builder.avg_pool(prefix + "pool", src, pool(2, 2, 0, true));
  return linear_on(builder, prefix, src);
}

// More classes are told apart by more features.
int64_t grown(int64_t channels, int64_t classes) {
  constexpr int64_t kStep = 16, kUsual = 10;
  if (classes <= kUsual) return channels;
  const double wanted = static_cast<double>(channels) * std::sqrt(static_cast<double>(classes) / kUsual);
  return static_cast<int64_t>(std::ceil(wanted / kStep)) * kStep;
}

using LayerFunction = std::function<NodeId(GraphBuilder&, const std::string& name, NodeId)>;

LayerFunction pool_item(std::string_view text, std::string_view description, bool max) {
  const int64_t kernel = take_number(text, description);
  const int64_t stride = take(text, "s") ? take_number(text, description) : kernel;
  if (!text.empty()) bad(description, text, "nothing more after the pool");
  return [=](GraphBuilder& b, const std::string& name, NodeId src) {
    const PoolAttributes a = pool(kernel, stride, 0, true);
    return max ? b.max_pool(name, src, a) : b.avg_pool(name, src, a);
  };
}

// One item of a `branchy` list; `kind` receives the layer's name stem.
LayerFunction branchy_item(std::string_view item, std::string_view description, std::string& kind) {
  std::string_view text = item;
  if (item == "relu" || item == "bn" || item == "gap") {
    kind = item;
    return [which = std::string(item)](GraphBuilder& b, const std::string& name, NodeId src) {
      if (which == "relu") return b.relu(name, src);
      return which == "bn" ? b.batch_norm(name, src) : b.global_avg_pool(name, src);
    };
  }
  if (take(text, "maxpool")) {
    kind = "pool";
    return pool_item(text, description, true);
  }
  if (take(text, "avgpool")) {
    kind = "pool";
    return pool_item(text, description, false);
  }
  if (take(text, "fc")) {
    kind = "fc";
    const int64_t features = take_number(text, description);
    if (!text.empty()) bad(description, item, "fc<features>");
    return [=](GraphBuilder& b, const std::string& name, NodeId src) {
      if (b.shape(src).size() != 1) src = b.flatten(name + "_flatten", src);
      return b.linear(name, src, features);
    };
  }
  if (take(text, "conv")) {
    kind = "conv";
    const int64_t channels = take_number(text, description);
    if (!take(text, "@")) bad(description, item, "conv<channels>@<kernel>[p<padding>][s<stride>]");
    const int64_t kernel = take_number(text, description);
    const int64_t pad = take(text, "p") ? take_number(text, description, 0) : 0;
    const int64_t stride = take(text, "s") ? take_number(text, description) : 1;
    if (!text.empty()) bad(description, item, "conv<channels>@<kernel>[p<padding>][s<stride>]");
    return [=](GraphBuilder& b, const std::string& name, NodeId src) {
      return b.conv2d(name, src, conv(channels, kernel, stride, pad));
    };
  }
  bad(description, item, "conv<C>@<K>[p<P>][s<S>], maxpool<K>[s<S>], avgpool<K>[s<S>], bn, relu, gap or fc<F>");
}

HeadFunction branchy(std::string_view list, std::string_view description) {
  std::vector<std::pair<std::string, LayerFunction>> layers;
  for (const std::string& item : split(list, ',')) {
    std::string kind;
    LayerFunction layer = branchy_item(item, description, kind);
    layers.emplace_back(fmt::format("{}{}", kind, layers.size()), std::move(layer));
  }
  return [layers](GraphBuilder& builder, const std::string& prefix, NodeId src) {
    for (const auto& [name, layer] : layers) src = layer(builder, prefix + name, src);
    return linear_on(builder, prefix, src);
  };
}

}  // namespace

const std::vector<std::string>& head_names() {
  static const std::vector<std::string> names{"gap-fc", "pool-fc", "conv-gap-fc", "conv2-fc", "branchy"};
  return names;
}

HeadFunction head_from_string(std::string_view description) {
  const size_t colon = description.find(':');
  const std::string_view name = description.substr(0, colon);
  const bool has_argument = colon != std::string_view::npos;
  std::string_view argument = has_argument ? description.substr(colon + 1) : std::string_view{};
  if (name == "gap-fc") {
    if (has_argument) bad(description, argument, "no argument");
    return gap_fc;
  }
  if (name == "branchy")
    return branchy(has_argument ? argument : "maxpool2,relu,conv10@3p1,maxpool2,relu", description);
  // Heads of one number, with its default.
  struct Sized {
    std::string_view name;
    int64_t standard;
    bool grows;
    NodeId (*build)(GraphBuilder& builder, const std::string& prefix, NodeId src, int64_t number);
  };
  constexpr std::array<Sized, 3> kSized = {
      {{"pool-fc", 4, false, pool_fc}, {"conv-gap-fc", 64, true, conv_gap_fc}, {"conv2-fc", 128, true, conv2_fc}}};
  for (const Sized& head : kSized) {
    if (name != head.name) continue;
    int64_t number = head.standard;
    if (has_argument) {
      number = take_number(argument, description);
      if (!argument.empty()) bad(description, argument, "one number");
    }
    const bool grows = head.grows && !has_argument;
    return [build = head.build, number, grows](GraphBuilder& builder, const std::string& prefix, NodeId src) {
      return build(builder, prefix, src, grows ? grown(number, builder.classes()) : number);
    };
  }
  fail(Code::kInvalidArgument, "[head] '{}' is unknown; {}", name, suggest(name, head_names()));
}

}  // namespace sooner
