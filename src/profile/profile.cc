#include "profile/profile.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/cpu.h"
#include "core/error.h"
#include "core/rng.h"
#include "graph/graph_builder.h"
#include "graph/parameters.h"
#include "graph/shape_inference.h"
#include "runtime/bare_stage.h"

namespace sooner {
namespace {

// Every step runs at least so often and so long.
constexpr int kRuns = 5;
constexpr double kSeconds = 0.02;

using StepSeconds = std::vector<std::vector<double>>;  // [stage][step]

// The shortest seconds of every step, all stages one after the other for `batch` rows. Every stage reads what the one
// before it wrote.
StepSeconds shortest_seconds(const std::vector<const CompiledStage*>& stages, std::span<const float> images,
                             int64_t classes, int32_t batch) {
  std::vector<std::unique_ptr<BareStage>> bare;
  StepSeconds shortest;
  for (size_t k = 0; k < stages.size(); ++k) {
    bare.push_back(std::make_unique<BareStage>(
        *stages[k],
        k == 0 ? std::vector<const std::byte*>{reinterpret_cast<const std::byte*>(images.data())}
               : bare[k - 1]->output(),
        classes, batch));
    shortest.emplace_back(stages[k]->steps().size(), std::numeric_limits<double>::infinity());
  }
  double all = 0;
  for (int run = 0; run < kRuns || all < kSeconds; ++run) {
    for (size_t k = 0; k < stages.size(); ++k) {
      std::vector<double> seconds(shortest[k].size());
      bare[k]->run(batch, seconds);
      for (size_t i = 0; i < seconds.size(); ++i) {
        shortest[k][i] = std::min(shortest[k][i], seconds[i]);
        all += seconds[i];
      }
    }
  }
  return shortest;
}

// What this backend reaches on a convolution that keeps every unit busy: MACs per microsecond.
double measured_peak(const Backend& backend, Precision precision) {
  constexpr int64_t kChannels = 128, kExtent = 16;
  GraphBuilder builder("peak", {kChannels, kExtent, kExtent}, 2);
  // What reads the image is fp32 in every precision; the one behind it is meant.
  const NodeId entry = builder.conv2d("entry", builder.input(), conv(kChannels, 1));
  const NodeId large = builder.conv2d("large", entry, conv(kChannels, 3, 1, 1));
  const Graph graph = builder.finish(builder.linear("fc", builder.global_avg_pool("pool", large), 2));
  Rng rng(1);
  TensorMap weights;
  for (const ParameterSpec& spec : parameters(graph)) {
    Tensor tensor(DType::kF32, spec.shape);
    for (float& value : tensor.floats()) value = static_cast<float>(0.05 * rng.normal());
    weights.emplace(spec.name, std::move(tensor));
  }
  Quantisation quantisation;
  quantisation.scales = {{"entry", {0.01, true}}, {"large", {0.01, true}}};
  const auto stages =
      backend.compile(graph, weights, {.precision = precision, .batch_max = 1, .quantisation = &quantisation});
  const std::vector<float> image(static_cast<size_t>(kChannels * kExtent * kExtent), 0.5F);
  const std::vector<double> seconds = shortest_seconds({stages[0].get()}, image, 2, 1)[0];
  for (size_t i = 0; i < seconds.size(); ++i) {
    if (stages[0]->steps()[i].name == "large") {
      return static_cast<double>(stages[0]->steps()[i].macs) / (seconds[i] * 1e6);
    }
  }
  SOONER_ASSERT(false);
}

// Bytes of one sample's row of a node's value, in the precision it is kept in.
double row_bytes(const Shape& shape, Precision precision) {
  const double each = shape.size() != 3 ? 4 : precision == Precision::kInt8 ? 1 : precision == Precision::kBF16 ? 2 : 4;
  return each * static_cast<double>(element_count(shape));
}

}  // namespace

Profile profile(const Model& model, const Backend& backend, std::span<const float> images, int32_t batch) {
  const Graph& graph = model.graph();
  const std::vector<Shape> shapes = infer_shapes(graph);
  std::vector<const CompiledStage*> stages;
  for (size_t k = 0; k < model.stages(); ++k) stages.push_back(&model.stage(k));
  const StepSeconds seconds = shortest_seconds(stages, images, graph.classes, batch);

  std::vector<double> weight_bytes(graph.nodes.size());
  for (const ParameterSpec& spec : parameters(graph)) {
    if (spec.node >= 0)
      weight_bytes[static_cast<size_t>(spec.node)] += row_bytes({element_count(spec.shape)}, Precision::kF32);
  }
  Profile result;
  result.key = {.batch = batch,
                .precision = std::string(to_string(model.precision())),
                .threads = 1,
                .backend = model.backend_name(),
                .instruction_set = model.instruction_set()};
  result.cpu = cpu_name();
  result.cpu_features = to_string(cpu_features());
  result.peak_macs_per_us = measured_peak(backend, model.precision());
  for (size_t k = 0; k < stages.size(); ++k) {
    StageProfile stage;
    for (const CarryTensor& tensor : stages[k]->carry_out())
      stage.carry_bytes += static_cast<int64_t>(tensor.row_bytes);
    for (size_t i = 0; i < stages[k]->steps().size(); ++i) {
      const StepInfo& info = stages[k]->steps()[i];
      StepProfile step;
      step.name = info.name;
      step.op = info.nodes.empty() ? std::string(info.macs > 0 ? "gate" : "copy") : std::string(to_string(info.op));
      step.head = info.head;
      step.us = seconds[k][i] * 1e6 / batch;
      step.macs = info.macs;
      if (!info.nodes.empty()) {
        step.bytes = row_bytes(shapes[static_cast<size_t>(info.nodes.back())], model.precision());
        for (const NodeId id : info.nodes) {
          step.bytes += weight_bytes[static_cast<size_t>(id)] / batch;
          for (const NodeId input : graph.node(id).inputs) {
            const bool inside = std::ranges::find(info.nodes, input) != info.nodes.end();
            if (!inside) step.bytes += row_bytes(shapes[static_cast<size_t>(input)], model.precision());
          }
        }
      }
      step.share = step.us > 0 ? static_cast<double>(step.macs) / step.us / result.peak_macs_per_us : 0;
      (step.head ? stage.head_us : stage.trunk_us) += step.us;
      stage.steps.push_back(std::move(step));
    }
    result.stages.push_back(std::move(stage));
  }
  return result;
}

std::vector<double> exit_times(const Profile& profile) {
  double plain = profile.stages.back().head_us;
  for (const StageProfile& stage : profile.stages) plain += stage.trunk_us;
  std::vector<double> times;
  double spent = 0;
  for (const StageProfile& stage : profile.stages) {
    spent += stage.trunk_us + stage.head_us;
    times.push_back(std::round(spent / plain * 1e4) / 1e4);  // no clock tells more
  }
  return times;
}

}  // namespace sooner
