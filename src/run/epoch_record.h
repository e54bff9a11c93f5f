// What a run says about an epoch: a line of metrics.jsonl, and one for people.
//
// The line is an object: epoch (from 1), step, phase (a regime's, such as "joint"), learning_rate, cost_weight,
// seconds, images_per_second, waiting_share (of the time, for data), best (so far), warnings, and "train" and
// "validation", each {loss, mixture, soft_cost (train only), exits: [{loss, accuracy, mean_gate, share}],
// rule_accuracy, cost}; what has no meaning in a phase is null. A regression has "error", the mean absolute one in the
// target's unit, in the place of exits' "accuracy". "gradient_norms" has the L2 norm of every layer's weight gradient
// at the epoch's last step, by parameter name, in the network's order.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/quantity.h"
#include "run/exit_metrics.h"

namespace sooner {

struct EpochRecord {
  int64_t epoch = 0;  // from 1
  int64_t step = 0;   // done, of the whole run
  std::string phase = {};
  double learning_rate = 0;
  double cost_weight = 0;
  double seconds = 0;  // spent on it: steps, validation, features kept for it; before an interruption, too
  double images_per_second = 0;
  double waiting_share = 0;
  bool best = false;  // so far
  TrainingMetrics train = {};
  ExitMetrics validation = {};
  std::vector<std::string> warnings = {};
  std::vector<std::pair<std::string, double>> gradient_norms = {};  // of its last step (train/gradient_norms.h)
  std::optional<Quantity> quantity = {};                            // that a regression is asked for; not in the line
};

// One line, without its end.
std::string metrics_json(const EpochRecord& record);

// The record a line stands for: what it does not say is NaN, 0 or empty. Nothing for a line that is no record of an
// epoch: a kill may have cut it short.
std::optional<EpochRecord> epoch_from_json(std::string_view line);

// All of a metrics.jsonl, up to the first line that is no record; none where there is no file. Throws what read_text
// throws.
std::vector<EpochRecord> read_epochs(const std::filesystem::path& path);

// Of all of them together: NaN where there are none.
double training_seconds(std::span<const EpochRecord> epochs);

// For a person.
std::string summary(const EpochRecord& record, int64_t epochs);

}  // namespace sooner
