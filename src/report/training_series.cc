#include "report/training_series.h"

#include <fmt/format.h>

#include <cmath>

#include "run/epoch_record.h"

namespace sooner {
namespace {

// Collects one value per epoch into named series, in order of first appearance.
class SeriesCollector {
 public:
  void add(const std::string& chart, const std::string& name, int64_t epoch, double value) {
    if (std::isnan(value)) return;
    for (ReportSeries& known : series_) {
      if (known.chart == chart && known.name == name) return append(known, epoch, value);
    }
    series_.push_back({chart, name, {}, {}});
    append(series_.back(), epoch, value);
  }
  [[nodiscard]] std::vector<ReportSeries> take() { return std::move(series_); }

 private:
  static void append(ReportSeries& series, int64_t epoch, double value) {
    series.epochs.push_back(static_cast<double>(epoch));
    series.values.push_back(value);
  }
  std::vector<ReportSeries> series_;
};

void add_split(const std::string& split, int64_t epoch, const ExitMetrics& metrics, SeriesCollector& series) {
  for (size_t k = 0; k < metrics.loss.size(); ++k) {
    const std::string name = fmt::format("exit {} {}", k, split);
    series.add("accuracy", name, epoch, metrics.quality[k]);
    series.add("loss", name, epoch, metrics.loss[k]);
    if (split == "validation" && metrics.has_rule()) {
      series.add("share leaving by the gates (validation)", fmt::format("exit {}", k), epoch, metrics.share[k]);
    }
  }
}

}  // namespace

std::vector<ReportSeries> training_series(const std::filesystem::path& run_or_model) {
  const std::filesystem::path folder =
      std::filesystem::is_directory(run_or_model) ? run_or_model : run_or_model.parent_path();
  SeriesCollector series;
  for (const EpochRecord& record : read_epochs(folder / "metrics.jsonl")) {
    add_split("train", record.epoch, record.train.exits, series);
    add_split("validation", record.epoch, record.validation, series);
    series.add("learning rate", "learning rate", record.epoch, record.learning_rate);
  }
  return series.take();
}

}  // namespace sooner
