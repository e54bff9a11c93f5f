#include "profile.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "core/aligned_buffer.h"
#include "core/error.h"
#include "core/rng.h"
#include "graph/graph_builder.h"
#include "graph/shape_inference.h"

namespace sooner {
namespace {

using Clock = std::chrono::steady_clock;

// Every step runs at least so often and so long.
constexpr int kRuns = 5;
constexpr double kSeconds = 0.02;

// All stages, one after the other, for one batch; times each step.
class Runner {
 public:
  Runner(const std::vector<const CompiledStage*>& stages, std::span<const float> images, int32_t batch, size_t classes)
      : stages_(stages), images_(reinterpret_cast<const std::byte*>(images.data())), batch_(batch) {
    const auto rows = static_cast<size_t>(batch);
    logits_.resize(rows * classes);
    gates_.resize(rows);
    samples_.resize(rows);
    for (const CompiledStage* stage : stages_) {
      contexts_.push_back(stage->make_context());
      scratch_.emplace_back(stage->scratch_bytes());
      contexts_.back()->scratch = scratch_.back().bytes();
      cuts_.emplace_back();
      for (const CarryTensor& tensor : stage->carry_out()) cuts_.back().emplace_back(tensor.row_bytes * rows);
      shortest_.emplace_back(stage->steps().size(), std::numeric_limits<double>::infinity());
    }
  }

  // Shortest seconds of every step so far, [stage][step].
  const std::vector<std::vector<double>>& run() {
    double all = 0;
    for (int i = 0; i < kRuns || all < kSeconds; ++i) all += pass();
    return shortest_;
  }

 private:
  double pass() {
    double all = 0;
    for (size_t k = 0; k < stages_.size(); ++k) {
      // As a session does: as many rows at a time as the stage likes, so that steps find what they read in the cache.
      const int32_t at_once = std::clamp(stages_[k]->rows_at_once(), 1, batch_);
      std::vector<double> seconds(stages_[k]->steps().size());
      for (int32_t first = 0; first < batch_; first += at_once) {
        run_rows(k, first, std::min(at_once, batch_ - first), seconds);
      }
      for (size_t i = 0; i < seconds.size(); ++i) {
        shortest_[k][i] = std::min(shortest_[k][i], seconds[i]);
        all += seconds[i];
      }
    }
    return all;
  }

  void run_rows(size_t k, int32_t first, int32_t rows, std::vector<double>& seconds) {
    const CompiledStage& stage = *stages_[k];
    const auto offset = static_cast<size_t>(first);
    std::vector<const std::byte*> src;
    std::vector<std::byte*> dst;
    for (size_t t = 0; t < stage.carry_in().size(); ++t) {
      src.push_back((k == 0 ? images_ : cuts_[k - 1][t].data()) + offset * stage.carry_in()[t].row_bytes);
    }
    for (size_t t = 0; t < stage.carry_out().size(); ++t) {
      dst.push_back(cuts_[k][t].data() + offset * stage.carry_out()[t].row_bytes);
    }
    StageBatch batch;
    batch.n = rows;
    batch.samples = std::span(samples_).first(static_cast<size_t>(rows));
    batch.src = src;
    batch.dst = dst;
    batch.logits = logits_.data();
    batch.gate_logits = gates_.data();
    for (size_t i = 0; i < seconds.size(); ++i) {
      const auto begin = Clock::now();
      stage.run_step(i, batch, *contexts_[k]);
      seconds[i] += std::chrono::duration<double>(Clock::now() - begin).count();
    }
  }

  std::vector<const CompiledStage*> stages_;
  const std::byte* images_;
  int32_t batch_;
  std::vector<std::unique_ptr<StageContext>> contexts_;
  std::vector<AlignedBuffer> scratch_;
  std::vector<std::vector<AlignedBuffer>> cuts_;
  std::vector<std::vector<double>> shortest_;
  std::vector<float> logits_, gates_;
  std::vector<int32_t> samples_;
};

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
  Runner runner({stages[0].get()}, image, 1, 2);
  const auto& seconds = runner.run()[0];
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
  Runner runner(stages, images, batch, static_cast<size_t>(graph.classes));
  const auto& seconds = runner.run();

  std::vector<double> weight_bytes(graph.nodes.size());
  for (const ParameterSpec& spec : parameters(graph)) {
    if (spec.node >= 0)
      weight_bytes[static_cast<size_t>(spec.node)] += row_bytes({element_count(spec.shape)}, Precision::kF32);
  }
  Profile result;
  result.batch = batch;
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

}  // namespace sooner
