#include "runtime/micro_batches.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <sstream>

#include <fmt/ranges.h>

#include "core/aligned_buffer.h"
#include "core/cpu.h"
#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/rng.h"
#include "runtime/session_buffers.h"

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

// A stage with memory of its own for `rows` rows.
class Bench {
 public:
  Bench(const CompiledStage& stage, const Graph& graph, int32_t rows, RowQueue& in)
      : stage_(stage),
        context_(stage.make_context()),
        out_(stage.carry_out(), 0, rows),
        scratch_(stage.scratch_bytes()) {
    context_->scratch = scratch_.bytes();
    logits_.resize(static_cast<size_t>(rows) * static_cast<size_t>(graph.classes));
    gates_.resize(static_cast<size_t>(rows));
    samples_.resize(static_cast<size_t>(rows));
    for (size_t t = 0; t < stage.carry_in().size(); ++t) src_.push_back(in.row(t, 0));
    for (size_t t = 0; t < stage.carry_out().size(); ++t) dst_.push_back(out_.row(t, 0));
  }

  // Seconds for one run of `rows` rows, the shortest of several.
  double seconds(int32_t rows) {
    double shortest = std::numeric_limits<double>::infinity(), all = 0;
    for (int run = 0; run < kRuns || all < kSeconds; ++run) {
      const auto begin = Clock::now();
      pass(rows);
      const double took = std::chrono::duration<double>(Clock::now() - begin).count();
      shortest = std::min(shortest, took);
      all += took;
    }
    return shortest;
  }

  RowQueue& out() { return out_; }

 private:
  void pass(int32_t rows) {
    const auto n = static_cast<size_t>(rows);
    const size_t at_once = static_cast<size_t>(std::max(1, stage_.rows_at_once()));
    for (size_t first = 0; first < n; first += at_once) {
      StageBatch batch;
      batch.n = static_cast<int32_t>(std::min(at_once, n - first));
      batch.samples = std::span(samples_).subspan(first, static_cast<size_t>(batch.n));
      std::vector<const std::byte*> src = src_;
      std::vector<std::byte*> dst = dst_;
      for (size_t t = 0; t < src.size(); ++t) src[t] += first * stage_.carry_in()[t].row_bytes;
      for (size_t t = 0; t < dst.size(); ++t) dst[t] += first * stage_.carry_out()[t].row_bytes;
      batch.src = src;
      batch.dst = dst;
      batch.logits = logits_.data();
      batch.gate_logits = gates_.data();
      for (size_t i = 0; i < stage_.steps().size(); ++i) stage_.run_step(i, batch, *context_);
    }
  }

  const CompiledStage& stage_;
  std::unique_ptr<StageContext> context_;
  RowQueue out_;
  AlignedBuffer scratch_;
  std::vector<float> logits_, gates_;
  std::vector<int32_t> samples_;
  std::vector<const std::byte*> src_;
  std::vector<std::byte*> dst_;
};

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
  const CarryTensor image{0, static_cast<size_t>(element_count(graph.input_shape)) * sizeof(float)};
  RowQueue images(std::span(&image, 1), 0, most);
  Rng rng(0x5ca1eU);
  auto* pixels = reinterpret_cast<float*>(images.row(0, 0));
  for (size_t i = 0; i < static_cast<size_t>(most) * image.row_bytes / sizeof(float); ++i) {
    pixels[i] = static_cast<float>(rng.normal());
  }
  std::vector<int32_t> best;
  std::vector<std::unique_ptr<Bench>> benches;  // a stage reads what the one before it wrote
  for (size_t k = 0; k < model.stages(); ++k) {
    RowQueue& in = k == 0 ? images : benches.back()->out();
    benches.push_back(std::make_unique<Bench>(model.stage(k), graph, most, in));
    std::vector<std::pair<int32_t, double>> per_row;
    for (int32_t rows = 1;; rows = std::min(2 * rows, most)) {
      per_row.emplace_back(rows, benches.back()->seconds(rows) / rows);
      if (rows == most) break;
    }
    double shortest = std::numeric_limits<double>::infinity();
    for (const auto& [rows, seconds] : per_row) shortest = std::min(shortest, seconds);
    const auto chosen =
        std::ranges::find_if(per_row, [&](const auto& one) { return one.second <= kTolerance * shortest; });
    best.push_back(chosen->first);
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
