// Every exit's logits for a list of samples: what tuning and replay work on. Knows nothing of models or data sets;
// logit_table_file.h stores tables and gets them back.
//
// Of a network that answers with a number C is 1, and its one logit that number, in its unit.
//
// Shapes below: N = samples, K = exits (the last one always stops), C = classes. Exits count from 0.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "policy/exit_policy.h"

namespace sooner {

struct LogitTable {
  int64_t samples = 0;                     // N
  int32_t exits = 0;                       // K
  int32_t classes = 0;                     // C
  std::vector<float> logits = {};          // [N, K, C], C fastest; empty where they lie elsewhere
  std::span<const float> stored = {};      // [N, K, C], in place of `logits`: in a mapped file, say
  std::shared_ptr<const void> store = {};  // keeps what `stored` looks at
  std::vector<float> gates = {};           // [N, K-1], sigmoid outputs; NaN without gate
  std::vector<int32_t> labels = {};        // [N]; empty where C is 1
  std::vector<float> targets = {};         // [N], the numbers that are right, where C is 1; empty elsewhere
  std::vector<double> exit_cost = {};      // [K], C_k as fractions of the plain backbone
  // [K], the part of exit_cost that head k itself costs; a policy that skips a head does not pay it. Empty: not known,
  // nothing is taken off.
  std::vector<double> head_cost = {};
  // For policies with a deadline; empty: not recorded. Seconds since the sample's run began when each exit had
  // answered, [N, K], and what stage k and its head take, [K].
  std::vector<double> elapsed_seconds = {};
  std::vector<double> stage_seconds = {};
  // What a sample that went on from each exit had to wait before its next stage, the longer of what was counted when it
  // was let on and of what it waited, [N, K-1]; empty: nobody waited.
  std::vector<double> wait_seconds = {};
  std::optional<CostWeights> cost_weights = {};  // where the gates were trained for a range of them

  // [N, K, C], wherever they lie.
  [[nodiscard]] std::span<const float> all_logits() const {
    return logits.empty() ? stored : std::span<const float>(logits);
  }
  [[nodiscard]] std::span<const float> at(int64_t sample, int32_t exit) const {
    const auto c = static_cast<size_t>(classes);
    return all_logits().subspan(
        (static_cast<size_t>(sample) * static_cast<size_t>(exits) + static_cast<size_t>(exit)) * c, c);
  }
  [[nodiscard]] float gate(int64_t sample, int32_t exit) const {
    if (exit + 1 == exits) return 1.0F;
    return gates[static_cast<size_t>(sample) * static_cast<size_t>(exits - 1) + static_cast<size_t>(exit)];
  }
  // What it is worth to answer a sample at an exit so: 1 or 0, whether the label is right; of a number, minus the
  // absolute error. The larger the better.
  [[nodiscard]] float quality(int64_t sample, int32_t exit, int32_t label) const {
    const auto n = static_cast<size_t>(sample);
    if (classes == 1) {
      return -std::min(std::abs(at(sample, exit)[0] - targets[n]), std::numeric_limits<float>::max());
    }
    return label == labels[n] ? 1.0F : 0.0F;
  }
  // What a policy is shown of a sample at an exit.
  [[nodiscard]] ExitObservation observation(int64_t sample, int32_t exit) const {
    ExitObservation seen{.exit_index = exit, .logits = at(sample, exit), .gate = gate(sample, exit)};
    if (elapsed_seconds.empty()) return seen;
    const auto k = static_cast<size_t>(exit);
    seen.elapsed_seconds = elapsed_seconds[static_cast<size_t>(sample) * static_cast<size_t>(exits) + k];
    seen.next_stage_seconds = exit + 1 < exits ? stage_seconds[k + 1] : 0;
    if (exit + 1 < exits && !wait_seconds.empty()) {
      seen.next_stage_seconds += wait_seconds[static_cast<size_t>(sample) * static_cast<size_t>(exits - 1) + k];
    }
    return seen;
  }
};

// Throws kInvalidArgument unless the table has samples, every array has its size, labels are below C, logits and
// targets are finite, gates lie in [0, 1] (or are NaN) and costs are positive and do not fall from exit to exit.
void validate(const LogitTable& table);

// The table of these samples alone, in their order. REQUIRES: a valid table, samples it has.
LogitTable of_samples(const LogitTable& table, std::span<const int64_t> samples);

// What make_policy wants to know about the model behind the table. Gates count when no sample lacks one.
PolicyContext policy_context(const LogitTable& table);

// [K]: mean quality of every exit answering everything: the accuracy, or minus the mean absolute error. REQUIRES: a
// valid table.
std::vector<double> quality_of_exits(const LogitTable& table);

// [K]: what stopping at each exit costs under this policy: exit_cost less the heads before it that the policy skips.
std::vector<double> cost_of_exits(const LogitTable& table, const ExitPolicy& policy);

// What a policy would do on the table: the same decisions as in the engine.
struct Replay {
  std::vector<int32_t> exit_index = {};  // [N]
  std::vector<float> score = {};         // [N], at the exit taken
  std::vector<int32_t> label = {};       // [N], what the policy answered there; 0 where the answer is a number
  std::vector<Left> left = {};           // [N], why it left
  double quality = 0;                    // mean
  double cost = 0;                       // mean C_k, less the heads the policy skipped
  std::vector<double> exit_cost = {};    // [K], what leaving at each exit costs so
  std::vector<double> shares = {};       // [K]
  double abstained = 0;  // fraction of the samples answered "do not know"; quality counts their answers too
};
// Throws kInvalidArgument for a table without samples, or without times when the policy has a deadline. REQUIRES: a
// valid table, a policy made for its shape.
Replay replay(const LogitTable& table, const ExitPolicy& policy);
// Of the policy described, without its cap, deadline and abstention. Throws what make_policy throws as well.
Replay replay_bare(const LogitTable& table, PolicySpec policy);

}  // namespace sooner
