// A network of one's own, with two early exits: what it costs, a model file of it, answers from it.
//
// The weights are drawn, so the answers mean nothing; a trainer would bring its own under the same names.
#include <sooner/sooner.h>

#include <cmath>
#include <cstdio>
#include <exception>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

using sooner::NodeId;

constexpr int64_t kClasses = 10;

// Average of the map, one linear layer.
NodeId small_head(sooner::GraphBuilder& builder, const std::string& prefix, NodeId src) {
  return builder.linear(prefix + "fc", builder.global_avg_pool(prefix + "pool", src), builder.classes());
}

sooner::Graph own_network() {
  sooner::GraphBuilder b("own", {1, 28, 28}, kClasses);
  NodeId x = b.relu("relu1", b.batch_norm("bn1", b.conv2d("conv1", b.input(), sooner::conv(8, 3, 2, 1, false))));
  x = b.relu("relu2", b.conv2d("conv2", x, sooner::conv(16, 3, 1, 1)));
  const NodeId shortcut = x;
  x = b.conv2d("conv3", x, sooner::conv(16, 3, 1, 1));
  x = b.relu("relu3", b.add("add", x, shortcut));
  const sooner::Graph plain = b.finish(b.linear("fc", b.global_avg_pool("pool", x), kClasses));
  // One head of our own, without a gate; one by name, with the gate that an exit has unless told otherwise.
  return sooner::attach_exits(plain,
                              {{"relu1", small_head, {}}, {"relu2", sooner::head_from_string("conv-gap-fc:12")}});
}

// Every parameter the graph asks for, of the size that keeps activations near 1.
sooner::TensorMap drawn_weights(const sooner::Graph& graph) {
  std::mt19937 random(1);
  sooner::TensorMap weights;
  for (const sooner::ParameterSpec& spec : sooner::parameters(graph)) {
    sooner::Tensor tensor(sooner::DType::kF32, spec.shape);
    const double inputs = static_cast<double>(tensor.elements()) / static_cast<double>(spec.shape[0]);
    const auto width = static_cast<float>(std::sqrt(6 / inputs));
    for (float& value : tensor.floats()) {
      const float drawn = static_cast<float>(random() >> 8U) / static_cast<float>(1 << 23) - 1;  // [-1, 1)
      switch (spec.kind) {
        case sooner::ParameterKind::kScale:
        case sooner::ParameterKind::kRunningVar:
          value = 1;
          break;
        case sooner::ParameterKind::kShift:
        case sooner::ParameterKind::kRunningMean:
          value = 0;
          break;
        default:
          value = width * drawn;
      }
    }
    weights.emplace(spec.name, std::move(tensor));
  }
  return weights;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc > 2) {
    std::fprintf(stderr, "usage: own_graph [MODEL.safetensors to write]\n");
    return 2;
  }
  sooner::ModelFile file;
  file.manifest.graph = own_network();
  file.manifest.preprocessing = {.image_shape = {1, 28, 28}, .mean = {0.5}, .std = {0.25}, .channel_order = "L"};
  for (int64_t c = 0; c < kClasses; ++c) file.manifest.class_names.push_back("digit " + std::to_string(c));
  file.manifest.policy = {.name = "margin", .thresholds = sooner::Threshold::scores({0.1, 0.1})};
  file.tensors = drawn_weights(file.manifest.graph);

  const sooner::GraphCost cost = sooner::compute_cost(file.manifest.graph);
  std::printf("plain network: %lld MACs\n", static_cast<long long>(cost.backbone_macs));
  for (size_t k = 0; k < cost.exit_macs.size(); ++k) {
    std::printf("exit %zu: %lld MACs, %.3f of it\n", k, static_cast<long long>(cost.exit_macs[k]),
                cost.exit_fraction[k]);
  }

  const auto model = sooner::Model::from_file(file);
  sooner::Session session(model);
  std::vector<uint8_t> pictures(16 * 28 * 28);
  std::mt19937 random(2);
  for (uint8_t& pixel : pictures) pixel = static_cast<uint8_t>(random() >> 24U);
  std::vector<int> left(model->stages());
  for (const sooner::Result& answer : session.run(sooner::preprocess(file.manifest.preprocessing, pictures), 16)) {
    ++left[static_cast<size_t>(answer.exit_index)];
  }
  std::printf("16 pictures of noise left at exits 0, 1, 2: %d, %d, %d\n", left[0], left[1], left[2]);

  if (argc == 2) {
    sooner::save_model(file, argv[1]);
    std::printf("wrote %s\n", argv[1]);
  }
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "own_graph: %s\n", error.what());
  return 1;
}
