#include "runtime/session_buffers.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "backend/common/memory_limit.h"
#include "core/error.h"

namespace sooner {
namespace {

// Survivors of so many rows are worth waiting for; larger batches bring nothing on one thread.
constexpr int32_t kUsualMicroBatch = 32;
constexpr int32_t kMostThreads = 1024;

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

size_t rounded(size_t bytes) {
  return (bytes + AlignedBuffer::kAlignment - 1) / AlignedBuffer::kAlignment * AlignedBuffer::kAlignment;
}

}  // namespace

RowQueue::RowQueue(std::span<const CarryTensor> tensors, size_t state_bytes, int32_t capacity)
    : state_bytes_(state_bytes) {
  for (const CarryTensor& tensor : tensors) row_bytes_.push_back(tensor.row_bytes);
  data_.resize(tensors.size());
  reserve(capacity);
}

void RowQueue::reserve(int32_t capacity) {
  if (capacity <= capacity_) return;
  size_t bytes = 0;
  for (const size_t row : row_bytes_) bytes += rounded(row * index(capacity));
  expect_memory("Session", static_cast<double>(bytes));
  AlignedBuffer memory(bytes);
  std::byte* at = memory.data();
  for (size_t t = 0; t < data_.size(); ++t) {
    if (size > 0) std::memcpy(at, data_[t], row_bytes_[t] * index(size));
    data_[t] = at;
    at += rounded(row_bytes_[t] * index(capacity));
  }
  memory_ = std::move(memory);
  samples.resize(index(capacity));
  state_.resize(state_bytes_ * index(capacity));
  capacity_ = capacity;
}

void RowQueue::move_row(int32_t from, int32_t to) {
  if (from == to) return;
  for (size_t t = 0; t < data_.size(); ++t) std::memcpy(row(t, to), row(t, from), row_bytes_[t]);
}

Session::Buffers::Buffers(const Model& model, const ExitPolicy& policy, const SessionOptions& options)
    : lanes(model.stages()), micro_batches(options.micro_batches), crew(std::clamp(options.threads, 1, kMostThreads)) {
  if (options.threads < 1 || options.threads > kMostThreads) {
    fail(Code::kInvalidArgument, "[Session] got {} threads, expected 1 to {}", options.threads, kMostThreads);
  }
  scratch.resize(static_cast<size_t>(options.threads));
  if (micro_batches.empty()) micro_batches.assign(lanes.size(), std::min(model.batch_max(), kUsualMicroBatch));
  if (micro_batches.size() != lanes.size()) {
    fail(Code::kInvalidArgument, "[Session] got {} micro-batches, expected one for each of {} stages",
         micro_batches.size(), lanes.size());
  }
  for (const int32_t rows : micro_batches) {
    if (rows < 1 || rows > model.batch_max()) {
      fail(Code::kInvalidArgument, "[Session] got a micro-batch of {}, expected 1 to {}, the model's batch_max", rows,
           model.batch_max());
    }
  }
  input = RowQueue({}, policy.state_bytes(), micro_batches[0]);
  const auto rows = static_cast<size_t>(*std::max_element(micro_batches.begin(), micro_batches.end()));
  logits.resize(rows * static_cast<size_t>(model.graph().classes));
  gate_logits.resize(rows);
  stays.resize(rows);
  const Manifest& manifest = model.manifest();
  temperatures = find_policy_at(manifest.policy, manifest.calibrations, to_string(model.precision()))
                     .value_or(manifest.policy)
                     .temperatures;
  if (temperatures.size() != lanes.size()) temperatures.assign(lanes.size(), 1.0);
  if (!policy.needs_times()) return;
  if (options.stage_seconds.size() != lanes.size()) {
    fail(Code::kInvalidArgument,
         "[Session] policy '{}' has a deadline and got {} stage times, expected {}; set stage_seconds to what each "
         "stage "
         "takes here",
         policy.name(), options.stage_seconds.size(), lanes.size());
  }
  for (const double seconds : options.stage_seconds) {
    if (!(seconds >= 0))
      fail(Code::kInvalidArgument, "[Session] got a stage time of {} s, expected 0 or more", seconds);
  }
  stage_seconds = options.stage_seconds;
  clock = options.clock ? options.clock : steady_seconds;
}

}  // namespace sooner
