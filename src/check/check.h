// Runs one network on two backends and says whether they agree as closely as arithmetic allows.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "core/tensor.h"
#include "graph/graph.h"
#include "runtime/stage_runner.h"

namespace sooner {

// The answers of every exit, nobody leaving. n samples, K exits, C classes.
struct AllLogits {
  std::vector<float> logits;       // [n, K, C]
  std::vector<float> gate_logits;  // [n, K - 1], before the sigmoid; NaN where the exit has no gate
  // [n, K - 1], how far these may be off because gates were written down after the sigmoid; infinite: at least so far
  // from 0. Empty: not at all.
  std::vector<double> gate_slack = {};
};

// images: [n, C, H, W]. Throws what Backend::compile throws, kInvalidArgument for a wrong number of floats.
AllLogits run_every_exit(const Graph& graph, const TensorMap& weights, const Backend& backend,
                         const CompileOptions& options, std::span<const float> images,
                         const StepObserver& observe = {});

// One number that two sides disagree about.
struct Difference {
  int64_t sample = -1;
  int64_t exit_index = -1;
  int64_t class_index = -1;  // -1: the gate
  float expected = 0;
  float got = 0;
  double bound = 0;  // tolerance.h
  double share = 0;  // |expected - got| / bound; above 1 is a disagreement; infinite when one side is not a number
};

struct Agreement {
  int64_t compared = 0;  // numbers
  int64_t outside = 0;   // of them, beyond their bound
  int64_t answers = 0;   // a sample's label at one exit
  int64_t flips = 0;     // of them, another label
  Difference worst;      // the largest share
  [[nodiscard]] bool holds() const { return outside == 0; }
};
// "agrees on 120 numbers; worst at sample 3, exit 1, class 7: 1.25 against 1.2500001, 4 % of the bound 3e-06"
std::string to_string(const Agreement& agreement);

// Holds `got` against `expected`, each sample with its own bound (tolerance.h). Sizes must match.
Agreement compare_logits(const Graph& graph, const TensorMap& weights, std::span<const float> images,
                         Precision precision, const AllLogits& expected, const AllLogits& got,
                         const Quantisation* quantisation = nullptr);

// The reference backend in fp32 against `backend`.
Agreement check_backend(const Graph& graph, const TensorMap& weights, const Backend& backend,
                        const CompileOptions& options, std::span<const float> images);

}  // namespace sooner
