#include "run/run_records.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>

namespace sooner {
namespace {

double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void add_scalars(std::vector<std::pair<std::string, float>>& scalars, const std::string& split, const ExitMetrics& m,
                 const std::optional<Quantity>& quantity) {
  const auto add = [&](const std::string& name, double value) {
    if (std::isfinite(value)) scalars.emplace_back(split + "/" + name, static_cast<float>(value));
  };
  for (size_t k = 0; k < m.loss.size(); ++k) {
    add(fmt::format("exit{}/loss", k), m.loss[k]);
    add(fmt::format("exit{}/{}", k, quality_word(quantity)), quality_number(quantity, m.quality[k]));
    if (m.has_rule()) add(fmt::format("exit{}/share", k), m.share[k]);
    if (k < m.mean_gate.size()) add(fmt::format("exit{}/mean_gate", k), m.mean_gate[k]);
  }
  add("rule_accuracy", m.rule_quality);
  add("cost", m.cost);
}

}  // namespace

RunRecords::RunRecords(const RunFolder& folder, size_t epochs_done)
    : metrics_(folder.metrics()), events_(folder.tensorboard(), wall_time()) {
  keep_lines(metrics_, epochs_done);
}

void RunRecords::add(const EpochRecord& record) {
  append_line(metrics_, metrics_json(record));
  std::vector<std::pair<std::string, float>> scalars{
      {"learning_rate", static_cast<float>(record.learning_rate)},
      {"cost_weight", static_cast<float>(record.cost_weight)},
      {"images_per_second", static_cast<float>(record.images_per_second)},
      {"train/loss", static_cast<float>(record.train.loss)}};
  add_scalars(scalars, "train", record.train.exits, record.quantity);
  add_scalars(scalars, "validation", record.validation, record.quantity);
  events_.write(wall_time(), record.step, scalars);
}

}  // namespace sooner
