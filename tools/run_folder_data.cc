#include "run_folder_data.h"

#include <nlohmann/json.hpp>
#include <sstream>

#include "core/error.h"
#include "core/file.h"

namespace sooner {
namespace {

using Json = nlohmann::json;

// Collects one value per epoch into named series, in order of first appearance.
class SeriesCollector {
 public:
  void add(const std::string& chart, const std::string& name, double epoch, const Json& value) {
    if (!value.is_number()) return;
    for (ReportSeries& known : series_) {
      if (known.chart == chart && known.name == name) return append(known, epoch, value);
    }
    series_.push_back({chart, name, {}, {}});
    append(series_.back(), epoch, value);
  }
  [[nodiscard]] std::vector<ReportSeries> take() { return std::move(series_); }

 private:
  static void append(ReportSeries& series, double epoch, const Json& value) {
    series.epochs.push_back(epoch);
    series.values.push_back(value.get<double>());
  }
  std::vector<ReportSeries> series_;
};

// `object[key]`, or null where there is none.
const Json& member(const Json& object, const char* key) {
  static const Json kNothing;
  if (!object.is_object()) return kNothing;
  const auto found = object.find(key);
  return found == object.end() ? kNothing : *found;
}

void add_epoch(const Json& line, SeriesCollector& series) {
  const Json& epoch_number = member(line, "epoch");
  if (!epoch_number.is_number()) return;
  const auto epoch = epoch_number.get<double>();
  for (const char* split : {"train", "validation"}) {
    const Json& exits = member(member(line, split), "exits");
    for (size_t k = 0; k < exits.size() && exits.is_array(); ++k) {
      const std::string name = fmt::format("exit {} {}", k, split);
      series.add("accuracy", name, epoch, member(exits[k], "accuracy"));
      series.add("loss", name, epoch, member(exits[k], "loss"));
      if (std::string_view(split) == "validation") {
        series.add("share leaving by the gates (validation)", fmt::format("exit {}", k), epoch,
                   member(exits[k], "share"));
      }
    }
  }
  series.add("learning rate", "learning rate", epoch, member(line, "learning_rate"));
}

}  // namespace

std::filesystem::path model_path(const std::filesystem::path& run_or_model) {
  std::error_code error;
  if (!std::filesystem::is_directory(run_or_model, error)) return run_or_model;
  const std::filesystem::path model = run_or_model / "model.safetensors";
  if (!std::filesystem::exists(model, error)) {
    fail(Code::kNotFound, "[run] '{}' holds no model.safetensors; is the training finished? (sooner train --resume {})",
         run_or_model.string(), run_or_model.string());
  }
  return model;
}

std::vector<ReportSeries> training_series(const std::filesystem::path& run_or_model) {
  const std::filesystem::path metrics =
      (std::filesystem::is_directory(run_or_model) ? run_or_model : run_or_model.parent_path()) / "metrics.jsonl";
  std::error_code error;
  if (!std::filesystem::exists(metrics, error)) return {};
  std::istringstream lines(read_text(metrics));
  SeriesCollector series;
  for (std::string line; std::getline(lines, line);) {
    const Json json = Json::parse(line, nullptr, false);
    if (json.is_discarded()) break;
    add_epoch(json, series);
  }
  return series.take();
}

}  // namespace sooner
