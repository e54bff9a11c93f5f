#include "check/check.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "backend/ref/ref_backend.h"
#include "check/tolerance.h"
#include "core/error.h"
#include "runtime/every_exit.h"

namespace sooner {
namespace {

size_t sample_count(const Graph& graph, std::span<const float> images) {
  const auto per_sample = static_cast<size_t>(element_count(graph.input_shape));
  if (images.size() % per_sample != 0) {
    fail(Code::kInvalidArgument, "[check] got {} floats, expected a multiple of {} = {}", images.size(),
         to_string(graph.input_shape), per_sample);
  }
  return images.size() / per_sample;
}

void note(Agreement& agreement, Difference difference) {
  const double distance = std::abs(static_cast<double>(difference.expected) - static_cast<double>(difference.got));
  if (!std::isfinite(distance)) {
    difference.share = std::numeric_limits<double>::infinity();
  } else if (distance > 0) {
    difference.share = distance / difference.bound;
  }
  ++agreement.compared;
  if (difference.share > 1) ++agreement.outside;
  if (agreement.worst.sample < 0 || difference.share > agreement.worst.share) agreement.worst = difference;
}

// Of a gate that was written down after the sigmoid.
void allow(double slack, Difference& difference) {
  if (std::isfinite(slack)) {
    difference.bound += slack;
  } else if (difference.expected > 0 ? difference.got > difference.expected : difference.got < difference.expected) {
    difference.expected = difference.got;
  }
}

// The largest of `classes` logits, the first of equals.
size_t label(const std::vector<float>& logits, size_t first, size_t classes) {
  const auto begin = logits.begin() + static_cast<std::ptrdiff_t>(first);
  return static_cast<size_t>(std::max_element(begin, begin + static_cast<std::ptrdiff_t>(classes)) - begin);
}

}  // namespace

AllLogits run_every_exit(const Graph& graph, const TensorMap& weights, const Backend& backend,
                         const CompileOptions& options, std::span<const float> images, const StepObserver& observe) {
  const auto stages = backend.compile(graph, weights, options);
  const size_t n = sample_count(graph, images), exits = stages.size();
  const auto per_sample = static_cast<size_t>(element_count(graph.input_shape));
  const auto classes = static_cast<size_t>(graph.classes);
  const int32_t rows = options.batch_max;
  AllLogits all;
  all.logits.resize(n * exits * classes);
  all.gate_logits.assign(n * (exits - 1), std::numeric_limits<float>::quiet_NaN());
  Workers workers(1);
  std::vector<StageLane> lanes(exits);
  for (size_t k = 0; k < exits; ++k) {
    lanes[k].runner = std::make_unique<StageRunner>(*stages[k], place_in(graph, k), rows, workers);
    lanes[k].out = RowQueue(stages[k]->carry_out(), rows);
  }
  RowQueue input = RowQueue::borrowing(stages[0]->carry_in(), rows);
  for (size_t first = 0; first < n; first += static_cast<size_t>(rows)) {
    const size_t count = std::min(static_cast<size_t>(rows), n - first);
    input.borrow(0, reinterpret_cast<const std::byte*>(images.data() + first * per_sample));
    for (size_t i = 0; i < count; ++i) input.push(first + i, Row{});
    run_every_exit(
        lanes, input,
        [&](size_t k, const StageRunner& runner, const RowQueue&, const RowQueue&) {
          for (size_t i = 0; i < count; ++i) {
            const auto row = static_cast<int32_t>(i);
            std::ranges::copy(runner.logits(row), &all.logits[((first + i) * exits + k) * classes]);
            if (graph.stages[k].exit.gate) all.gate_logits[(first + i) * (exits - 1) + k] = runner.gate_logit(row);
          }
        },
        observe);
  }
  return all;
}

Agreement compare_logits(const Graph& graph, const TensorMap& weights, std::span<const float> images,
                         Precision precision, const AllLogits& expected, const AllLogits& got,
                         const Quantisation* quantisation) {
  const size_t n = sample_count(graph, images), exits = graph.exits();
  const auto per_sample = static_cast<size_t>(element_count(graph.input_shape));
  const auto classes = static_cast<size_t>(graph.classes);
  for (const AllLogits* side : {&expected, &got}) {
    if (side->logits.size() != n * exits * classes || side->gate_logits.size() != n * (exits - 1)) {
      fail(Code::kInvalidArgument, "[check] got {} logits and {} gates, expected {} and {}", side->logits.size(),
           side->gate_logits.size(), n * exits * classes, n * (exits - 1));
    }
  }
  Agreement agreement;
  for (size_t sample = 0; sample < n; ++sample) {
    const LogitTolerance bound =
        logit_tolerance(graph, weights, images.subspan(sample * per_sample, per_sample), precision, quantisation);
    for (size_t k = 0; k < exits; ++k) {
      Difference difference{.sample = static_cast<int64_t>(sample), .exit_index = static_cast<int64_t>(k)};
      const size_t first = (sample * exits + k) * classes;
      ++agreement.answers;
      if (label(expected.logits, first, classes) != label(got.logits, first, classes)) ++agreement.flips;
      for (size_t c = 0; c < classes; ++c) {
        const size_t at = first + c;
        difference.class_index = static_cast<int64_t>(c);
        difference.expected = expected.logits[at];
        difference.got = got.logits[at];
        difference.bound = bound.logits[k * classes + c];
        note(agreement, difference);
      }
      if (!graph.stages[k].exit.gate) continue;
      const size_t at = sample * (exits - 1) + k;
      difference.class_index = -1;
      difference.expected = expected.gate_logits[at];
      difference.got = got.gate_logits[at];
      difference.bound = bound.gate_logits[k];
      if (!expected.gate_slack.empty()) allow(expected.gate_slack[at], difference);
      note(agreement, difference);
    }
  }
  return agreement;
}

Agreement check_backend(const Graph& graph, const TensorMap& weights, const Backend& backend,
                        const CompileOptions& options, std::span<const float> images) {
  const RefBackend reference;
  const AllLogits expected = run_every_exit(graph, weights, reference, {.batch_max = options.batch_max}, images);
  const AllLogits got = run_every_exit(graph, weights, backend, options, images);
  return compare_logits(graph, weights, images, options.precision, expected, got, options.quantisation);
}

std::string to_string(const Agreement& agreement) {
  if (agreement.compared == 0) return "nothing to compare";
  const Difference& worst = agreement.worst;
  const std::string where = worst.class_index < 0 ? "gate" : fmt::format("class {}", worst.class_index);
  const std::string verdict = agreement.holds()
                                  ? fmt::format("agrees on {} numbers", agreement.compared)
                                  : fmt::format("differs in {} of {} numbers", agreement.outside, agreement.compared);
  return fmt::format("{}; worst at sample {}, exit {}, {}: expected {}, got {}, {:.3g} % of the bound {:.3g}", verdict,
                     worst.sample, worst.exit_index, where, worst.expected, worst.got, 100 * worst.share, worst.bound);
}

}  // namespace sooner
