#include "eval/exit_summary.h"

#include <fmt/format.h>

#include <limits>

#include "core/error.h"
#include "policy/scores.h"

namespace sooner {
namespace {

// NaN where nothing was counted.
double ratio(double part, int64_t whole) {
  return whole == 0 ? std::numeric_limits<double>::quiet_NaN() : part / static_cast<double>(whole);
}

void divide(std::vector<double>& sums, const std::vector<int64_t>& counts) {
  for (size_t c = 0; c < sums.size(); ++c) sums[c] = ratio(sums[c], counts[c]);
}

}  // namespace

PolicySummary summarize(const LogitTable& table, const Replay& replayed) {
  validate(table);
  const auto samples = static_cast<size_t>(table.samples);
  if (replayed.exit_index.size() != samples || replayed.label.size() != samples) {
    fail(Code::kInvalidArgument, "[summary] got a replay of {} samples, expected the table's {}",
         replayed.exit_index.size(), table.samples);
  }
  const auto classes = static_cast<size_t>(table.classes);
  PolicySummary summary;
  summary.exits.assign(static_cast<size_t>(table.exits), {.class_accuracy = std::vector<double>(classes, 0.0),
                                                          .class_share = std::vector<double>(classes, 0.0)});
  summary.accuracy = replayed.quality;
  summary.cost = replayed.cost;
  summary.class_accuracy.assign(classes, 0);
  summary.class_cost.assign(classes, 0);
  summary.class_samples.assign(classes, 0);
  std::vector<int64_t> left(summary.exits.size(), 0);
  for (int64_t n = 0; n < table.samples; ++n) {
    const auto label = static_cast<size_t>(table.labels[static_cast<size_t>(n)]);
    const auto taken = static_cast<size_t>(replayed.exit_index[static_cast<size_t>(n)]);
    SOONER_ASSERT(taken < summary.exits.size());
    ++summary.class_samples[label];
    ++left[taken];
    summary.class_cost[label] += replayed.exit_cost[taken];
    summary.exits[taken].class_share[label] += 1;
    // The policy may answer otherwise than the exit it leaves at.
    if (static_cast<size_t>(replayed.label[static_cast<size_t>(n)]) == label) {
      summary.exits[taken].accuracy_here += 1;
      summary.class_accuracy[label] += 1;
    }
    for (size_t k = 0; k < summary.exits.size(); ++k) {
      if (static_cast<size_t>(argmax(table.at(n, static_cast<int32_t>(k)))) != label) continue;
      summary.exits[k].accuracy += 1;
      summary.exits[k].class_accuracy[label] += 1;
    }
  }
  for (size_t k = 0; k < summary.exits.size(); ++k) {
    ExitSummary& exit = summary.exits[k];
    exit.accuracy = ratio(exit.accuracy, table.samples);
    exit.accuracy_here = ratio(exit.accuracy_here, left[k]);
    exit.share = ratio(static_cast<double>(left[k]), table.samples);
    divide(exit.class_accuracy, summary.class_samples);
    divide(exit.class_share, summary.class_samples);
  }
  divide(summary.class_accuracy, summary.class_samples);
  divide(summary.class_cost, summary.class_samples);
  return summary;
}

std::vector<std::string> starving_exits(const std::vector<double>& shares, const std::vector<double>& accuracies,
                                        const StarvationLimits& limits) {
  if (shares.size() != accuracies.size()) {
    fail(Code::kInvalidArgument, "[starvation] got {} shares and {} accuracies, expected one of each per exit",
         shares.size(), accuracies.size());
  }
  std::vector<std::string> messages;
  for (size_t k = 0; k + 1 < shares.size(); ++k) {
    if (shares[k] < limits.least_share) {
      messages.push_back(fmt::format("exit {} starves: {:.1f} % of the samples leave there, under {:.1f} %", k,
                                     100 * shares[k], 100 * limits.least_share));
    }
    const double behind = accuracies.back() - accuracies[k];
    if (behind > limits.most_behind) {
      messages.push_back(fmt::format("exit {} starves: its accuracy of {:.1f} % is {:.1f} points under the last exit's",
                                     k, 100 * accuracies[k], 100 * behind));
    }
  }
  return messages;
}

}  // namespace sooner
