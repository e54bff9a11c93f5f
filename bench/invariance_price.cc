// What batch invariance costs: that a sample's bits may not depend on its batch-mates forbids this engine the batch
// sizes at which oneDNN's convolutions give other bits, and oneDNN's inner product altogether.
//
//   invariance_price [network] [CxHxW]      default: both demo networks
//
// For every convolution: whether batch sizes were given up. For the linear layers: our kernel against oneDNN's inner
// product, in turns, answers compared. Weights are seeded, images noise: neither changes the work.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "backend/onednn/convolution.h"
#include "backend/onednn/kernels.h"
#include "backend/onednn/linear_weights.h"
#include "bench/program.h"
#include "core/clock.h"
#include "core/cpu.h"
#include "core/rng.h"
#include "core/text.h"
#include "graph/shape_inference.h"
#include "runtime/session.h"
#include "support/measured_scales.h"
#include "support/random_weights.h"
#include "zoo/zoo.h"

namespace sooner::onednn {
namespace {

std::vector<float> noise(size_t count, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(rng.normal());
  return values;
}

template <typename Call>
double seconds(const Call& call) {
  const Stopwatch watch;
  call();
  return watch.seconds();
}

// Medians of seconds for `n` rows.
struct LinearTimes {
  double ours = 0, library = 0;
};

LinearTimes time_linear(int64_t inputs, int64_t outputs, int64_t n) {
  const auto in = static_cast<size_t>(inputs), out = static_cast<size_t>(outputs), rows = static_cast<size_t>(n);
  const std::vector<float> weight = noise(in * out, 1), bias = noise(out, 2), src = noise(in * rows, 3);
  std::vector<float> ours(out * rows), theirs(out * rows);
  const LinearWeights packed = pack_linear(weight, bias, in, {}, std::nullopt);
  LinearArguments arguments;
  arguments.src = src.data();
  arguments.weight = packed.weight.as<float>();
  arguments.bias = packed.bias.as<float>();
  arguments.dst = ours.data();
  arguments.n = rows;
  arguments.inputs = in;
  arguments.outputs = out;

  using dnnl::memory;
  const OneThread one_thread;
  const dnnl::engine& engine = cpu_engine();
  dnnl::stream stream(engine);
  const auto dense = [](const memory::dims& dims, memory::format_tag tag) {
    return memory::desc(dims, memory::data_type::f32, tag);
  };
  const dnnl::inner_product_forward::primitive_desc desc(
      engine, dnnl::prop_kind::forward_inference, dense({n, inputs}, memory::format_tag::ab),
      dense({outputs, inputs}, memory::format_tag::any), dense({outputs}, memory::format_tag::a),
      dense({n, outputs}, memory::format_tag::ab));
  const dnnl::inner_product_forward primitive(desc);
  memory given(dense({outputs, inputs}, memory::format_tag::ab), engine, const_cast<float*>(weight.data()));
  memory wanted(desc.weights_desc(), engine);
  dnnl::reorder(given, wanted).execute(stream, given, wanted);
  const std::unordered_map<int, memory> list{
      {DNNL_ARG_SRC, memory(desc.src_desc(), engine, const_cast<float*>(src.data()))},
      {DNNL_ARG_WEIGHTS, wanted},
      {DNNL_ARG_BIAS, memory(desc.bias_desc(), engine, const_cast<float*>(bias.data()))},
      {DNNL_ARG_DST, memory(desc.dst_desc(), engine, theirs.data())}};

  std::vector<double> our_seconds, their_seconds;
  for (int round = 0; round < 201; ++round) {
    our_seconds.push_back(seconds([&] { kernel_table().f32.linear(arguments); }));
    their_seconds.push_back(seconds([&] { primitive.execute(stream, list); }));
  }
  for (size_t i = 0; i < ours.size(); ++i) {
    if (std::abs(ours[i] - theirs[i]) > 1e-4F * static_cast<float>(std::sqrt(inputs)) * 4) {
      fail(Code::kInternal, "[invariance_price] output {}: ours {}, oneDNN's {}", i, ours[i], theirs[i]);
    }
  }
  const auto median = [](std::vector<double>& values) {
    std::ranges::nth_element(values, values.begin() + static_cast<ptrdiff_t>(values.size() / 2));
    return values[values.size() / 2];
  };
  return {median(our_seconds), median(their_seconds)};
}

// "3 of 19" convolutions may not run at every batch size up to the largest.
std::string restricted_convolutions(const Graph& graph, const TensorMap& weights, Precision precision,
                                    const Quantisation& quantisation) {
  const std::vector<Shape> shapes = infer_shapes(graph);
  int restricted = 0, all = 0;
  for (size_t id = 1; id < graph.nodes.size(); ++id) {
    const Node& node = graph.node(static_cast<NodeId>(id));
    if (node.op != OpKind::kConv2d) continue;
    ConvolutionSetup setup;
    setup.name = node.name;
    setup.attributes = std::get<Conv2dAttributes>(node.attributes);
    setup.src_shape = shapes[static_cast<size_t>(node.inputs[0])];
    setup.dst_shape = shapes[id];
    setup.precision = precision;
    setup.relu = true;
    setup.batch_max = 16;
    const std::span<const float> weight = weights.at(node.name + ".weight").floats();
    setup.weight.assign(weight.begin(), weight.end());
    setup.bias.resize(static_cast<size_t>(setup.attributes.out_channels));
    if (precision == Precision::kInt8) {
      const auto scale = quantisation.scales.find(graph.node(node.inputs[0]).name);
      if (scale == quantisation.scales.end()) continue;  // reads the image
      setup.src_scale = {scale->second.scale, false};
      setup.dst_scale = {scale->second.scale * 8, false};
    }
    const Convolution convolution(setup);
    const std::vector<int32_t> rows = convolution.bucket_rows();
    ++all;
    // Our own kernel takes images one by one anyway.
    const bool own = convolution.implementation().starts_with("sooner");
    restricted += !own && rows.size() != 5 ? 1 : 0;
  }
  return fmt::format("{} of {}", restricted, all);
}

void price(const std::string& network, const Shape& shape) {
  ModelFile file;
  file.manifest.graph = backbone_from_string(network, shape, 10);
  const Graph& graph = file.manifest.graph;
  file.tensors = test::random_weights(graph, 1);
  file.manifest.quantisation = test::measured_quantisation(graph, file.tensors);
  file.manifest.quantisation->model_hash = model_hash(file);
  const std::vector<Shape> shapes = infer_shapes(graph);
  for (const Precision precision : {Precision::kF32, Precision::kBF16, Precision::kInt8}) {
    if (!make_backend("onednn")->supports(precision)) continue;
    const std::string restricted = restricted_convolutions(graph, file.tensors, precision, *file.manifest.quantisation);
    for (const int32_t batch : {1, 16, 128}) {
      const auto model = Model::from_file(file, {.backend = "onednn", .precision = precision, .batch_max = batch});
      Session session(model);
      const std::vector<float> images = test::random_images(graph, batch, 2);
      std::vector<double> whole;
      for (int round = 0; round < 31; ++round) {
        whole.push_back(seconds([&] { static_cast<void>(session.run(images, batch)); }));
      }
      std::ranges::sort(whole);
      const double total = whole[whole.size() / 2];
      LinearTimes linear;
      for (size_t id = 1; id < graph.nodes.size(); ++id) {
        const Node& node = graph.node(static_cast<NodeId>(id));
        if (node.op != OpKind::kLinear) continue;
        const LinearTimes one =
            time_linear(element_count(shapes[static_cast<size_t>(node.inputs[0])]), element_count(shapes[id]), batch);
        linear.ours += one.ours;
        linear.library += one.library;
      }
      fmt::print("{},{},{},{},{},{:.2f},{:.2f},{:.2f},{:+.1f} %\n", network, model->instruction_set(),
                 to_string(precision), batch, restricted, total / batch * 1e6, linear.ours / batch * 1e6,
                 linear.library / batch * 1e6, (linear.ours - linear.library) / total * 100);
    }
  }
}

}  // namespace
}  // namespace sooner::onednn

int main(int argc, char** argv) {
  using namespace sooner;
  return run_program("invariance_price", [&] {
    fmt::print("# {}, one thread, us per image\n", cpu_name());
    fmt::print("network,isa,precision,batch,convolutions kept from a batch size,network us,linear us,");
    fmt::print("oneDNN's inner product us,price\n");
    for (const auto& [network, shape] : networks_of(argc, argv)) onednn::price(network, shape);
    return 0;
  });
}
