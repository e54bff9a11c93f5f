#include "runtime/micro_batches.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <sstream>

#include <fmt/ranges.h>

#include "core/cpu.h"
#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/rng.h"
#include "runtime/bare_stage.h"

namespace sooner {
namespace {

using Clock = std::chrono::steady_clock;

// Of the measurement's file; another number makes old files unreadable.
constexpr int kVersion = 1;
// Each number of rows runs at least so often and so long.
constexpr int kRuns = 3;
constexpr double kSeconds = 0.004;
// Fewer rows are better where they are as fast: less memory, less waiting.
constexpr double kTolerance = 1.02;

// Seconds for one run of `rows` rows, the shortest of several.
double shortest_seconds(BareStage& stage, int32_t rows) {
  double shortest = std::numeric_limits<double>::infinity(), all = 0;
  for (int run = 0; run < kRuns || all < kSeconds; ++run) {
    const auto begin = Clock::now();
    stage.run(rows);
    const double took = std::chrono::duration<double>(Clock::now() - begin).count();
    shortest = std::min(shortest, took);
    all += took;
  }
  return shortest;
}

std::string cache_key(const Model& model) {
  return hash_hex(hash_bytes(fmt::format("{} {} {} {} {} {} {} {}", kVersion, model.hash(), model.backend_name(),
                                         model.instruction_set(), to_string(model.precision()), model.batch_max(),
                                         cpu_name(), to_string(cpu_features()))));
}

// Nothing unless the file holds as many numbers as the model has stages, each within its range.
std::vector<int32_t> read_rows(const std::filesystem::path& path, const Model& model) {
  std::string text;
  try {
    text = read_text(path, 1U << 16U);
  } catch (const Error&) {
    return {};
  }
  std::istringstream in(text);
  std::vector<int32_t> rows;
  for (int32_t value = 0; in >> value;) {
    if (value < 1 || value > model.batch_max()) return {};
    rows.push_back(value);
  }
  if (!in.eof() || rows.size() != model.stages()) return {};
  return rows;
}

}  // namespace

std::vector<int32_t> measure_micro_batches(const Model& model) {
  const int32_t most = model.batch_max();
  const Graph& graph = model.graph();
  std::vector<float> images(static_cast<size_t>(most) * static_cast<size_t>(element_count(graph.input_shape)));
  Rng rng(0x5ca1eU);
  for (float& pixel : images) pixel = static_cast<float>(rng.normal());
  std::vector<int32_t> best;
  std::vector<std::unique_ptr<BareStage>> stages;  // each reads what the one before it wrote
  for (size_t k = 0; k < model.stages(); ++k) {
    stages.push_back(std::make_unique<BareStage>(
        model.stage(k),
        k == 0 ? std::vector<const std::byte*>{reinterpret_cast<const std::byte*>(images.data())}
               : stages[k - 1]->output(),
        graph.classes, most));
    std::vector<std::pair<int32_t, double>> per_row;
    for (int32_t rows = 1;; rows = std::min(2 * rows, most)) {
      per_row.emplace_back(rows, shortest_seconds(*stages[k], rows) / rows);
      if (rows == most) break;
    }
    const double shortest = std::ranges::min_element(per_row, {}, [](const auto& one) { return one.second; })->second;
    best.push_back(
        std::ranges::find_if(per_row, [&](const auto& one) { return one.second <= kTolerance * shortest; })->first);
  }
  return best;
}

std::vector<int32_t> micro_batches(const Model& model, const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / ("micro-batches-" + cache_key(model) + ".txt");
  std::vector<int32_t> rows = read_rows(path, model);
  if (!rows.empty()) return rows;
  rows = measure_micro_batches(model);
  try {
    make_folder(folder);
    write_file_atomically(path, fmt::format("{}\n", fmt::join(rows, " ")));
  } catch (const Error&) {
    return rows;  // measured again next time
  }
  return rows;
}

std::filesystem::path default_cache_folder() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::filesystem::path(value == nullptr ? "" : value);
  };
  if (const auto own = variable("SOONER_CACHE"); !own.empty()) return own;
  if (const auto cache = variable("XDG_CACHE_HOME"); !cache.empty()) return cache / "sooner";
  if (const auto home = variable("HOME"); !home.empty()) return home / ".cache" / "sooner";
  return std::filesystem::temp_directory_path() / "sooner";
}

}  // namespace sooner
